"""Files for a tool that takes the graph's own form only: converted before, and its results afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from kit.inside.file_forms import main
from kit.inside.protocol import UserError


def test_inputs_become_what_the_graph_takes(make_tiny: Any, tmp_path: Path) -> None:
    onnx.save(make_tiny(), tmp_path / "model.onnx")
    random = np.random.default_rng(0)
    pixels = random.integers(0, 255, (2, 16, 16, 3), dtype=np.uint8)
    (tmp_path / "bin").mkdir()
    pixels[0].tofile(tmp_path / "bin" / "1.bin")
    np.save(tmp_path / "bin" / "10.npy", pixels[1])
    form = {"dtype": "uint8", "layout": "NHWC", "mean": [1.0, 2.0, 3.0], "scale": 0.5}
    given = json.dumps([{"folder": str(tmp_path / "bin"), **form}])
    main(["inputs", "--model", str(tmp_path / "model.onnx"), "--inputs", given, "--out", str(tmp_path / "out")])
    wanted = (pixels.transpose(0, 3, 1, 2).astype(np.float32) - np.array([1, 2, 3], np.float32)[:, None, None]) * 0.5
    made = np.fromfile(tmp_path / "out" / "input0" / "1.bin", np.float32).reshape(3, 16, 16)
    assert np.array_equal(made, wanted[0])
    assert np.array_equal(np.load(tmp_path / "out" / "input0" / "10.npy")[0], wanted[1])


def results(folder: Path) -> list[str]:
    (folder / "tool" / "result").mkdir(parents=True)
    np.save(folder / "tool" / "result" / "a_0.npy", np.array([[0.25, 1.5]], np.float32))
    np.save(folder / "tool" / "result" / "a_1.npy", np.array([[7]], np.int32))
    entry = {"infiles": ["/x/a.b.bin"], "outfiles": ["/y/result/a_0.npy", "/y/result/a_1.npy"]}
    (folder / "tool" / "result_summary.json").write_text(json.dumps({"filesinfo": {"0": entry}}))
    form = {"format": "bin", "batch_axis": 0, "dtype": {"1": "int64"}, "names": "benchmark"}
    outputs = ["--outputs", json.dumps(form), "--out", str(folder)]
    return ["results", "--results", str(folder / "tool"), *outputs]


def test_results_become_what_the_scripts_read(tmp_path: Path) -> None:
    main(results(tmp_path))
    assert np.fromfile(tmp_path / "result" / "a_1.bin", np.float32).tolist() == [0.25, 1.5]
    assert np.fromfile(tmp_path / "result" / "a_2.bin", np.int64).tolist() == [7]
    (entry,) = json.loads((tmp_path / "result_summary.json").read_text())["filesinfo"].values()
    assert [Path(name).name for name in entry["outfiles"]] == ["a_1.bin", "a_2.bin"]


def test_a_cut_result_is_told(tmp_path: Path) -> None:
    words = results(tmp_path)
    path = tmp_path / "tool" / "result" / "a_1.npy"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(UserError, match="is not an array"):
        main(words)
