"""Programs of kit/inside, in this process and in their own, and the images and models that they work on."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from kit.inside.protocol import EXIT_USER, run

KIT = Path(__file__).parents[2] / "kit"
Program = Callable[..., "Finished"]


@dataclass
class Finished:
    """A program that has ended."""

    code: int
    error: dict[str, Any]
    out: str
    err: str


def environment() -> dict[str, str]:
    return {"PYTHONPATH": str(KIT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Program:
    """Runs program NAME of kit/inside in the test's folder, in this process; its error line is parsed."""

    def start(name: str, *arguments: object) -> Finished:
        module = importlib.import_module(f"kit.inside.{name}")
        capfd.readouterr()
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path)
            patch.setattr("kit.inside.protocol._last_progress", -1.0)
            with pytest.raises(SystemExit) as end:
                run(module.main, [str(word) for word in arguments])
        assert isinstance(end.value.code, int)
        return finished(end.value.code, *capfd.readouterr())

    return start


@pytest.fixture
def process(tmp_path: Path) -> Program:
    """Runs ``python -m inside.NAME ARGUMENTS`` in the test's folder, as a container does; its error line is parsed."""

    def start(name: str, *arguments: object) -> Finished:
        done = subprocess.run(
            [sys.executable, "-m", f"inside.{name}", *map(str, arguments)],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return finished(done.returncode, done.stdout, done.stderr)

    return start


def finished(code: int, out: str, err: str) -> Finished:
    said = [json.loads(line[5:]) for line in out.splitlines() if line.startswith("@kit ")]
    errors = [line["error"] for line in said if "error" in line]
    assert len(errors) == (code == EXIT_USER), out + err
    return Finished(code, errors[0] if errors else {}, out, err)


def photo(seed: int, width: int = 90, height: int = 70) -> Image.Image:
    """Coarse shapes and fine noise, the same for the same seed."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (5, 6, 3), dtype=np.uint8)).resize((width, height), 3)
    noise = random.integers(-20, 21, (height, width, 3))
    return Image.fromarray((np.asarray(coarse) + noise).clip(0, 255).astype(np.uint8))


@pytest.fixture
def make_photo() -> Callable[..., Image.Image]:
    return photo


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Twenty small photographs; image_07 and some others are upright, the rest lie."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(20):
        size = (90, 70) if number % 3 else (60, 95)
        photo(number, *size).save(folder / f"image_{number:02d}.jpg", quality=90)
    return folder


@pytest.fixture
def make_model(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small classifier as ONNX: the mean of each channel, times weights, plus bias."""

    def make(
        name: str = "model.onnx",
        *,
        classes: int = 7,
        batch: int | str = "batch",
        size: int | str = 32,
        scores: float | None = None,
        kind: str = "float",
    ) -> Path:
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        random = np.random.default_rng(3)
        weight = random.standard_normal((3, classes)).astype(np.float32)
        if scores is not None:
            weight[:] = scores
        element = {"float": TensorProto.FLOAT, "double": TensorProto.DOUBLE}[kind]
        constants = [numpy_helper.from_array(weight.astype(kind if kind == "double" else "float32"), "weight")]
        nodes = [
            helper.make_node("ReduceMean", ["input"], ["means"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["means", "weight"], ["scores"]),
        ]
        graph = helper.make_graph(
            nodes,
            "classifier",
            [helper.make_tensor_value_info("input", element, [batch, 3, size, size])],
            [helper.make_tensor_value_info("scores", element, [batch, classes])],
            constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
        path = tmp_path / name
        onnx.save(model, str(path))
        return path

    return make


@pytest.fixture
def make_tiny() -> Callable[..., onnx.ModelProto]:
    """Flatten and Gemm; ``batch`` may be a number (a static model)."""

    def make(batch: int | str = "-1") -> onnx.ModelProto:
        graph = helper.make_graph(
            [
                helper.make_node("Flatten", ["actual_input_1"], ["f"]),
                helper.make_node("Gemm", ["f", "w"], ["output1"], transB=1),
            ],
            "tiny",
            [helper.make_tensor_value_info("actual_input_1", TensorProto.FLOAT, [batch, 3, 16, 16])],
            [helper.make_tensor_value_info("output1", TensorProto.FLOAT, [batch, 10])],
            [numpy_helper.from_array(np.ones((10, 768), np.float32), "w")],
        )
        return helper.make_model(graph)

    return make
