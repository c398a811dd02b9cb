"""A data set through the CPU engine, on real models and images."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit.inside.pixels import Preprocessor
from kit.inside.topk import best

pytestmark = pytest.mark.slow

SMALL = '{"resize": [36, 36], "crop": [32, 32]}'
Make = Callable[..., Path]


def expected(model: Path, images: Path) -> tuple[list[str], Any]:
    """Names and scores, one image after the other."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    preprocess = Preprocessor(json.loads(SMALL))
    names = sorted(path.name for path in images.iterdir())
    return names, np.concatenate(
        [session.run(None, {"input": preprocess.prep(str(images / n))[None]})[0] for n in names]
    )


def outputs(folder: Path) -> tuple[Any, Any, list[str], dict[str, Any]]:
    return (
        np.load(folder / "predictions.npy"),
        np.load(folder / "scores.npy"),
        (folder / "images.txt").read_text().splitlines(),
        json.loads((folder / "evaluate.json").read_text()),
    )


@pytest.mark.parametrize("batch", [1, 3, 20, 64])
def test_predictions_are_those_of_the_model(
    program: Any, images: Path, make_model: Make, tmp_path: Path, batch: int
) -> None:
    model = make_model()
    done = program(
        "evaluate", "--model", model, "--images", images, "--preprocess", SMALL, "--batch", batch, "--out", "out"
    )
    assert done.code == 0, done.err
    predictions, scores, names, facts = outputs(tmp_path / "out")
    wanted_names, wanted = expected(model, images)
    order = np.argsort(-wanted, axis=1, kind="stable")[:, :5]
    assert names == wanted_names
    assert (predictions.dtype, scores.dtype) == (np.int32, np.float32)
    assert np.array_equal(predictions, order)
    assert np.allclose(scores, np.take_along_axis(wanted, order, axis=1), rtol=1e-5, atol=1e-6)
    assert (facts["n"], facts["classes"], facts["batch"], facts["ties"]) == (20, 7, batch, 0)
    assert facts["seconds"]["total"] >= facts["seconds"]["inference"] > 0
    assert set(facts["versions"]) == {"python", "numpy", "ONNX Runtime", "pillow"}


def test_workers_and_threads_change_no_byte(program: Any, images: Path, make_model: Make, tmp_path: Path) -> None:
    model = make_model()
    common = ["--model", model, "--batch", 6]
    from_images = ["--images", images, "--preprocess", SMALL]
    runs: dict[str, list[object]] = {
        "a": [*from_images, "--workers", 1, "--threads", 1],
        "b": [*from_images, "--workers", 3, "--threads", 2],
    }
    for out, arguments in runs.items():
        done = program("evaluate", *common, *arguments, "--out", out)
        assert done.code == 0, done.out + done.err
    for name in ("predictions.npy", "scores.npy"):
        assert len({(tmp_path / out / name).read_bytes() for out in runs}) == 1
    assert (tmp_path / "a" / "images.txt").read_bytes() == (tmp_path / "b" / "images.txt").read_bytes()


def test_model_of_a_fixed_batch_gets_full_batches(program: Any, images: Path, make_model: Make, tmp_path: Path) -> None:
    arguments = ["--images", images, "--preprocess", SMALL, "--batch", 8]
    for name, batch in (("fixed", 8), ("free", "batch")):
        model = make_model(f"{name}.onnx", batch=batch)
        assert program("evaluate", "--model", model, *arguments, "--out", name).code == 0
    fixed, free = outputs(tmp_path / "fixed"), outputs(tmp_path / "free")
    assert np.array_equal(fixed[0], free[0])
    assert fixed[3]["n"] == 20


