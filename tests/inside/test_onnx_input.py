"""Inputs of an ONNX file, read from its bytes: real models of many forms, really damaged ones."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from kit.inside.onnx_input import check_input, inputs, main
from kit.inside.protocol import UserError


@pytest.mark.parametrize(
    ("batch", "dims"),
    [("-1", (None, 3, 16, 16)), ("N", (None, 3, 16, 16)), (4, (4, 3, 16, 16)), (0, (None, 3, 16, 16))],
)
def test_inputs_of_real_models(make_tiny: Any, tmp_path: Path, batch: int | str, dims: tuple[int | None, ...]) -> None:
    onnx.save(make_tiny(batch=batch), str(tmp_path / "m.onnx"))
    assert inputs(str(tmp_path / "m.onnx")) == {"actual_input_1": dims}


def test_weights_listed_as_inputs_are_left_out(tmp_path: Path) -> None:
    weight = numpy_helper.from_array(np.zeros((3, 4), np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3]),
            helper.make_tensor_value_info("w", TensorProto.FLOAT, [3, 4]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 4])],
        [weight],
    )
    onnx.save(helper.make_model(graph), str(tmp_path / "m.onnx"))
    assert inputs(str(tmp_path / "m.onnx")) == {"x": (None, 3)}


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("actual_input_1", (3, 16, 16), None),
        ("input", (3, 16, 16), "no input 'input' \\(it has actual_input_1\\)"),
        ("actual_input_1", (3, 16, 8), "has the shape \\?x3x16x16, the recipe says \\?x3x16x8"),
        ("actual_input_1", (16, 16), "has the shape"),
    ],
)
def test_the_recipe_is_held_against_the_model(
    make_tiny: Any, tmp_path: Path, name: str, shape: tuple[int, ...], words: str | None
) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(make_tiny(), str(path))
    if words is None:
        check_input(str(path), name, shape)
        return
    with pytest.raises(UserError, match=words):
        check_input(str(path), name, shape)


def test_the_program_writes_what_it_found(make_tiny: Any, tmp_path: Path) -> None:
    onnx.save(make_tiny(), str(tmp_path / "m.onnx"))
    main(
        ["--model", str(tmp_path / "m.onnx"), "--input", "actual_input_1", "--shape", "3,16,16", "--out", str(tmp_path)]
    )
    assert json.loads((tmp_path / "input.json").read_text()) == {
        "inputs": [{"name": "actual_input_1", "dtype": "float32", "shape": [None, 3, 16, 16]}],
        "outputs": [{"name": "output1", "dtype": "float32", "shape": [None, 10]}],
    }


def test_damaged_files_are_damaged(make_tiny: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(make_tiny(), str(path))
    data = path.read_bytes()
    for cut in (0, 1, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:cut])
        with pytest.raises(UserError):
            inputs(str(path))
    with pytest.raises(UserError):
        inputs(str(tmp_path / "gone"))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.onnx"
    path.write_bytes(data)
    with contextlib.suppress(UserError):
        inputs(str(path))
