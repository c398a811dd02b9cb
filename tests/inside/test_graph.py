"""A model over files in each engine: what it was told, what it made of that, and its rate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from kit.inside import file_rate
from kit.inside.graph import open_graph
from kit.inside.pool import cores
from kit.inside.protocol import UserError


@pytest.fixture
def model(make_tiny: Any, tmp_path: Path) -> str:
    onnx.save(make_tiny(), tmp_path / "model.onnx")
    return str(tmp_path / "model.onnx")


def test_engines_agree_and_say_what_they_do(model: str) -> None:
    images = np.random.default_rng(0).standard_normal((2, 3, 16, 16), dtype=np.float32)
    plain, streams = open_graph("onnxruntime", model, 1), open_graph("openvino", model, 1, {"streams": 1})
    assert plain.settings["provider"] == "CPUExecutionProvider"
    assert plain.conditions == streams.conditions == {
        "precision": "fp32", "transfers": "none", "threads": 1, "streams": 1,
    }  # fmt: skip
    np.testing.assert_allclose(plain.run([images])[0], streams.run([images])[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("engine", "options", "kind", "what"), [
    ("onnxruntime", {"provider_options": {"use_arena": "1"}}, "invalid", "no option use_arena"),
    ("onnxruntime", {"provider": "cuda"}, "missing", "has no CUDAExecutionProvider"),
    ("openvino", {"stream": 2}, "invalid", "no option stream"),
])  # fmt: skip
def test_options_are_not_passed_over(model: str, engine: str, options: dict[str, Any], kind: str, what: str) -> None:
    with pytest.raises(UserError, match=what) as caught:
        open_graph(engine, model, 1, options)
    assert caught.value.kind == kind


QUICK = [*("--warmup", "1"), *("--rounds", "2"), *("--seconds", "0.01"), *("--limit", "0.1")]


def test_streams_work_on_several_batches_in_a_call(model: str, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for number in range(5):
        np.full((3, 16, 16), number, np.float32).tofile(tmp_path / "bin" / f"{number}.bin")
    given = json.dumps([{"folder": str(tmp_path / "bin")}])
    words = [*("--model", model), *("--inputs", given), *("--batches", "2,1"), *QUICK]
    file_rate.main([*words, "--engine", "openvino", "--options", '{"streams": 2}', "--out", str(tmp_path / "out")])
    bench = json.loads((tmp_path / "out" / "bench.json").read_text())
    streams = bench["engine"]["settings"]["real"]["NUM_STREAMS"]
    assert bench["conditions"]["streams"] == streams == min(2, cores())
    assert [one["batch"] for one in bench["batches"]] == [2, 1]
    for one in bench["batches"]:
        assert all(part["images"] == part["calls"] * one["batch"] * streams for part in one["rounds"])
        assert len(np.load(tmp_path / "out" / f"latencies-bs{one['batch']}.npy")) == one["n"]


def test_a_file_that_says_its_shape_counts_for_its_samples(model: str, tmp_path: Path) -> None:
    (tmp_path / "npy").mkdir()
    for samples in (3, 1):
        np.save(tmp_path / "npy" / f"{samples}.npy", np.zeros((samples, 3, 16, 16), np.float32))
    given = json.dumps([{"folder": str(tmp_path / "npy")}])
    words = [*("--model", model), *("--inputs", given), *("--batches", "1"), *QUICK]
    file_rate.main([*words, "--shapes", "files", "--out", str(tmp_path / "out")])
    (one,) = json.loads((tmp_path / "out" / "bench.json").read_text())["batches"]
    for part in one["rounds"]:
        assert part["images"] == part["calls"] // 2 * 4 + part["calls"] % 2  # 1.npy comes first
