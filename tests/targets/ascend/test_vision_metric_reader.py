from __future__ import annotations

import json

import pytest

from kit.targets.ascend.readers import vision_metric


def written(*, images: str = "50000", top: tuple[str, ...] = ("74.2%", "83.5%", "87.91%", "90.3%", "91.94%")) -> str:
    value = [{"key": "Number of images", "value": images}, {"key": "Number of classes", "value": "1000"}]
    value += [{"key": f"Top{k} accuracy", "value": percent} for k, percent in enumerate(top, 1)]
    return json.dumps({"title": "Overall statistical evaluation", "value": value})


def test_what_the_script_writes() -> None:
    assert vision_metric.read(written()).as_json() == {
        "family": "vision_metric",
        "images": 50000,
        "classes": 1000,
        "top1": 74.2,
        "top2": 83.5,
        "top3": 87.91,
        "top4": 90.3,
        "top5": 91.94,
        "status": "ok",
    }


def test_an_empty_result_folder() -> None:
    reading = vision_metric.read(written(images="0", top=()))
    assert reading.status == "error"
    assert "no image was scored: the result folder was empty" in reading.problems


def test_a_cut_file_gives_the_pairs_that_are_whole() -> None:
    text = written()
    reading = vision_metric.read(text[: text.index("87.91") + 3])
    assert reading.result is not None
    assert reading.result.accuracy == {1: 74.2, 2: 83.5}
    assert reading.status == "partial"
    assert reading.problems == ["missing: Top5 accuracy", "the JSON is cut off"]


@pytest.mark.parametrize(
    ("top", "said"),
    [
        (("74.2%", "73.1%", "80%", "81%", "82%"), "Top2 accuracy 73.1 % is below Top1 accuracy 74.2 %"),
        (("74.2%", "80%", "81%", "82%", "120%"), "Top5 accuracy 120 % is above 100 %"),
        (("nan%", "80%", "81%", "82%", "83%"), "Top1 accuracy: 'nan%' is not per cent"),
    ],
)
def test_values_that_cannot_be(top: tuple[str, ...], said: str) -> None:
    reading = vision_metric.read(written(top=top))
    assert said in reading.problems
    assert reading.status != "ok"


def test_a_share_that_no_count_of_images_gives() -> None:
    reading = vision_metric.read(written(images="10", top=("74.2%", "80%", "80%", "90%", "90%")))
    assert reading.problems == ["Top1 accuracy 74.2 % is not a share of 10 images"]


def test_two_results_are_never_one() -> None:
    second = written(top=("74.21%", "83.5%", "87.91%", "90.3%", "91.95%"))
    reading = vision_metric.read(f"batch 1:\n```\n{written()}\n```\nbatch 16:\n```\n{second}\n```\n")
    assert [result.accuracy[1] for result in reading.results] == [74.2, 74.21]
    assert reading.status == "ok"
    assert [run["top5"] for run in reading.as_json()["runs"]] == [91.94, 91.95]
    same = vision_metric.read(written() + written())
    assert len(same.results) == 2
    assert same.result is None


def test_a_key_that_is_there_twice_begins_another_result() -> None:
    reading = vision_metric.read(written().replace('"Top2 accuracy"', '"Top1 accuracy"'))
    assert len(reading.results) == 2
    assert reading.status == "partial"
