"""The metric of boxes: what pycocotools says of the same boxes, and what is told of annotations that cannot be."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from kit.inside.boxintervals import average_precisions, categories_of
from kit.inside.detection import main, suppress
from kit.inside.protocol import UserError

SIZE = {"width": 80, "height": 40}
LETTERBOX = {"resize": [64, 64], "crop": [64, 64], "fit": "contain", "interpolation": "bilinear"}
FORM = {
    "outputs": "rows", "boxes": "xyxy", "objectness": False, "score": 0.05, "iou": 0.6, "most": 100, "first_label": 0,
}  # fmt: skip


def scene(folder: Path, **changes: Any) -> list[str]:
    """Six images with two boxes each; the model finds them by and large, in pixels of a 64x64 letterbox."""
    random = np.random.default_rng(0)
    (folder / "result").mkdir()
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(1, 7):
        images.append({"id": number, "file_name": f"{number}.jpg", **SIZE})
        rows = np.zeros((20, 6))
        rows[:, :4] = np.sort(random.uniform(0, 64, (20, 2, 2)), axis=1).reshape(20, 4)
        rows[:, 4:] = random.uniform(0, 0.3, (20, 2))
        for place in range(2):
            left, top = random.integers(0, 40, 1)[0], random.integers(0, 15, 1)[0]
            width, height = random.integers(10, 30, 1)[0], random.integers(8, 20, 1)[0]
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": number, "category_id": (3, 7)[place], "iscrowd": 0,
                    "bbox": [int(left), int(top), int(width), int(height)], "area": int(width * height),
                }
            )  # fmt: skip
            box = np.array([left, top, left + width, top + height]) * 0.8 + [0, 16, 0, 16]
            rows[place, :4] = box + random.normal(0, 0.7, 4)
            rows[place, 4 + place] = random.uniform(0.4, 0.9)
        np.save(folder / "result" / f"{number}_0.npy", rows.astype(np.float32)[None])
    categories = [{"id": 3, "name": "a"}, {"id": 7, "name": "b"}]
    tree = {"images": images, "annotations": annotations, "categories": categories} | changes
    (folder / "ann.json").write_text(json.dumps(tree))
    return [
        "--results", str(folder / "result"), "--annotations", str(folder / "ann.json"),
        "--preprocess", json.dumps(LETTERBOX), "--form", json.dumps(FORM), "--out", str(folder),
    ]  # fmt: skip


def test_it_equals_pycocotools_run_directly(tmp_path: Path) -> None:
    main(scene(tmp_path))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(tmp_path / "ann.json"))
        evaluation = COCOeval(truth, truth.loadRes(str(tmp_path / "detections.json")), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        table = io.StringIO()
        with contextlib.redirect_stdout(table):
            evaluation.summarize()
    found = {one["name"]: one["value"] for one in json.loads((tmp_path / "metrics.json").read_text())["metrics"]}
    assert found == {"mAP": evaluation.stats[0], "AP50": evaluation.stats[1]}
    once = average_precisions(categories_of(evaluation), np.ones(6, np.int64), evaluation.params.recThrs)
    assert once == pytest.approx(tuple(evaluation.stats[:2]), abs=1e-12)
    for one in json.loads((tmp_path / "metrics.json").read_text())["metrics"]:
        low, high = one["interval"]
        assert low <= one["value"] <= high
        assert low < high or one["value"] == 1  # all boxes are right in every sample
    assert 0.3 < found["mAP"] < found["AP50"] <= 1
    assert (tmp_path / "table.txt").read_text() == table.getvalue()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bbox": [70, 5, 20, 10]}, "the box of annotation 1 is outside image 1"),
        ({"bbox": [5, 5, 0, 10]}, "the box of annotation 1 is outside image 1"),
        ({"category_id": 99}, "annotation 1 is of category 99, which the file does not list"),
        ({"image_id": 99}, "annotation 1 is of image 99"),
        ({"bbox": "text"}, "not in COCO's form"),
    ],
)
def test_annotations_that_cannot_be(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    one = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [5, 5, 10, 10]} | changes
    with pytest.raises(UserError, match=said):
        main(scene(tmp_path, annotations=[one]))


def test_other_categories_than_the_models(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="3 categories need rows of 7"):
        main(scene(tmp_path, categories=[{"id": one, "name": str(one)} for one in (3, 7, 8)]))


def test_a_result_that_is_missing(tmp_path: Path) -> None:
    words = scene(tmp_path)
    (tmp_path / "result" / "4_0.npy").unlink()
    with pytest.raises(UserError, match=r"image 4\.jpg has no result"):
        main(words)


def _center(boxes: Any) -> Any:
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def _rows(boxes: Any, scores: Any) -> list[Any]:  # YOLOv8: 4 + classes, boxes
    return [np.concatenate([_center(boxes), scores], axis=1).T[None]]


def _objectness(boxes: Any, scores: Any) -> list[Any]:  # YOLOv5, before its sigmoid
    logits = np.log(scores / (1 - scores))
    return [np.concatenate([_center(boxes), np.full((20, 1), 40.0), logits], axis=1)[None]]


def _ssd(boxes: Any, scores: Any) -> list[Any]:
    return [boxes[None, :, [1, 0, 3, 2]] / 64, np.concatenate([np.ones((20, 1)), scores], axis=1)[None]]


def _detr(boxes: Any, scores: Any) -> list[Any]:
    shares = np.full((20, 10), 1e-9)
    shares[:, [3, 7]] = scores / 2
    shares[:, 9] = 1 - scores.sum(axis=1) / 2
    return [_center(boxes)[None] / 64, np.log(shares)[None] + 5]


def _found(boxes: Any, scores: Any) -> list[Any]:  # YOLOv10
    index, label = np.nonzero(scores)
    return [np.concatenate([boxes[index], scores[index, label][:, None], label[:, None]], axis=1)[None]]


def _openvino(boxes: Any, scores: Any) -> list[Any]:
    index, label = np.nonzero(scores)
    rows = [np.zeros((len(index), 1)), label[:, None] + 1, scores[index, label][:, None], boxes[index] / 64]
    return [np.concatenate([np.concatenate(rows, axis=1), [[-1, 9, 9, 9, 9, 9, 9]]])[None, None]]


def _lists(boxes: Any, scores: Any) -> list[Any]:  # torchvision
    index, label = np.nonzero(scores)
    left = np.concatenate([boxes[index, :2], boxes[index, 2:] - boxes[index, :2]], axis=1)
    return [left, scores[index, label], np.array([3, 7])[label]]


@pytest.mark.parametrize(
    ("outputs", "form"),
    [
        (_rows, {"boxes": "cxcywh"}),
        (_objectness, {"boxes": "cxcywh", "objectness": True, "activation": "sigmoid"}),
        (_ssd, {"outputs": "pair", "boxes": "yxyx", "normalized": True, "first_label": 1}),
        (
            _detr,
            {"outputs": "pair", "boxes": "cxcywh", "normalized": True, "activation": "softmax", "labels": "ids"}
            | {"score": 0.025},
        ),
        (_found, {"outputs": "found", "columns": ["box", "score", "class"]}),
        (
            _openvino,
            {"outputs": "found", "columns": ["image", "class", "score", "box"], "normalized": True, "first_label": 1},
        ),
        (_lists, {"outputs": "lists", "boxes": "xywh", "labels": "ids"}),
    ],
)
def test_the_forms_of_outputs_give_the_same_boxes(tmp_path: Path, outputs: Any, form: dict[str, Any]) -> None:
    words = scene(tmp_path)
    main(words)
    wanted = json.loads((tmp_path / "detections.json").read_text())
    for number in range(1, 7):
        (rows,) = np.load(tmp_path / "result" / f"{number}_0.npy").astype(np.float64)
        for place, array in enumerate(outputs(rows[:, :4], rows[:, 4:])):
            np.save(tmp_path / "result" / f"{number}_{place}.npy", array)
    words[words.index("--form") + 1] = json.dumps(FORM | form)
    main(words)
    found = json.loads((tmp_path / "detections.json").read_text())
    scale = 2 if outputs is _detr else 1
    assert [(one["image_id"], one["category_id"]) for one in found] == [
        (one["image_id"], one["category_id"]) for one in wanted
    ]
    for one, other in zip(found, wanted, strict=True):
        assert [scale * one["score"], *one["bbox"]] == pytest.approx([other["score"], *other["bbox"]], abs=1e-4)


def test_classes_that_the_annotations_lack(tmp_path: Path) -> None:
    words = scene(tmp_path)
    np.save(tmp_path / "result" / "2_0.npy", np.array([[[1, 1, 9, 9, 0.9, 5]]]))
    form = {"outputs": "found", "columns": ["box", "score", "class"]}
    words[words.index("--form") + 1] = json.dumps(FORM | form)
    for number in (1, 3, 4, 5, 6):
        np.save(tmp_path / "result" / f"{number}_0.npy", np.zeros((1, 0, 6)))
    with pytest.raises(UserError, match="the model finds class 5, and the annotations' 2 categories"):
        main(words)


def test_the_better_of_two_boxes_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30]], dtype=np.float64)
    assert suppress(boxes, np.array([0.5, 0.9, 0.1]), 0.6) == [1, 2]
    assert suppress(boxes, np.array([0.5, 0.9, 0.1]), 0.9) == [1, 0, 2]
