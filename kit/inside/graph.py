"""A model with any number of inputs and outputs, of any rank and type, in the engine that a target names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .protocol import UserError, oneline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Array = NDArray[Any]

__all__ = ["Graph", "Port", "open_graph"]

#: Names of element types in ONNX Runtime.
_ORT_TYPES = {
    "float": "float32", "float16": "float16", "double": "float64", "bool": "bool",
    **{name: name for name in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")},
}  # fmt: skip


@dataclass(frozen=True)
class Port:
    """An input: its name, type and sizes; None where a size is dynamic."""

    name: str
    dtype: str
    sizes: tuple[int | None, ...]


class Graph(Protocol):
    """A loaded model."""

    inputs: list[Port]
    version: str
    hardware: str

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """All outputs, in the graph's order.

        Raises:
            UserError: the engine fails.
        """


def open_graph(engine: str, model: str, threads: int = 0, options: Mapping[str, Any] | None = None) -> Graph:
    """Load a model: an ONNX file; for ``torch`` a checkpoint, for ``tensorrt`` a plan.

    Raises:
        UserError: there is no such file, or the engine does not take it.
    """
    if not os.path.isfile(model):
        raise UserError("there is no such model", "Export it first.", model, "missing")
    if engine == "openvino":
        return _OpenvinoGraph(model, threads, str((options or {}).get("precision", "fp32")))
    if engine == "torch":
        return _TorchGraph(model, threads, options or {})
    if engine == "tensorrt":
        return _PlanGraph(model)
    return _OrtGraph(model, threads)


class _OrtGraph:
    hardware = "CPU"

    def __init__(self, model: str, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads:
            options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise _refused("ONNX Runtime", model, error) from error
        self.version = str(onnxruntime.__version__)
        self.inputs = [
            Port(one.name, _type_name(one.name, one.type), tuple(d if isinstance(d, int) else None for d in one.shape))
            for one in self._session.get_inputs()
        ]
        self._model = model

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """All outputs."""
        feed = {port.name: array for port, array in zip(self.inputs, arrays, strict=True)}
        try:
            return [np.asarray(output) for output in self._session.run(None, feed)]
        except Exception as error:
            raise _failed("ONNX Runtime", self._model, error) from error


class _OpenvinoGraph:
    hardware = "CPU"

    def __init__(self, model: str, threads: int, precision: str) -> None:
        import openvino

        core = openvino.Core()
        hint = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}[precision]
        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": hint}
        if threads:
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            self._compiled = core.compile_model(model, "CPU", settings)
        except Exception as error:
            raise _refused("OpenVINO", model, error) from error
        self.version = str(openvino.__version__)
        self.inputs = [
            Port(
                one.get_any_name(),
                np.dtype(one.get_element_type().to_dtype()).name,
                tuple(d.get_length() if d.is_static else None for d in one.get_partial_shape()),
            )
            for one in self._compiled.inputs
        ]
        self._model = model

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """All outputs."""
        try:
            found = self._compiled(list(arrays))
            return [np.array(found[output]) for output in self._compiled.outputs]
        except Exception as error:
            raise _failed("OpenVINO", self._model, error) from error


class _TorchGraph:
    def __init__(self, model: str, threads: int, options: Mapping[str, Any]) -> None:
        from .engine import EngineSpec
        from .torch_engine import TorchEngine

        self._engine = TorchEngine(EngineSpec("torch", model, (), threads, options), 1)
        self.version = self._engine.version
        self.hardware = "CPU" if self._engine.settings["device"] == "cpu" else str(self._engine.settings["device"])
        self.inputs = [
            Port(
                one.name,
                one.dtype,
                tuple(None if axis in one.axes else size for axis, size in enumerate((one.batch, *one.shape))),
            )
            for one in self._engine.network.inputs
        ]

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """All results of the network that are exported."""
        return self._engine.results(arrays)


class _PlanGraph:
    hardware = "NVIDIA GPU"

    def __init__(self, model: str) -> None:
        from .trt_infer import TensorRtPlan

        self._plan = plan = TensorRtPlan(model)
        self.version = plan.version
        self.inputs = [
            Port(name, plan.dtype(name).name, tuple(None if size < 0 else size for size in plan.shape(name)))
            for name in plan.sources
        ]

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """All outputs."""
        return list(self._plan.run(dict(zip(self._plan.sources, arrays))).values())  # noqa: B905 - 3.8


def _type_name(name: str, text: str) -> str:
    kind = text.removeprefix("tensor(").removesuffix(")")
    if kind not in _ORT_TYPES:
        raise UserError(f"input {name} of the model is {text}, which no file can hold", "Export it with plain tensors.")
    return _ORT_TYPES[kind]


def _refused(engine: str, model: str, error: Exception) -> UserError:
    remedy = "Give an ONNX model that this engine's version has all operators for, with its external data next to it."
    return UserError(f"{engine} does not take the model: {oneline(error)}", remedy, model)


def _failed(engine: str, model: str, error: Exception) -> UserError:
    remedy = "Check the files that the script wrote against the model."
    return UserError(f"{engine} fails: {oneline(error)}", remedy, model)
