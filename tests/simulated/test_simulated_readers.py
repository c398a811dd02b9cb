"""What the stand-ins print is what kit's readers take for the vendors' own form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from kit.toollogs.reader import choose, read_file

SHORT = ("--shapes=actual_input_1:4x3x16x16", "--duration=0", "--warmUp=0", "--iterations=25")


def status(text: str) -> tuple[str, str]:
    """(family, status) of a log."""
    reader = choose(text)
    return reader.family, reader.read(text).status


def test_ascend_tools(machine: Any, images: np.ndarray, model: onnx.ModelProto) -> None:
    assert status(machine.atc(4).out) == ("atc", "ok")
    assert status(machine.atc(4, extra=("--input_shape=",)).out) == ("atc", "error")
    assert status(machine.benchmark(4).out) == ("perf", "ok")
    reader, reading = read_file(Path("result/perf_vision_batchsize_4_device_0.txt"))
    assert (reader.family, reading.status, list(reading.problems)) == ("perf", "ok", [])
    pure = machine("benchmark", "-round=20", "-om_path=m_bs4.om", "-device_id=0", "-batch_size=4")
    assert status(pure.out) == ("perf", "ok")
    argv = ("--model=m_bs4.om", "--batchsize=4", "--input=prep_bin", "--output=.", "--output_dirname=r")
    assert status(machine("ais_bench", *argv).out) == ("ais", "ok")
    assert read_file(Path("r_summary.json"))[1].status == "ok"
    assert status(machine("ais_infer", *argv[:-1], program="ais_infer.py").out) == ("ais", "ok")
    for chip in ("310", "310P3", "710"):
        assert status(machine("npu-smi", "info", chip=chip).out) == ("npu-smi", "ok")


@pytest.mark.parametrize("version", ["7.2.3", "8.6.1", "10.3.0", "11.0.0"])
def test_nvidia_tools(machine: Any, model: onnx.ModelProto, version: str) -> None:
    done = machine(
        "trtexec", "--onnx=m.onnx", *SHORT, "--exportTimes=t.json", "--exportOutput=o.json", tensorrt=version
    )
    assert status(done.out) == ("trtexec", "ok")
    assert read_file(Path("t.json"))[1].status == "ok"
    assert read_file(Path("o.json"))[1].status == "ok"
    assert status(machine("nvidia-smi").out) == ("nvidia-smi", "ok")
