"""Which settings read the boxes of a graph, as far as names and shapes of its outputs tell. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kit.inside.onnx_input import GraphValue
from kit.planning.task import TaskDraft

__all__ = ["guess_boxes"]

#: More boxes than a model ever leaves after it suppressed the others.
_MANY = 1000
_GUESS = "{} are a guess after the shapes of the outputs; docs/tasks.md tells the forms"
_DO = "export the model with its decoding, or let programs of yours decode them, with task: script"
_FOUND: dict[str, Any] = {"outputs": "found", "columns": ["box", "score", "class"], "boxes": "xyxy", "iou": None}


def guess_boxes(outputs: Sequence[GraphValue], categories: int | None, size: Sequence[int]) -> TaskDraft | None:
    """The settings; None where the outputs look like no boxes.

    Args:
        outputs: those of the graph.
        categories: how many the annotations have, where there are some.
        size: (height, width) of the input.
    """
    whole = {"resize": list(size), "crop": list(size), "interpolation": "bilinear", "fit": "contain", "pad": 114}
    whole |= {"scale": 255, "mean": [0, 0, 0], "std": [1, 1, 1]}
    if raw := _undecoded(outputs, categories):
        shown = ", ".join(f"{one.name} {list(one.shape)}" for one in raw[:3])
        return TaskDraft({}, (), categories, {}, "", unread=f"the outputs {shown} hold no decoded boxes: {_DO}")
    least = 2 if any(len(one.shape) == 1 for one in outputs) else 3  # (n, 4) beside (n,) are boxes, alone four classes
    boxes = next((one for one in outputs if len(one.shape) >= least and one.shape[-1] == 4), None)
    if len(outputs) > 1 and boxes is not None:
        return _several(boxes, [one for one in outputs if one is not boxes], categories, whole)
    shape = outputs[0].shape
    boxed = (len(shape) == 3 and "float" in outputs[0].dtype) or (len(shape) == 4 and shape[1] == 1 and shape[-1] == 7)
    if len(shape) == 2 and categories is not None:  # most are scores per class, for which COCO annotations may be, too
        boxed = shape[1] in {6, 7} and categories != shape[1]
    return _one(outputs[0], categories, whole) if boxed else None


def _undecoded(outputs: Sequence[GraphValue], categories: int | None) -> Sequence[GraphValue]:
    """Outputs that are maps of anchors or points, at several scales or beside one another; empty where there are none.

    A map alone may be anything, if no annotations of boxes say that it is a detector's.
    """
    maps = [one for one in outputs if len(one.shape) >= 4 and (one.shape[1] or 0) > 1 and one.shape[2:] != (1, 1)]
    sizes = {one.shape[2:4] if len(one.shape) == 4 else one.shape[1:4] for one in maps}
    alone = all(one.shape[-1] != 4 or len(one.shape) > 3 for one in outputs)
    anchors = any(len(one.shape) == 5 for one in maps)
    return maps if alone and (anchors or len(sizes) > 1 or categories is not None) else []


def _one(output: GraphValue, categories: int | None, whole: dict[str, Any]) -> TaskDraft:
    shape, name = output.shape, (output.name,)
    last, before = shape[-1], shape[-2] if len(shape) > 1 else None
    found: dict[str, Any] = dict(_FOUND)
    guess = _GUESS.format("outputs, columns and boxes")
    if last == 7 and len(shape) == 4:
        found |= {"columns": ["image", "class", "score", "box"], "normalized": True, "first_label": 1}
    elif last == 7 and len(shape) == 2:
        found |= {"columns": ["image", "box", "class", "score"]}
    if last == 7 or (last == 6 and (before is None or before <= _MANY)):
        return TaskDraft(found, name, categories, whole, guess)
    columns = min((size for size in (last, before) if size), default=None)
    objectness = before is not None and last is not None and before > last
    if columns is not None and categories is not None and columns - categories in {4, 5}:
        objectness = columns - categories == 5
    rows = {"outputs": "rows", "boxes": "cxcywh", "objectness": objectness, "score": 0.001, "iou": 0.65}
    classes = categories or (columns - 4 - objectness if columns and columns > 4 + objectness else None)
    return TaskDraft(rows, name, classes, whole, _GUESS.format("outputs, objectness and boxes"))


def _several(
    boxes: GraphValue, others: Sequence[GraphValue], categories: int | None, whole: dict[str, Any]
) -> TaskDraft:
    guess = _GUESS.format("outputs, their order, boxes and normalized")
    scores = next((one for one in others if len(one.shape) == len(boxes.shape)), None)
    if scores is not None:
        settings: dict[str, Any] = {"outputs": "pair", "boxes": "xyxy", "normalized": True, "score": 0.001, "iou": 0.65}
        columns = scores.shape[-1]
        if columns is not None and categories is not None and columns - categories == 1:
            settings["first_label"] = 1
        return TaskDraft(settings, (boxes.name, scores.name), categories or columns, whole, guess)
    labels = next((one for one in others if "int" in one.dtype or "label" in one.name or "class" in one.name), None)
    rest = [one.name for one in others if one is not labels and len(one.shape) == len(boxes.shape) - 1]
    names = (boxes.name, *rest[:1], *([labels.name] if labels else rest[1:2]))
    batches: tuple[int, ...] = ()
    if len(boxes.shape) == 2:
        guess += "; they hold the boxes of one image, so a batch above 1 needs task: script"
        batches = (1,)
    return TaskDraft(
        {"outputs": "lists", "boxes": "xyxy", "iou": None}, names, categories, whole, guess, batches=batches
    )
