"""What the shapes of a graph's outputs and the labels tell of the task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kit.inside.onnx_input import GraphValue
from kit.planning.task import draft_task


def outputs(*shapes: tuple[int | None, ...], kinds: str = "ffff") -> list[GraphValue]:
    names = ("a", "b", "c", "d")
    types = {"f": "float32", "i": "int64"}
    return [GraphValue(name, types[kind], shape) for name, kind, shape in zip(names, kinds, shapes, strict=False)]


@pytest.mark.parametrize(
    ("given", "categories", "classes", "settings"),
    [
        (outputs((1, 84, 8400)), 80, 80, {"outputs": "rows", "boxes": "cxcywh", "objectness": False}),
        (outputs((None, 25200, 85)), None, 80, {"outputs": "rows", "boxes": "cxcywh", "objectness": True}),
        (outputs((None, 8400, 84)), 80, 80, {"outputs": "rows", "objectness": False}),
        (outputs((1, 300, 6)), 3, 3, {"outputs": "found", "columns": ["box", "score", "class"], "iou": None}),
        (outputs((None, 7)), 3, 3, {"columns": ["image", "box", "class", "score"]}),
        (outputs((1, 1, 200, 7)), None, None, {"columns": ["image", "class", "score", "box"], "normalized": True}),
        (outputs((1, 100, 4), (1, 100, 21)), 20, 20, {"outputs": "pair", "first_label": 1}),
        (outputs((1, 100, 4), (1, 100), (1, 100), kinds="fif"), 9, 9, {"outputs": "lists", "iou": None}),
    ],
)
def test_boxes(
    tmp_path: Path, given: list[GraphValue], categories: int | None, classes: int | None, settings: dict[str, Any]
) -> None:
    labels = tmp_path / "ann.json"
    labels.write_text(json.dumps({"categories": [{"id": one} for one in range(categories or 0)], "images": []}))
    name, task = draft_task(given, labels if categories else None, (64, 64)) or ("", None)
    assert task
    assert (name, task.classes) == ("detection", classes)
    assert task.preprocess["fit"] == "contain"
    assert task.settings | settings == task.settings
    if len(given) == 3:
        assert task.outputs == ("a", "c", "b")


@pytest.mark.parametrize(
    ("given", "classes", "settings"),
    [
        (outputs((1, 19, 128, 256)), 19, {"ignore": 255}),
        (outputs((1, 512, 512), kinds="i"), None, {"ignore": 255}),
        (outputs((None, 1, 64, 64)), 2, {"ignore": 255, "threshold": 0.5}),
    ],
)
def test_a_class_for_each_pixel(
    tmp_path: Path, given: list[GraphValue], classes: int | None, settings: dict[str, Any]
) -> None:
    for labels in (None, tmp_path):
        name, task = draft_task(given, labels, (64, 64)) or ("", None)
        assert task
        assert (name, task.classes, task.settings) == ("segmentation", classes, settings)
    assert draft_task(given, tmp_path / "labels.txt", (64, 64)) is None


@pytest.mark.parametrize(
    ("given", "annotated"),
    [
        (outputs((1, 255, 8, 8), (1, 255, 4, 4)), False),
        (outputs((1, 3, 8, 8, 85)), False),
        (outputs((1, 80, 16, 16), (1, 2, 16, 16)), True),
    ],
)
def test_boxes_that_the_graph_does_not_decode_are_told(
    tmp_path: Path, given: list[GraphValue], annotated: bool
) -> None:
    labels = tmp_path / "ann.json"
    labels.write_text(json.dumps({"categories": [{"id": 1}], "images": []}))
    _, task = draft_task(given, labels if annotated else None, (64, 64)) or ("", None)
    assert task and "hold no decoded boxes" in task.unread and "task: script" in task.unread


def test_boxes_of_one_image_are_read_at_batch_1() -> None:
    _, task = draft_task(outputs((100, 4), (100,), (100,), kinds="ffi"), None, (64, 64)) or ("", None)
    assert task and task.batches == (1,) and "a batch above 1 needs task: script" in task.guess


@pytest.mark.parametrize(
    "given",
    [
        outputs((None, 1000)),
        outputs((1, 10, 1, 1)),
        outputs((1, 7)),
        outputs((None, 7)),
        outputs((1, 5), (1, 9)),
        outputs((None, 4), (None, 9)),
    ],
)
def test_a_score_per_class(given: list[GraphValue]) -> None:
    assert draft_task(given, None, (64, 64)) is None


@pytest.mark.parametrize("classes", [6, 7, 1000])
def test_a_classifier_whose_labels_are_coco_annotations(tmp_path: Path, classes: int) -> None:
    labels = tmp_path / "ann.json"
    labels.write_text(json.dumps({"categories": [{"id": one} for one in range(classes)], "images": []}))
    assert draft_task(outputs((None, classes)), labels, (64, 64)) is None
    assert draft_task(outputs((None, classes, 1, 1)), labels, (64, 64)) is None
    assert draft_task(outputs((None, classes)), tmp_path, (64, 64)) is None
