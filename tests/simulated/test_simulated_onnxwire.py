from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from kit.simulated.gflags import FlagsError, parse
from kit.simulated.onnxwire import (
    Port,
    WireError,
    half,
    read_model,
    round_to_half,
    with_input_shapes,
    with_outputs,
)


def test_facts_agree_with_onnx(make_model: Any) -> None:
    model = make_model()
    model.doc_string = "a note"
    found = read_model(model.SerializeToString())
    assert (found.ir_version, found.opset, found.producer_name, found.producer_version, found.doc) == (
        6, 11, "pytorch", "1.8", "a note",
    )  # fmt: skip
    assert found.inputs == [Port("actual_input_1", TensorProto.FLOAT, (-1, 3, 16, 16))]
    assert found.outputs == [Port("output1", TensorProto.FLOAT, (-1, 10))]
    assert [node.name for node in found.nodes] == [node.name for node in model.graph.node]
    assert found.weights == {"w", "g", "b"}
    assert not found.int64_weights


def test_weights_listed_as_inputs_are_no_inputs(make_model: Any) -> None:
    model = make_model()
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [8, 3, 3, 3]))
    assert [port.name for port in read_model(model.SerializeToString()).inputs] == ["actual_input_1"]


def test_rounding_changes_float_weights_only_and_no_size(make_model: Any) -> None:
    model = make_model()
    model.graph.initializer.append(helper.make_tensor("listed", TensorProto.FLOAT, [2], [1.0001, 70000.0]))
    model.graph.initializer.append(numpy_helper.from_array(np.array([2**40 + 1], np.int64), "long"))
    constant = helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(np.array([0.1], np.float32), "k"))
    model.graph.node.append(constant)
    data = model.SerializeToString()
    rounded = onnx.load_from_string(round_to_half(data))
    assert len(rounded.SerializeToString()) == len(data)
    before = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
    after = {item.name: numpy_helper.to_array(item) for item in rounded.graph.initializer}
    for name in ("w", "g", "b"):
        np.testing.assert_array_equal(after[name], before[name].astype(np.float16).astype(np.float32))
        assert not np.array_equal(after[name], before[name])
    np.testing.assert_array_equal(after["listed"], np.array([1.0, 65504.0], np.float32))
    np.testing.assert_array_equal(after["long"], before["long"])
    (value,) = [item.t for item in rounded.graph.node[-1].attribute]
    np.testing.assert_array_equal(numpy_helper.to_array(value), np.array([0.1], np.float16).astype(np.float32))


def test_half_keeps_nan_and_infinity() -> None:
    values = half(np.array([np.nan, np.inf, -np.inf, 1e9, -1e9, 1e-12], np.float32))
    assert np.isnan(values[0])
    np.testing.assert_array_equal(values[1:], np.array([np.inf, -np.inf, 65504, -65504, 0], np.float32))


def test_input_shapes_are_fixed_and_the_rest_is_kept(make_model: Any) -> None:
    model = make_model()
    model.graph.value_info.append(helper.make_tensor_value_info("c", TensorProto.FLOAT, ["-1", 8, 16, 16]))
    fixed = onnx.load_from_string(with_input_shapes(model.SerializeToString(), {"actual_input_1": (4, 3, 16, 16)}))
    onnx.checker.check_model(fixed)
    shape = [dim.dim_value for dim in fixed.graph.input[0].type.tensor_type.shape.dim]
    assert shape == [4, 3, 16, 16]
    assert not fixed.graph.value_info
    assert fixed.graph.node == model.graph.node
    assert fixed.opset_import == model.opset_import


def test_other_outputs(make_model: Any) -> None:
    data = with_outputs(make_model().SerializeToString(), [Port("f", TensorProto.FLOAT, ())])
    assert [port.name for port in onnx.load_from_string(data).graph.output] == ["f"]


def test_every_cut_is_noticed_or_harmless(make_model: Any) -> None:
    data = make_model().SerializeToString()
    for end in range(0, len(data), 7):
        try:
            read_model(data[:end])
        except WireError:
            continue
        onnx.load_from_string(data[:end])  # cut between two fields: still a model


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(WireError):
        read_model(data)


@given(st.integers(-(2**31), 2**31 - 1))
def test_gflags_integers(value: int) -> None:
    assert parse([f"--n={value}"], {"n": 0})["n"] == value


@pytest.mark.parametrize("text", ["", "1.5", "one", "99999999999", "0x", "1 "])
def test_gflags_refuses_other_integers(text: str) -> None:
    with pytest.raises(FlagsError, match="illegal value"):
        parse([f"--n={text}"], {"n": 0})


def test_gflags_forms() -> None:
    flags = parse(["-a-b", "x", "--flag", "--nolog", "-n=0x10", "rest", "--", "--c"], {
        "a_b": "", "flag": False, "log": True, "n": 0,
    })  # fmt: skip
    assert (flags["a_b"], flags["flag"], flags["log"], flags["n"]) == ("x", True, False, 16)
    assert flags.rest == ["rest", "--c"]
    assert flags.given == {"a_b", "flag", "log", "n"}
    for word in ("t", "TRUE", "y", "Yes", "1"):
        assert parse([f"--flag={word}"], {"flag": False})["flag"] is True
    for word in ("f", "False", "n", "NO", "0"):
        assert parse([f"--flag={word}"], {"flag": True})["flag"] is False
    with pytest.raises(FlagsError, match="missing its argument"):
        parse(["--n"], {"n": 0})