def test_fixed_batch_is_not_run_at_another(program: Any, images: Path, make_model: Make) -> None:
    model = make_model(batch=1)
    done = program(
        "evaluate", "--model", model, "--images", images, "--preprocess", SMALL, "--batch", 8, "--out", "out"
    )
    assert (done.code, done.error["kind"]) == (64, "invalid")
    assert "batch is fixed" in done.error["what"]


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers(program: Any, images: Path, make_model: Make, score: float) -> None:
    model = make_model(scores=score)
    done = program("evaluate", "--model", model, "--images", images, "--preprocess", SMALL, "--out", "out")
    assert (done.code, done.error["kind"]) == (64, "tolerance")
    assert done.error["where"] == "image_00.jpg"


def test_equal_scores_are_counted_and_the_lowest_class_goes_first(
    program: Any, images: Path, make_model: Make, tmp_path: Path
) -> None:
    model = make_model(scores=0.5)
    done = program("evaluate", "--model", model, "--images", images, "--preprocess", SMALL, "--out", "out")
    assert done.code == 0
    predictions, _, _, facts = outputs(tmp_path / "out")
    assert np.array_equal(predictions, [[0, 1, 2, 3, 4]] * 20)
    assert facts["ties"] == 20


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    path.write_bytes(
        {"cut": data[: len(data) // 2], "empty": b"", "text": b"hello", "flipped": b"\xff" + data[1:]}[how]
    )


@pytest.mark.parametrize("how", ["cut", "empty", "text", "flipped"])
def test_damaged_model(program: Any, images: Path, make_model: Make, how: str) -> None:
    model = make_model()
    damage(model, how)
    done = program("evaluate", "--model", model, "--images", images, "--preprocess", SMALL, "--out", "out")
    assert (done.code, done.error["kind"]) == (64, "damaged")
    assert "Traceback" not in done.err


@pytest.mark.parametrize(("what", "options"), [("fixed", {"size": 48}), ("double", {"kind": "double"})])
def test_model_of_another_input(
    program: Any, images: Path, make_model: Make, what: str, options: dict[str, Any]
) -> None:
    model = make_model(**options)
    done = program("evaluate", "--model", model, "--images", images, "--preprocess", SMALL, "--out", "out")
    assert done.code == 64
    assert what in done.error["what"]


def test_broken_image_in_a_worker(program: Any, images: Path, make_model: Make) -> None:
    (images / "image_13.jpg").write_bytes(b"\xff\xd8\xff")
    done = program("evaluate", "--model", make_model(), "--images", images, "--preprocess", SMALL, "--out", "out")
    assert (done.code, done.error["kind"]) == (64, "damaged")
    assert done.error["where"].endswith("image_13.jpg")


# --- the best classes ----------------------------------------------------------------------------------------------


def plain(scores: Any) -> list[list[int]]:
    """Sort by score, then by class; what is NaN is left out."""
    rows = [[(-value, place) for place, value in enumerate(row) if not math.isnan(value)] for row in scores.tolist()]
    return [[place for _, place in sorted(row)[:5]] for row in rows]


@pytest.mark.parametrize("classes", [1, 2, 5, 6, 7, 1000])
@pytest.mark.parametrize("values", ["floats", "few values", "with infinities", "with NaN"])
def test_best_against_a_plain_sort(classes: int, values: str) -> None:
    random = np.random.default_rng(classes)
    scores = random.standard_normal((50, classes)).astype(np.float32)
    if values != "floats":
        scores = np.round(scores)
    if values == "with infinities":
        scores[random.random(scores.shape) < 0.5] = -np.inf
        scores[random.random(scores.shape) < 0.05] = np.inf
    if values == "with NaN":
        scores[random.random(scores.shape) < 0.4] = np.nan
    before = scores.copy()
    found = best(scores)
    assert np.array_equal(scores, before, equal_nan=True)
    for row, wanted in enumerate(plain(scores)):
        assert found.classes[row].tolist() == wanted + [-1] * (5 - len(wanted))
        assert np.array_equal(found.scores[row, : len(wanted)], scores[row, wanted])
        ordered = sorted((value for value in scores[row].tolist() if not math.isnan(value)), reverse=True)[:6]
        assert found.tied[row] == (len(set(ordered)) < len(ordered))
        assert found.nan[row] == np.isnan(scores[row]).any()
