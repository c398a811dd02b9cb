"""Throughput and latency: what is written belongs together, and the harness costs next to nothing."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit.inside.bench import nearest_rank, real_inputs, repeat
from kit.inside.pixels import Preprocess, parse_config

SMALL = '{"resize": [36, 36], "crop": [32, 32]}'
Make = Callable[..., Path]


@pytest.fixture
def measured(program: Any, images: Path, make_model: Make, tmp_path: Path) -> tuple[dict[str, Any], Any]:
    done = program(
        "bench", "--model", make_model(), "--batch", 3, "--images", images, "--preprocess", SMALL, "--out", "out",
        "--threads", 1, "--warmup", 2, "--repeats", 3, "--seconds", 0.05,
    )  # fmt: skip
    assert done.code == 0, done.err
    return json.loads((tmp_path / "out" / "bench.json").read_text()), np.load(tmp_path / "out" / "latencies.npy")


def test_numbers_belong_together(measured: tuple[dict[str, Any], Any]) -> None:
    facts, latencies = measured
    assert latencies.dtype == np.float64
    assert facts["n"] == len(latencies) == sum(one["calls"] for one in facts["repeats"])
    assert len(facts["repeats"]) == 3
    first = 0
    for one in facts["repeats"]:
        assert one["images"] == 3 * one["calls"]
        assert one["wall_s"] >= 0.05
        assert one["rate"] == one["images"] / one["wall_s"]
        calls = latencies[first : first + one["calls"]]
        assert calls.sum() == pytest.approx(1000 * one["wall_s"])  # nothing is measured outside of a call
        first += one["calls"]
    rates = [one["rate"] for one in facts["repeats"]]
    assert facts["rate"] == statistics.median(rates)
    assert facts["spread"] == (max(rates) - min(rates)) / facts["rate"]
    assert facts["p50"] <= facts["p90"] <= facts["p99"] <= latencies.max()
    assert {facts["p50"], facts["p90"], facts["p99"]} <= set(latencies.tolist())
    assert facts["mean"] == pytest.approx(latencies.mean())
    assert (facts["batch"], facts["threads"], facts["warmup"], facts["data"]) == (3, 1, 2, "real")
    assert facts["shape"] == [3, 32, 32]
    assert len(facts["conditions"]["before"]["load"]) == 3
    assert {"onnxruntime", "numpy", "python", "pillow"} == set(facts["versions"])


def test_synthetic_says_so(program: Any, make_model: Make, tmp_path: Path) -> None:
    done = program(
        "bench", "--model", make_model(), "--batch", 1, "--synthetic", "--shape", "3,32,32", "--out", "out",
        "--warmup", 0, "--repeats", 1, "--seconds", 0.01,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert json.loads((tmp_path / "out" / "bench.json").read_text())["data"] == "synthetic"


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [
        ([5.0], 0.99, 5.0),
        ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0),
        ([4.0, 3.0, 2.0, 1.0], 0.9, 4.0),
        (list(range(1, 101)), 0.99, 99),
    ],
)
def test_nearest_rank(values: list[float], q: float, expected: float) -> None:
    assert nearest_rank(np.array(values, dtype=np.float64), q) == expected


def test_small_data_set_fills_a_large_batch_by_starting_again(images: Path) -> None:
    config = parse_config(json.loads(SMALL))
    (batch,) = real_inputs(str(images), config, 50)
    preprocess = Preprocess(config)
    assert batch.shape == (50, 3, 32, 32)
    for slot in (0, 20, 40):
        assert np.array_equal(batch[slot], preprocess.prep(str(images / "image_00.jpg")))
    assert [len(turn) for turn in real_inputs(str(images), config, 6)] == [6, 6, 6, 6]


def test_each_call_is_counted_and_calls_take_turns() -> None:
    called = []
    result = repeat([lambda: called.append(0), lambda: called.append(1)], 4, 0.001)
    assert len(result.calls_ns) == len(called) > 10
    assert called[:4] == [0, 1, 0, 1]
    assert result.images == 4 * len(called)
    assert sum(result.calls_ns) / 1e9 == pytest.approx(result.wall_s)


def test_at_least_one_call_however_long_it_takes() -> None:
    assert len(repeat([lambda: None], 1, 1e-9).calls_ns) == 1


@pytest.mark.parametrize("score", [float("nan")])
def test_nan_is_not_measured(program: Any, make_model: Make, score: float) -> None:
    done = program(
        "bench", "--model", make_model(scores=score), "--batch", 1, "--synthetic", "--shape", "3,32,32", "--out", "out",
        "--repeats", 1, "--seconds", 0.01,
    )  # fmt: skip
    assert (done.code, done.error["kind"]) == (64, "tolerance")


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--synthetic", "--shape", "3,32"], "not a shape"),
        (["--images", "images"], "preprocess"),
        (["--images", "images", "--preprocess", SMALL, "--shape", "3,64,64"], "crop"),
        (["--synthetic", "--shape", "3,48,48"], "fixed"),
    ],
)
def test_wrong_arguments(program: Any, images: Path, make_model: Make, options: list[str], what: str) -> None:
    assert images.is_dir()
    done = program("bench", "--model", make_model(), "--batch", 1, *options, "--out", "out")
    assert done.code == 64
    assert what in done.error["what"]


def test_absent_model(program: Any) -> None:
    done = program("bench", "--model", "absent.onnx", "--batch", 1, "--synthetic", "--shape", "3,32,32", "--out", "out")
    assert (done.code, done.error["kind"]) == (64, "missing")
