"""Boxes of one image from a model's outputs, in the forms that detectors give.

``outputs`` says which arrays there are: ``rows`` (one: for each box four numbers, then, with ``objectness``, one for
that, then a score per class), ``pair`` (boxes; scores per class), ``lists`` (boxes; scores; classes) or ``found`` (one:
for each box ``columns``). ``boxes`` is ``xyxy``, ``yxyx``, ``xywh`` or ``cxcywh``, in pixels of the input or, with
``normalized``, in shares of its sides. ``activation`` turns numbers into scores first.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .protocol import UserError
from .stored import read_array

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    #: Boxes (n, 4), their scores (n,) and classes (n,).
    Found = tuple[Floats, Floats, NDArray[np.int64]]

__all__ = ["read_boxes"]

_REPEAT = "Run the inference again with --force."
_REMEDY = (
    "Correct outputs, objectness, first_label or labels under task -> detection, or give these classes' annotations."
)
_COUNTS = {"rows": 1, "found": 1, "pair": 2, "lists": 3}


def read_boxes(
    folder: str, image: str, form: Mapping[str, Any], categories: Sequence[int], crop: Sequence[int], where: str
) -> Found:
    """Boxes as x1, y1, x2, y2 in pixels of the input, scores from the threshold on, and ids of their categories.

    Args:
        folder: the results.
        image: its file name.
        form: the settings.
        categories: ids of the annotations, sorted.
        crop: (height, width) of the input.
        where: the annotations.

    Raises:
        UserError: no result, NaN, or arrays of another form.
    """
    stem = os.path.basename(image).split(".", 1)[0]
    arrays: list[Floats] = []
    for output in range(_COUNTS[form["outputs"]]):
        path = os.path.join(folder, f"{stem}_{output}.npy")
        array = read_array(path, _REPEAT, missing=f"image {image} has no result of output {output}")
        arrays.append(array.astype(np.float64))
        if not np.isfinite(arrays[-1]).all():
            raise UserError("the result holds NaN or infinity", "Check the model.", path, "tolerance")
    numbers = _numbers(form, categories)
    if form["outputs"] == "lists":
        boxes, scores = arrays[0].reshape(-1, 4), arrays[1].reshape(-1)
        labels = arrays[2].reshape(-1).astype(np.int64)
    elif form["outputs"] == "found":
        boxes, scores, labels = _columns(arrays[0], form["columns"])
    else:
        boxes, scores, labels = _per_class(arrays, form, list(numbers))
    if not len(boxes) == len(scores) == len(labels):
        what = f"the outputs hold {len(boxes)} boxes, {len(scores)} scores and {len(labels)} classes"
        raise UserError(what, "Name boxes, scores and labels in this order under outputs of the recipe.", image)
    real = scores >= form["score"]
    boxes, scores, labels = boxes[real], scores[real], labels[real]
    if odd := sorted(set(labels.tolist()) - set(numbers)):
        what = f"the model finds class {odd[-1]}, and the annotations' {len(categories)} categories are not numbered so"
        raise UserError(what, _REMEDY, where)
    ids = np.array([numbers[label] for label in labels.tolist()], dtype=np.int64)
    return _corners(boxes, form, crop), scores, ids


def _numbers(form: Mapping[str, Any], categories: Sequence[int]) -> dict[int, int]:
    """Number of a class in the model -> id of the category."""
    if form.get("labels") == "ids":
        return {one: one for one in categories}
    return {form["first_label"] + place: one for place, one in enumerate(categories)}


def _per_class(arrays: Sequence[Floats], form: Mapping[str, Any], numbers: Sequence[int]) -> Found:
    """From a score for each class of each box; the classes that are no category are background."""
    start = 0 if form["outputs"] == "pair" else 4 + form["objectness"]
    softmax, by_id = form.get("activation") == "softmax", form.get("labels") == "ids"
    needed = start + max(numbers) + 1
    rows = arrays[-1]
    rows = rows.reshape(rows.shape[-2:]) if rows.size == np.prod(rows.shape[-2:]) else rows  # without the batch

    def fits(columns: int) -> bool:  # a softmax has a class for nothing, often the last
        return columns >= needed if by_id else columns - needed in ({0, 1} if softmax else {0})

    if rows.ndim == 2 and not fits(rows.shape[1]) and fits(rows.shape[0]):
        rows = rows.T
    if rows.ndim != 2 or not fits(rows.shape[1]):
        what = f"the output has shape {list(rows.shape)}, and {len(numbers)} categories need rows of {needed}"
        raise UserError(what, _REMEDY)
    boxes = arrays[0].reshape(-1, 4) if form["outputs"] == "pair" else rows[:, :4]
    if len(boxes) != len(rows):
        what = f"the outputs hold {len(boxes)} boxes and scores of {len(rows)}"
        raise UserError(what, "Name boxes and scores in this order under outputs of the recipe.")
    scores = _activated(rows[:, start:], form)
    if form["objectness"]:
        scores = scores * _activated(rows[:, 4:5], form)
    # Each class of a box above the threshold is a detection, as COCO's metric requires.
    kept = np.isin(np.arange(scores.shape[1]), numbers)
    index, labels = np.nonzero((scores >= form["score"]) & kept)
    return boxes[index], scores[index, labels], labels.astype(np.int64)


def _activated(values: Floats, form: Mapping[str, Any]) -> Floats:
    kind = form.get("activation", "none")
    if kind == "none":
        return values
    powers: Floats = np.exp(
        np.clip(values - (values.max(axis=1, keepdims=True) if kind == "softmax" else 0), -500, 500)
    )
    return powers / (powers.sum(axis=1, keepdims=True) if kind == "softmax" else 1 + powers)


def _columns(array: Floats, columns: Sequence[str]) -> Found:
    """From rows whose numbers have names; a row of no image is filling."""
    starts, width = {}, 0
    for name in columns:
        starts[name] = width
        width += 4 if name == "box" else 1
    if array.shape[-1] != width:
        what = f"the output has shape {list(array.shape)}, and {', '.join(columns)} are {width} numbers"
        raise UserError(what, "Correct task -> detection -> columns of the recipe.")
    rows = array.reshape(-1, width)
    if "image" in starts:
        rows = rows[rows[:, starts["image"]] >= 0]
    box = starts["box"]
    return rows[:, box : box + 4], rows[:, starts["score"]], rows[:, starts["class"]].astype(np.int64)


def _corners(boxes: Floats, form: Mapping[str, Any], crop: Sequence[int]) -> Floats:
    kind = form["boxes"]
    if kind == "yxyx":
        boxes = boxes[:, [1, 0, 3, 2]]
    elif kind == "xywh":
        boxes = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
    elif kind == "cxcywh":
        boxes = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], axis=1)
    return boxes * [crop[1], crop[0], crop[1], crop[0]] if form.get("normalized") else boxes
