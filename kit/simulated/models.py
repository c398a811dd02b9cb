"""ONNX models as the stand-ins compile them, through the ``onnx`` package of their image."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "ModelError",
    "ModelPort",
    "StandInModel",
    "half",
    "packed",
    "read_model",
    "round_to_half",
    "unpacked",
    "with_input_shapes",
    "with_outputs",
]


class ModelError(ValueError):
    """The file is not an ONNX model, or it is cut."""


@dataclass(frozen=True)
class ModelPort:
    """An input or output of the graph; a dimension that is not fixed is -1."""

    name: str
    dtype: str
    dims: tuple[int, ...]

    @property
    def dynamic(self) -> bool:
        return any(size < 0 for size in self.dims)


@dataclass(frozen=True)
class StandInModel:
    """A parsed model. ``proto`` is an ``onnx.ModelProto``."""

    proto: Any

    @property
    def opset(self) -> int:
        return next((entry.version for entry in self.proto.opset_import if entry.domain in {"", "ai.onnx"}), 0)

    @property
    def inputs(self) -> tuple[ModelPort, ...]:
        """Without weights, which old exporters list as inputs."""
        weights = {weight.name for weight in self.proto.graph.initializer}
        return tuple(port_of(value) for value in self.proto.graph.input if value.name not in weights)

    @property
    def outputs(self) -> tuple[ModelPort, ...]:
        return tuple(map(port_of, self.proto.graph.output))

    def copy(self) -> StandInModel:
        """A copy that can be changed."""
        return StandInModel(type(self.proto).FromString(self.content()))

    @property
    def nodes(self) -> list[Any]:
        """The graph's ``NodeProto`` messages."""
        return list(self.proto.graph.node)

    @property
    def foreign(self) -> Any | None:
        """The first node of an operator set that is not ONNX's own."""
        return next((node for node in self.proto.graph.node if node.domain not in {"", "ai.onnx"}), None)

    @property
    def int64_weights(self) -> bool:
        from onnx import TensorProto

        return any(weight.data_type == TensorProto.INT64 for weight in self.proto.graph.initializer)

    def content(self) -> bytes:
        """The model with its weights, wherever they were kept."""
        return bytes(self.proto.SerializeToString())


def port_of(value: Any) -> ModelPort:
    from onnx.helper import tensor_dtype_to_np_dtype

    kind = value.type.tensor_type
    dims = tuple(int(dim.dim_value) if dim.WhichOneof("value") == "dim_value" else -1 for dim in kind.shape.dim)
    return ModelPort(value.name, np.dtype(tensor_dtype_to_np_dtype(kind.elem_type)).name, dims)


def read_model(path: Path) -> StandInModel:
    """Read a model with all its weights.

    Raises:
        ModelError: not an ONNX model, cut, or weights next to it are missing.
        OSError: the file cannot be read.
    """
    import onnx

    path.open("rb").close()
    try:
        model = StandInModel(onnx.load(str(path)))
        _, outputs = model.inputs, model.outputs  # a type that NumPy does not have fails here
    except Exception as error:
        raise ModelError(str(error) or type(error).__name__) from error
    if not model.nodes or not outputs:
        raise ModelError("it holds no graph")
    return model


def with_input_shapes(model: StandInModel, shapes: Mapping[str, Sequence[int]]) -> StandInModel:
    """The model with these input shapes (-1 stays open); shapes of its outputs are left to the engine."""
    changed = model.copy()
    graph = changed.proto.graph
    for value in graph.input:
        if value.name in shapes:
            shape = value.type.tensor_type.shape
            del shape.dim[:]
            for place, size in enumerate(shapes[value.name]):
                dim = shape.dim.add()
                if size < 0:
                    dim.dim_param = f"{value.name}_{place}"
                else:
                    dim.dim_value = size
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
    return changed


def with_outputs(model: StandInModel, names: Sequence[str]) -> StandInModel:
    """The model with these tensors as its outputs, in this order."""
    import onnx
    from onnx import TensorProto, helper

    changed = model.copy()
    inferred = onnx.shape_inference.infer_shapes(model.proto).graph
    known = {value.name: value for value in (*inferred.value_info, *inferred.output)}
    del changed.proto.graph.output[:]
    changed.proto.graph.output.extend(
        known.get(name) or helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names
    )
    return changed


def packed(compiled: Any) -> bytes:
    """A dataclass with the model in ``onnx`` as bytes: the length of its JSON facts, the facts, the model."""
    facts = {**vars(compiled), "onnx": None}
    text = json.dumps(facts, sort_keys=True).encode()
    return struct.pack("<I", len(text)) + text + bytes(compiled.onnx)


def unpacked(body: bytes) -> dict[str, Any]:
    """The fields of the dataclass that :func:`packed` took."""
    end = 4 + struct.unpack_from("<I", body)[0]
    return {**json.loads(body[4:end]), "onnx": body[end:]}


def half(value: np.ndarray) -> np.ndarray:
    """Rounded to half precision; a number out of its range becomes infinite, as on the cards."""
    with np.errstate(over="ignore"):
        rounded: np.ndarray = value.astype(np.float16).astype(np.float32)
    return rounded


def round_to_half(content: bytes) -> bytes:
    """The model with its float32 weights rounded to half precision."""
    import onnx
    from onnx import TensorProto, numpy_helper

    proto = onnx.load_model_from_string(content)
    for weight in proto.graph.initializer:
        if weight.data_type == TensorProto.FLOAT:
            weight.CopyFrom(numpy_helper.from_array(half(numpy_helper.to_array(weight)), weight.name))
    return bytes(proto.SerializeToString())
