"""Throughput and latency: what is written belongs together, for each batch and each engine."""

from __future__ import annotations

import importlib.util
import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit.inside.bench import real_inputs
from kit.inside.pixels import Preprocessor, parse_config

SMALL = '{"resize": [36, 36], "crop": [32, 32]}'
Make = Callable[..., Path]


_MEASURED: dict[str, tuple[dict[str, Any], Path]] = {}


@pytest.fixture(params=["onnxruntime", "openvino"])
def measured(
    process: Any, images: Path, make_model: Make, tmp_path: Path, request: pytest.FixtureRequest
) -> tuple[dict[str, Any], Path]:
    """One measurement for each engine, in a process of its own, as it is in a container."""
    engine = request.param
    if importlib.util.find_spec(engine) is None:
        pytest.skip(f"{engine} is not installed")
    if engine not in _MEASURED:
        done = process(
            "bench", "--engine", engine, "--model", make_model(), "--batches", "3,1", "--images", images,
            "--preprocess", SMALL, "--out", "out", "--threads", 1, "--warmup", 2, "--rounds", 7, "--seconds", 0.05,
            "--limit", 0.5,
        )  # fmt: skip
        assert done.code == 0, done.err
        _MEASURED[engine] = json.loads((tmp_path / "out" / "bench.json").read_text()), tmp_path / "out"
    return _MEASURED[engine]


@pytest.mark.slow
def test_numbers_belong_together(measured: tuple[dict[str, Any], Path]) -> None:
    facts, folder = measured
    assert [one["batch"] for one in facts["batches"]] == [3, 1]
    assert facts["protocol"]["rounds"] >= 7
    for one in facts["batches"]:
        latencies = np.load(folder / f"latencies-bs{one['batch']}.npy")
        assert latencies.dtype == np.float64
        assert one["n"] == len(latencies) == sum(part["calls"] for part in one["rounds"])
        assert len(one["rounds"]) == facts["protocol"]["rounds"]
        first = 0
        for part in one["rounds"]:
            assert part["images"] == one["batch"] * part["calls"]
            assert part["wall_s"] >= 0.05
            assert part["rate"] == part["images"] / part["wall_s"]
            calls = latencies[first : first + part["calls"]]
            assert calls.sum() == pytest.approx(1000 * part["wall_s"])  # nothing is measured outside of a call
            first += part["calls"]
        rates = [part["rate"] for part in one["rounds"]]
        assert one["rate"] == statistics.median(rates)
        assert one["spread"] == (max(rates) - min(rates)) / one["rate"]
        assert min(rates) <= one["interval"][0] <= one["rate"] <= one["interval"][1] <= max(rates)
        percentiles = {value for name, value in one["latency"].items() if name != "n"}
        assert percentiles <= set(latencies.tolist())
        assert one["mean"] == pytest.approx(latencies.mean())
        assert one["warmup"]["calls"] >= 2


def test_conditions_are_those_that_the_engine_tells(measured: tuple[dict[str, Any], Path]) -> None:
    facts, _ = measured
    assert facts["conditions"] == {
        "precision": "fp32", "preprocessing": "excluded", "transfers": "none", "warm_up": "excluded", "threads": 1,
        "streams": 1,
    }  # fmt: skip
    assert (facts["data"], facts["shape"]) == ("real", [3, 32, 32])
    assert len(facts["machine"]["before"]["load"]) == 3
    assert set(facts["versions"]) == {facts["engine"]["title"], "numpy", "python", "pillow"}


def test_what_was_seen_on_the_machine_makes_a_rate_unstable(measured: tuple[dict[str, Any], Path]) -> None:
    facts, _ = measured
    for one in facts["batches"]:
        wide = one["half_width"] is None or one["half_width"] > facts["protocol"]["precision"]
        assert wide == any(reason.startswith("the interval is") for reason in one["unstable"])
        assert bool(one["unstable"]) >= wide


def test_few_rounds_are_unstable_by_themselves(program: Any, make_model: Make, tmp_path: Path) -> None:
    done = program(
        "bench", "--model", make_model(), "--batches", 1, "--synthetic", "--shape", "3,32,32", "--out", "out",
        "--warmup", 0, "--rounds", 1, "--seconds", 0.01, "--limit", 0.01,
    )  # fmt: skip
    assert done.code == 0, done.err
    facts = json.loads((tmp_path / "out" / "bench.json").read_text())
    assert facts["data"] == "synthetic"
    assert facts["batches"][0]["interval"] is None
    assert "rounds are too few for an interval" in facts["batches"][0]["unstable"][0]


def test_the_state_is_told_after_each_round(program: Any, make_model: Make) -> None:
    done = program(
        "bench", "--model", make_model(), "--batches", "1,2", "--synthetic", "--shape", "3,32,32", "--out", "out",
        "--rounds", 6, "--seconds", 0.05, "--limit", 0.2,
    )  # fmt: skip
    told = [json.loads(line[5:]) for line in done.out.splitlines() if line.startswith("@kit ")]
    assert any("bs1 " in one["unit"] and "bs2 " in one["unit"] and "round" in one["unit"] for one in told)


def test_small_data_set_fills_a_large_batch_by_starting_again(images: Path) -> None:
    config = parse_config(json.loads(SMALL))
    (batch,) = real_inputs(str(images), config, 50)
    preprocess = Preprocessor(config)
    assert batch.shape == (50, 3, 32, 32)
    for slot in (0, 20, 40):
        assert np.array_equal(batch[slot], preprocess.prep(str(images / "image_00.jpg")))
    assert [len(turn) for turn in real_inputs(str(images), config, 6)] == [6, 6, 6, 6]


@pytest.mark.parametrize("score", [float("nan")])
def test_nan_is_not_measured(program: Any, make_model: Make, score: float) -> None:
    done = program(
        "bench", "--model", make_model(scores=score), "--batches", 1, "--synthetic", "--shape", "3,32,32",
        "--out", "out", "--rounds", 1, "--seconds", 0.01, "--limit", 0.01,
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
    done = program("bench", "--model", make_model(), "--batches", 1, *options, "--out", "out")
    assert done.code == 64
    assert what in done.error["what"]


def test_absent_model(program: Any) -> None:
    done = program(
        "bench", "--model", "absent.onnx", "--batches", 1, "--synthetic", "--shape", "3,32,32", "--out", "out"
    )
    assert (done.code, done.error["kind"]) == (64, "missing")
