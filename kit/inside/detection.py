"""Mean average precision of boxes, by pycocotools on COCO's own form of results.

Command line::

    python3 -m inside.detection --results DIR --annotations FILE --preprocess JSON --form JSON --out DIR

``--results`` holds for each image of the annotations ``NAME_I.npy``. ``--form`` says what they are: ``outputs`` is
``rows`` (one output: for each box four numbers, then, with ``objectness``, one for that, then a score per class) or
``lists`` (three outputs: boxes, scores, labels); ``boxes`` is ``xyxy`` or ``cxcywh``, in pixels of the input; ``score``
and ``iou`` are the thresholds of the score and of the suppression per class (null: the model did it); ``most`` is how
many boxes of an image are kept. Boxes are mapped back through the resize of ``--preprocess``. It writes
``detections.json`` (COCO's form of results), ``table.txt`` and ``metrics.json``: mAP and AP50 as fractions with
95 % bootstrap intervals over images.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .boxintervals import intervals
from .pixels import Preprocessor
from .preprocess import config_argument
from .protocol import UserError, progress, run, write_bytes, write_json
from .stored import read_array

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["main", "suppress"]

_REPEAT = "Run the inference again with --force."


def suppress(boxes: Floats, scores: Floats, iou: float) -> list[int]:
    """Indexes of the boxes (x1, y1, x2, y2) that are kept, best first; equal scores keep their order."""
    order = list(np.argsort(-scores, kind="stable"))
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: list[int] = []
    while order:
        best, rest = order[0], np.array(order[1:], dtype=np.int64)
        kept.append(int(best))
        low, high = np.maximum(boxes[best, :2], boxes[rest, :2]), np.minimum(boxes[best, 2:], boxes[rest, 2:])
        both = np.prod(np.clip(high - low, 0, None), axis=1)
        union = areas[best] + areas[rest] - both
        order = list(rest[both <= iou * np.maximum(union, 1e-12)])
    return kept


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    arguments = _arguments(argv)
    form: dict[str, Any] = arguments.form
    tree = _annotations(arguments.annotations)
    preprocess = Preprocessor(config_argument(arguments.preprocess))
    categories = sorted(one["id"] for one in tree["categories"])
    detections: list[dict[str, Any]] = []
    for number, image in enumerate(tree["images"]):
        boxes, scores, labels = _found(arguments.results, image, form, len(categories), arguments.annotations)
        boxes = _back(boxes, image, preprocess)
        chosen = _chosen(boxes, scores, labels, form)
        for index in chosen:
            left, top, right, bottom = (float(value) for value in boxes[index])
            detections.append(
                {
                    "image_id": image["id"],
                    "category_id": categories[labels[index]],
                    "bbox": [left, top, right - left, bottom - top],
                    "score": float(scores[index]),
                }
            )
        progress(number + 1, len(tree["images"]), "images")
    write_json(os.path.join(arguments.out, "detections.json"), detections)
    table, stats, bounds = _evaluate(tree, detections)
    write_bytes(os.path.join(arguments.out, "table.txt"), table.encode())
    metrics = [
        {"name": name, "value": stats[place], "interval": bounds[place], "samples": len(tree["images"])}
        for name, place in (("mAP", 0), ("AP50", 1))
    ]
    write_json(os.path.join(arguments.out, "metrics.json"), {"metrics": metrics, "boxes": len(detections)})
    print(table)


def _annotations(path: str) -> dict[str, Any]:
    """The annotations, checked.

    Raises:
        UserError: not COCO's form, a box outside of its image, or of a category or image that is not listed.
    """
    try:
        with open(path, encoding="utf-8") as file:
            tree: dict[str, Any] = json.load(file)
        sizes = {one["id"]: (float(one["width"]), float(one["height"])) for one in tree["images"]}
        known = {one["id"] for one in tree["categories"]}
        boxes = [
            (one["id"], one["image_id"], one["category_id"], *map(float, one["bbox"])) for one in tree["annotations"]
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"the annotations are not in COCO's form: {type(error).__name__} {error}", "Give a COCO json.", path
        ) from error
    if not boxes or not sizes:
        raise UserError("the annotations hold no box", "Give those of this data set.", path)
    for id_, image, category, left, top, width, height in boxes:
        if image not in sizes or category not in known:
            what = f"image {image}" if image not in sizes else f"category {category}"
            raise UserError(f"annotation {id_} is of {what}, which the file does not list", "Correct the file.", path)
        across, down = sizes[image]
        if left < -1 or top < -1 or width <= 0 or height <= 0 or left + width > across + 1 or top + height > down + 1:
            raise UserError(
                f"the box of annotation {id_} is outside image {image} ({across:g} x {down:g})",
                "Correct it; a box is left, top, width, height in pixels.",
                path,
            )
    return tree


def _found(
    folder: str, image: Mapping[str, Any], form: Mapping[str, Any], categories: int, where: str
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Boxes (n, 4) as x1, y1, x2, y2 in pixels of the input, scores and classes."""
    stem = os.path.basename(str(image["file_name"])).split(".", 1)[0]
    count = 3 if form["outputs"] == "lists" else 1
    arrays = []
    for output in range(count):
        path = os.path.join(folder, f"{stem}_{output}.npy")
        missing = f"image {image['file_name']} has no result of output {output}"
        arrays.append(read_array(path, _REPEAT, missing=missing).astype(np.float64))
        if not np.isfinite(arrays[-1]).all():
            raise UserError("the result holds NaN or infinity", "Check the model.", path, "tolerance")
    if form["outputs"] == "lists":
        boxes, scores = arrays[0].reshape(-1, 4), arrays[1].reshape(-1)
        labels = arrays[2].reshape(-1).astype(np.int64) - form["first_label"]
    else:
        boxes, scores, labels = _rows(np.squeeze(arrays[0]), form, categories)
    real = scores >= form["score"]
    boxes, scores, labels = boxes[real], scores[real], labels[real]
    if labels.size and (labels.min() < 0 or labels.max() >= categories):
        raise UserError(
            f"the model finds class {labels.max()}, and the annotations have {categories} categories",
            "Give the annotations of the model's own classes, or first_label in the recipe.",
            where,
        )
    if form["boxes"] == "cxcywh":
        boxes = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)
    return boxes, scores, labels


