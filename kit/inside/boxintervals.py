"""Bootstrap intervals of COCO's average precision: images drawn with replacement, from one evaluation's matches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Category", "average_precisions", "categories_of", "intervals"]

_RESAMPLES = 500


@dataclass(frozen=True)
class Category:
    """Detections of a category by falling score: (thresholds, detections) hits and misses, and the image of each."""

    hits: NDArray[np.bool_]
    misses: NDArray[np.bool_]
    images: NDArray[np.int64]
    objects: NDArray[np.int64]  # of each image


def intervals(evaluation: Any) -> list[list[float]]:
    """95 % intervals of mAP (0.5:0.95) and of AP50.

    Args:
        evaluation: pycocotools' COCOeval after ``evaluate()``.
    """
    categories, count = categories_of(evaluation), len(evaluation.params.imgIds)
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(_RESAMPLES):
        weights = np.bincount(random.integers(count, size=count), minlength=count)
        found = average_precisions(categories, weights, evaluation.params.recThrs)
        if np.isfinite(found).all():
            drawn.append(found)
    low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
    return [[float(one), float(other)] for one, other in zip(low, high, strict=True)]


def average_precisions(
    categories: list[Category], weights: NDArray[np.int64], recalls: NDArray[np.float64]
) -> tuple[float, float]:
    """MAP and AP50 where each image counts as often as `weights` says; as COCO's own with weights of 1."""
    values = []
    for one in categories:
        objects = int(weights @ one.objects)
        if not objects:
            continue
        weight = weights[one.images]
        hits = np.cumsum(one.hits * weight, axis=1, dtype=np.float64)
        misses = np.cumsum(one.misses * weight, axis=1, dtype=np.float64)
        precision = hits / (hits + misses + np.spacing(1))
        precision = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        padded = np.concatenate([precision, np.zeros((len(precision), 1))], axis=1)
        places = [np.searchsorted(row, recalls, side="left") for row in hits / objects]
        values.append([row[place].mean() for row, place in zip(padded, places, strict=True)])
    if not values:
        return float("nan"), float("nan")
    return float(np.mean(values)), float(np.mean([row[0] for row in values]))


def categories_of(evaluation: Any) -> list[Category]:
    """The categories that have objects, from pycocotools' COCOeval after ``evaluate()``."""
    parameters = evaluation.params
    images, areas, most = len(parameters.imgIds), len(parameters.areaRng), parameters.maxDets[-1]
    found = []
    for number in range(len(parameters.catIds)):
        entries = evaluation.evalImgs[number * areas * images : number * areas * images + images]
        objects = [0 if one is None else int(np.sum(np.asarray(one["gtIgnore"]) == 0)) for one in entries]
        real = [(index, one) for index, one in enumerate(entries) if one is not None and len(one["dtScores"])]
        if not any(objects):
            continue
        scores = np.concatenate([one["dtScores"][:most] for _, one in real] or [np.zeros(0)])
        order = np.argsort(-scores, kind="stable")
        empty = np.zeros((len(parameters.iouThrs), 0))
        matches = np.concatenate([one["dtMatches"][:, :most] for _, one in real] or [empty], axis=1)[:, order]
        ignored = np.concatenate([one["dtIgnore"][:, :most] for _, one in real] or [empty], axis=1)[:, order] != 0
        owners = np.concatenate([np.full(len(one["dtScores"][:most]), index) for index, one in real] or [np.zeros(0)])
        hits, misses = (matches != 0) & ~ignored, (matches == 0) & ~ignored
        found.append(Category(hits, misses, owners[order].astype(np.int64), np.asarray(objects, np.int64)))
    return found
