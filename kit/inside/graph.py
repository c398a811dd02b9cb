"""A model with any number of inputs and outputs, of any rank and type, in the engine that a target names."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .protocol import UserError, oneline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from .engine import EngineSpec

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


class Graph(ABC):
    """A loaded model."""

    title: ClassVar[str]  # "ONNX Runtime"
    inputs: list[Port]
    version: str
    #: What the engine reports of itself, and what of ``kit.results.conditions`` it decides.
    settings: Mapping[str, Any] = MappingProxyType({})
    conditions: Mapping[str, Any] = MappingProxyType({})
    #: Calls that the engine works on at the same time: see :meth:`run_beside`.
    side_by_side: int = 1

    @abstractmethod
    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """All outputs, in the graph's order.

        Raises:
            UserError: the engine fails.
        """

    def run_beside(self, calls: Sequence[Sequence[Array]]) -> None:
        """Compute several calls at the same time, where the engine can; their outputs are not asked for."""
        for arrays in calls:
            self.run(arrays)


def open_graph(engine: str, model: str, threads: int = 0, options: Mapping[str, Any] | None = None) -> Graph:
    """Load a model: an ONNX file; for ``torch`` a checkpoint, for ``tensorrt`` a plan.

    Raises:
        UserError: there is no such file, an unknown option, or the engine does not take the model.
    """
    if not os.path.isfile(model):
        raise UserError("there is no such model", "Export it first.", model, "missing")
    if engine == "tensorrt":
        return _PlanGraph(model)
    from .engine import EngineSpec

    spec = EngineSpec(engine, model, (), threads, options or {})
    return {"openvino": _OpenvinoGraph, "torch": _TorchGraph}.get(engine, _OrtGraph)(spec)


class _OrtGraph(Graph):
    title = "ONNX Runtime"

    def __init__(self, spec: EngineSpec) -> None:
        from .ort_engine import OrtSession

        opened = OrtSession(spec)
        self._session, self._model = opened.session, spec.model
        self.version, self.settings = opened.version, opened.settings
        # Arrays are the host's: what has a memory of its own gets copies.
        self.conditions = opened.conditions | ({"transfers": "included"} if opened.provider.memory else {})
        self.inputs = [
            Port(one.name, _type_name(one.name, one.type), tuple(d if isinstance(d, int) else None for d in one.shape))
            for one in self._session.get_inputs()
        ]

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        feed = {port.name: array for port, array in zip(self.inputs, arrays, strict=True)}
        try:
            return [np.asarray(output) for output in self._session.run(None, feed)]
        except Exception as error:
            raise _failed(self.title, self._model, error) from error


class _OpenvinoGraph(Graph):
    title = "OpenVINO"

    def __init__(self, spec: EngineSpec) -> None:
        from .openvino_engine import OpenvinoPlugin

        plugin = OpenvinoPlugin(spec)
        network = plugin.read(spec.model)
        try:
            self._compiled = plugin.compile(network)
        except Exception as error:
            remedy = "Give an ONNX model that this version of OpenVINO has all operators for."
            raise UserError(f"OpenVINO does not take the model: {oneline(error)}", remedy, spec.model) from error
        plugin.look(self._compiled)
        self.version, self.settings, self.conditions = plugin.version, plugin.settings, plugin.conditions
        self.side_by_side = plugin.streams
        self._requests: list[Any] = []
        self.inputs = [
            Port(
                one.get_any_name(),
                np.dtype(one.get_element_type().to_dtype()).name,
                tuple(d.get_length() if d.is_static else None for d in one.get_partial_shape()),
            )
            for one in self._compiled.inputs
        ]
        self._model = spec.model

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        try:
            found = self._compiled(list(arrays))
            return [np.array(found[output]) for output in self._compiled.outputs]
        except Exception as error:
            raise _failed(self.title, self._model, error) from error

    def run_beside(self, calls: Sequence[Sequence[Array]]) -> None:
        try:
            self._requests += [self._compiled.create_infer_request() for _ in calls[len(self._requests) :]]
            for request, arrays in zip(self._requests, calls, strict=False):
                request.start_async(list(arrays))
            for request, _ in zip(self._requests, calls, strict=False):
                request.wait()
        except Exception as error:
            raise _failed(self.title, self._model, error) from error


class _TorchGraph(Graph):
    title = "PyTorch"

    def __init__(self, spec: EngineSpec) -> None:
        from .torch_engine import TorchEngine

        self._engine = TorchEngine(spec, 1)
        self.version, self.settings = self._engine.version, self._engine.settings
        moved = self._engine.conditions["transfers"] != "none"  # arrays are the host's
        self.conditions = self._engine.conditions | ({"transfers": "included"} if moved else {})
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


class _PlanGraph(Graph):
    title = "TensorRT"

    def __init__(self, model: str) -> None:
        from .trt_infer import TensorRtPlan

        self._plan = plan = TensorRtPlan(model)
        self.version = plan.version
        self.inputs = [
            Port(name, plan.dtype(name).name, tuple(None if size < 0 else size for size in plan.shape(name)))
            for name in plan.sources
        ]

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        return list(self._plan.run(dict(zip(self._plan.sources, arrays))).values())  # noqa: B905 - 3.8


def _type_name(name: str, text: str) -> str:
    kind = text.removeprefix("tensor(").removesuffix(")")
    if kind not in _ORT_TYPES:
        raise UserError(f"input {name} of the model is {text}, which no file can hold", "Export it with plain tensors.")
    return _ORT_TYPES[kind]


def _failed(engine: str, model: str, error: Exception) -> UserError:
    remedy = "Check the files that the script wrote against the model."
    return UserError(f"{engine} fails: {oneline(error)}", remedy, model)