def _rows(rows: Floats, form: Mapping[str, Any], categories: int) -> tuple[Floats, Floats, NDArray[np.int64]]:
    start = 5 if form["objectness"] else 4
    if rows.ndim == 2 and rows.shape[1] != start + categories and rows.shape[0] == start + categories:
        rows = rows.T
    if rows.ndim != 2 or rows.shape[1] != start + categories:
        raise UserError(
            f"the output has shape {list(rows.shape)}, and {categories} categories need rows of {start + categories}",
            "Correct task -> detection of the recipe: outputs, objectness; or give the annotations of these classes.",
        )
    scores = rows[:, start:] * (rows[:, 4:5] if form["objectness"] else 1.0)
    # Each class of a box above the threshold is a detection, as COCO's metric requires.
    index, labels = np.nonzero(scores >= form["score"])
    return rows[index, :4], scores[index, labels], labels


def _back(boxes: Floats, image: Mapping[str, Any], preprocess: Preprocessor) -> Floats:
    """From pixels of the input to pixels of the image, cut at its edges."""
    width, height = int(image["width"]), int(image["height"])
    across, down = preprocess._resized(width, height)  # noqa: SLF001 - the one rule of sizes
    crop_height, crop_width = preprocess.config.crop
    left, top = (crop_width - across) // 2, (crop_height - down) // 2
    shift, scale = np.array([left, top, left, top]), np.array([width / across, height / down] * 2)
    back: Floats = np.clip((boxes - shift) * scale, 0, [width, height, width, height])
    return back


def _chosen(boxes: Floats, scores: Floats, labels: NDArray[np.int64], form: Mapping[str, Any]) -> list[int]:
    if form["iou"] is None:
        kept = list(range(len(scores)))
    else:
        kept = []
        for label in np.unique(labels):
            of_class = np.flatnonzero(labels == label)
            kept += [int(of_class[one]) for one in suppress(boxes[of_class], scores[of_class], form["iou"])]
    return sorted(kept, key=lambda index: (-scores[index], index))[: form["most"]]


def _evaluate(
    tree: Mapping[str, Any], detections: Sequence[Mapping[str, Any]]
) -> tuple[str, list[float], list[list[float]]]:
    """COCO's table as it prints it, its twelve numbers, intervals of the first two."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    if not detections:
        raise UserError("the model finds no box at all", "Lower task -> detection -> score, or check the outputs.")
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        truth = COCO()
        truth.dataset = {**tree, "annotations": [{"iscrowd": 0, **one} for one in tree["annotations"]]}
        for one in truth.dataset["annotations"]:
            one.setdefault("area", one["bbox"][2] * one["bbox"][3])
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes([dict(one) for one in detections]), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        text.truncate(0)
        text.seek(0)
        evaluation.summarize()
    return text.getvalue(), [float(one) for one in evaluation.stats], intervals(evaluation)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="inside.detection", description="Mean average precision of boxes.")
    parser.add_argument("--results", required=True)
    parser.add_argument("--annotations", required=True)
    parser.add_argument("--preprocess", required=True)
    parser.add_argument("--form", required=True, type=json.loads)
    parser.add_argument("--out", required=True)
    return parser.parse_args(argv)


if __name__ == "__main__":
    run(main)
