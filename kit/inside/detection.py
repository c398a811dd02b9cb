"""Mean average precision of boxes, by pycocotools on COCO's own form of results.

Command line::

    python3 -m inside.detection --results DIR --annotations FILE --preprocess JSON --form JSON --out DIR

``--results`` holds for each image of the annotations ``NAME_I.npy``. ``--form`` holds the settings of ``task ->
detection``: what the outputs are (:mod:`.boxforms` reads them), ``iou``, the threshold of the suppression per class
(null: the model did it), and ``most``, how many boxes of an image are kept. Boxes are mapped back through the resize of
``--preprocess``. It writes
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

from .boxforms import read_boxes
from .boxintervals import intervals
from .pixels import Preprocessor
from .preprocess import config_argument
from .protocol import UserError, progress, run, write_bytes, write_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["main", "suppress"]


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
        boxes, scores, labels = read_boxes(
            arguments.results, str(image["file_name"]), form, categories, preprocess.config.crop, arguments.annotations
        )
        boxes = _back(boxes, image, preprocess)
        chosen = _chosen(boxes, scores, labels, form)
        for index in chosen:
            left, top, right, bottom = (float(value) for value in boxes[index])
            detections.append(
                {
                    "image_id": image["id"],
                    "category_id": int(labels[index]),
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
