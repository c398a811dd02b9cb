"""Mean intersection over union of label maps: one confusion matrix over the data set.

Command line::

    python3 -m inside.segmentation --results DIR --masks DIR --classes N --ignore 255 [--first-label 0]
        [--enlarge nearest|bilinear] [--threshold T] --out DIR

``--results`` holds ``NAME_0.npy`` for each image: scores (classes, height, width), the class of each pixel (height,
width), or with ``--threshold`` the score of class 1, which is found above it. ``--masks`` holds ``NAME.png`` with the
true class of each pixel, counted from ``--first-label``; a lower number is not counted. A prediction of another size
than its mask is resized to it: classes by the nearest pixel, scores as ``--enlarge`` says, before the best is
chosen. It writes ``metrics.json``: ``metrics`` (mIoU and aAcc as fractions,
each with a 95 % bootstrap interval over images) and ``iou`` of each class, null for one that does not occur.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .protocol import UserError, progress, run, write_json
from .samples import natural
from .stored import read_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

__all__ = ["confusion", "main", "mean_iou", "pixel_accuracy"]

_RESAMPLES = 1000


def confusion(truth: NDArray[Any], found: NDArray[Any], classes: int, ignore: int) -> Counts:
    """(classes, classes): pixels by true and found class; without those whose true label is ``ignore``."""
    counted = truth != ignore
    pairs = truth[counted].astype(np.int64) * classes + found[counted].astype(np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def class_ious(matrix: Counts) -> NDArray[np.float64]:
    """Intersection over union of each class; NaN for a class that is neither true nor found anywhere."""
    hit = np.diagonal(matrix, axis1=-2, axis2=-1).astype(np.float64)
    union = matrix.sum(axis=-1) + matrix.sum(axis=-2) - hit
    ious: NDArray[np.float64] = np.divide(hit, union, out=np.full_like(hit, np.nan), where=union > 0)
    return ious


def mean_iou(matrix: Counts) -> float:
    """Mean over the classes that are present."""
    return float(np.nanmean(class_ious(matrix)))


def pixel_accuracy(matrix: Counts) -> float:
    """Share of pixels with the right class."""
    return float(np.trace(matrix) / matrix.sum())


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    arguments = _arguments(argv)
    names = _names(arguments.masks)
    matrices = np.zeros((len(names), arguments.classes, arguments.classes), np.int64)
    for number, name in enumerate(names):
        truth = _mask(os.path.join(arguments.masks, f"{name}.png"), arguments)
        found = _prediction(os.path.join(arguments.results, f"{name}_0.npy"), arguments, truth.shape)
        matrices[number] = confusion(truth, found, arguments.classes, arguments.ignore)
        progress(number + 1, len(names), "images")
    whole = matrices.sum(axis=0)
    if not whole.sum():
        raise UserError("every pixel has the label that is ignored", "Correct ignore in the recipe.", arguments.masks)
    random = np.random.default_rng(0)
    drawn = [matrices[random.integers(len(names), size=len(names))].sum(axis=0) for _ in range(_RESAMPLES)]
    metrics = []
    for name, compute in (("mIoU", mean_iou), ("aAcc", pixel_accuracy)):
        values = [compute(one) for one in drawn if one.sum()]
        interval = [float(np.percentile(values, share)) for share in (2.5, 97.5)]
        metrics.append({"name": name, "value": compute(whole), "interval": interval, "samples": len(names)})
    ious = [None if np.isnan(one) else float(one) for one in class_ious(whole)]
    write_json(os.path.join(arguments.out, "metrics.json"), {"metrics": metrics, "iou": ious})
    print(", ".join(f"{one['name']} {one['value']:.4f}" for one in metrics))


def _names(masks: str) -> list[str]:
    names = sorted((name[:-4] for name in os.listdir(masks) if name.endswith(".png") and name[0] != "."), key=natural)
    if not names:
        raise UserError("the folder holds no masks", "Give the folder of the .png masks.", masks, "missing")
    return names


def _mask(path: str, arguments: argparse.Namespace) -> NDArray[Any]:
    from PIL import Image

    classes, ignore, first = arguments.classes, arguments.ignore, arguments.first_label

    try:
        with Image.open(path) as image:
            truth = np.asarray(image)
    except (OSError, ValueError, SyntaxError) as error:
        raise UserError(f"the mask cannot be read: {error}", "Replace it.", path, "damaged") from error
    if truth.ndim != 2:
        raise UserError("the mask has several channels", "Give masks with one class number per pixel.", path)
    wrong = truth[(truth != ignore) & (truth >= first + classes)]
    if wrong.size:
        raise UserError(
            f"the mask has the class {int(wrong[0])}, and the model has {first} to {first + classes - 1}",
            "Correct model -> classes, or ignore or first_label of the task, or the masks.",
            path,
        )
    return np.where((truth == ignore) | (truth < first), ignore, truth.astype(np.int64) - first) if first else truth


def _prediction(path: str, arguments: argparse.Namespace, size: tuple[int, ...]) -> NDArray[Any]:
    remedy, classes = "Run the inference again with --force.", arguments.classes
    found = read_array(path, remedy, missing="there is no result of this image")
    found = found.reshape([one for one in found.shape[:-2] if one != 1] + list(found.shape[-2:]))
    if not np.isfinite(found).all():
        raise UserError("the scores hold NaN or infinity", "Check the model.", path, "tolerance")
    scores = found.ndim == 3 and found.shape[0] == classes
    if (scores or arguments.threshold is not None) and arguments.enlarge == "bilinear":
        found = _bilinear(found, size)
    if scores:
        found = found.argmax(axis=0)
    elif arguments.threshold is not None and found.ndim == 2:
        found = found > arguments.threshold
    if found.ndim != 2 or found.min() < 0 or found.max() >= classes or (found != found.astype(np.int64)).any():
        raise UserError(
            f"the result has shape {list(found.shape)}, which is neither a class nor {classes} scores a pixel",
            "Correct model -> classes, name the right output first, or set threshold for one score of two classes.",
            path,
        )
    rows, columns = (np.arange(want) * have // want for want, have in zip(size, found.shape, strict=True))
    resized: NDArray[Any] = found[rows[:, None], columns]
    return resized


def _bilinear(scores: NDArray[Any], size: tuple[int, ...]) -> NDArray[np.float32]:
    """Scores (..., height, width) resized as PyTorch's interpolate does, without aligned corners."""
    for axis, want in zip((-2, -1), size, strict=True):
        have = scores.shape[axis]
        place = np.clip((np.arange(want) + 0.5) * have / want - 0.5, 0, have - 1).astype(np.float32)
        low = place.astype(np.int64)
        share = (place - low)[:, None] if axis == -2 else place - low
        one, other = scores.take(low, axis=axis), scores.take(np.minimum(low + 1, have - 1), axis=axis)
        scores = one + (other - one) * share
    return scores.astype(np.float32, copy=False)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="inside.segmentation", description="Mean intersection over union.")
    parser.add_argument("--results", required=True)
    parser.add_argument("--masks", required=True)
    parser.add_argument("--classes", type=int, required=True)
    parser.add_argument("--ignore", type=int, default=255)
    parser.add_argument("--first-label", type=int, default=0)
    parser.add_argument("--enlarge", choices=("nearest", "bilinear"), default="nearest")
    parser.add_argument("--threshold", type=float)
    parser.add_argument("--out", required=True)
    return parser.parse_args(argv)


if __name__ == "__main__":
    run(main)
