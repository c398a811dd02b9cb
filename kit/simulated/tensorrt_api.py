"""As much of TensorRT's Python API, and of CUDA below it, as inference needs: installed as the module ``tensorrt``.

A program that uses TensorRT runs unchanged: it deserializes a plan, allocates "device" memory through ``libcudart``,
copies, executes from addresses, and copies back. The engine has the bindings of 7.x and 8.x, or the named tensors of
10.x and later, as ``KIT_SIM_TENSORRT`` says. "Device" memory is this process's own.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .engine import StandInEngine
from .machine import mark, this_machine
from .nvidia_smi import failure
from .trt_plan import EnginePlan, PlanError, read_plan
from .versions import version_of

__all__ = ["Logger", "Runtime", "TensorIOMode", "init_libnvinfer_plugins", "nptype"]

__version__ = this_machine().tensorrt
_NAMED = version_of(__version__) >= (10, 0, 0)
_libraries = ctypes.CDLL


class Logger:
    """Severity levels; the stand-in writes to stderr at every level."""

    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = range(5)

    def __init__(self, level: int = WARNING) -> None:
        self.level = level


class TensorIOMode:
    """Whether a named tensor is an input or an output."""

    NONE, INPUT, OUTPUT = range(3)


def init_libnvinfer_plugins(logger: Logger | None, namespace: str) -> bool:  # noqa: ARG001 - the API's signature
    """There are no plugins to load."""
    return True


def nptype(kind: Any) -> Any:
    """The numpy type of a tensor's type."""
    return np.dtype(kind).type


class Runtime:
    """Deserializes plans; None for one that is damaged or was built by another version, as TensorRT does."""

    def __init__(self, logger: Logger) -> None:
        self.logger = logger

    def deserialize_cuda_engine(self, data: bytes) -> Any:
        """An engine with bindings or named tensors."""
        message, status = failure(this_machine())
        try:
            plan = read_plan(bytes(data))
            if status:
                raise PlanError(f"the GPU is not reachable: {message}")
            if version_of(plan.version) != version_of(__version__):
                raise PlanError(f"the plan was built by TensorRT {plan.version}, this is {__version__}")
        except PlanError as error:
            mark(f"[TRT] {error}")
            return None
        mark(f"TensorRT {__version__}: the CPU computes")
        return (TensorEngine if _NAMED else BindingEngine)(plan)


class _Engine:
    def __init__(self, plan: EnginePlan) -> None:
        self.plan = plan
        self.entries = {entry["name"]: entry for entry in (*plan.inputs, *plan.outputs)}
        self.names = list(self.entries)
        self.sources = [entry["name"] for entry in plan.inputs]

    def create_execution_context(self) -> Context:
        return Context(self)


class BindingEngine(_Engine):
    """What 7.x and 8.x have: bindings by index."""

    @property
    def num_bindings(self) -> int:
        return len(self.names)

    def __getitem__(self, key: str | int) -> Any:
        return self.names.index(key) if isinstance(key, str) else self.names[key]

    def get_binding_name(self, index: int) -> str:
        return str(self.names[index])

    def binding_is_input(self, index: int) -> bool:
        return self.names[index] in self.sources

    def get_binding_shape(self, index: int) -> tuple[int, ...]:
        return tuple(self.entries[self.names[index]]["dims"])

    def get_binding_dtype(self, index: int) -> str:
        return str(self.entries[self.names[index]]["dtype"])


class TensorEngine(_Engine):
    """What 10.x and later have: tensors by name."""

    @property
    def num_io_tensors(self) -> int:
        return len(self.names)

    def get_tensor_name(self, index: int) -> str:
        return str(self.names[index])

    def get_tensor_mode(self, name: str) -> int:
        return TensorIOMode.INPUT if name in self.sources else TensorIOMode.OUTPUT

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return tuple(self.entries[name]["dims"])

    def get_tensor_dtype(self, name: str) -> str:
        return str(self.entries[name]["dtype"])


class Context:
    """Shapes and addresses of one execution."""

    def __init__(self, engine: _Engine) -> None:
        self.engine = engine
        self.model = StandInEngine(engine.plan.onnx, fp16=engine.plan.fp16)
        self.shapes = {name: tuple(engine.entries[name]["dims"]) for name in engine.names}
        self.addresses: dict[str, int] = {}

    def set_input_shape(self, name: str, shape: Sequence[int]) -> bool:
        """False where the profile does not hold the shape."""
        low, _, high = self.engine.plan.profile.get(name) or [list(self.shapes[name])] * 3
        wanted = tuple(int(size) for size in shape)
        if len(low) != len(wanted) or not all(a <= b <= c for a, b, c in zip(low, wanted, high, strict=True)):
            mark(f"[TRT] the shape {wanted} of {name} is outside the profile {low} to {high}")
            return False
        self.shapes[name] = wanted
        self._fix_outputs()
        return True

    def _fix_outputs(self) -> None:
        """Shapes of the outputs, once those of all inputs are known."""
        sources = {name: self.shapes[name] for name in self.engine.sources}
        outputs = [entry["name"] for entry in self.engine.plan.outputs]
        if all(min(shape, default=1) >= 0 for shape in sources.values()):
            results = self.model(self.model.zeros(sources))
            self.shapes |= {name: value.shape for name, value in zip(outputs, results, strict=True)}

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.shapes[name]

    def set_binding_shape(self, index: int, shape: Sequence[int]) -> bool:
        return self.set_input_shape(self.engine.names[index], shape)

    def get_binding_shape(self, index: int) -> tuple[int, ...]:
        return self.shapes[self.engine.names[index]]

    def set_tensor_address(self, name: str, address: int) -> bool:
        self.addresses[name] = address
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        """Run from the addresses that were set."""
        return bool(stream_handle) and self._execute()

    def execute_async_v2(self, bindings: Sequence[int], stream_handle: int) -> bool:
        """Run from addresses in the order of the bindings."""
        self.addresses = dict(zip(self.engine.names, bindings, strict=True))
        return bool(stream_handle) and self._execute()

    def _execute(self) -> bool:
        feeds = {name: self._array(name) for name in self.engine.sources}
        outputs = (entry["name"] for entry in self.engine.plan.outputs)
        for name, value in zip(outputs, self.model(feeds), strict=True):
            self._array(name)[...] = value
        return True

    def _array(self, name: str) -> np.ndarray:
        """The memory at a tensor's address."""
        shape, dtype = self.shapes[name], np.dtype(self.engine.entries[name]["dtype"])
        size = math.prod(shape) * dtype.itemsize
        memory = (ctypes.c_char * size).from_address(self.addresses[name])
        return np.frombuffer(memory, dtype).reshape(shape)


class Cudart:
    """The calls of ``libcudart`` that inference needs; 2 is cudaErrorMemoryAllocation, 1 cudaErrorInvalidValue."""

    def __init__(self) -> None:
        memory: dict[int, Any] = {}

        # Functions and not methods: callers set argtypes and restype of them, as of a library's.
        def cuda_malloc(pointer: Any, size: int) -> int:
            try:
                block = ctypes.create_string_buffer(size)
            except MemoryError:
                return 2
            memory[ctypes.addressof(block)] = block
            pointer._obj.value = ctypes.addressof(block)  # noqa: SLF001 - of ctypes.byref
            return 0

        def cuda_free(address: Any) -> int:
            return 0 if memory.pop(getattr(address, "value", address), None) is not None else 1

        def cuda_memcpy_async(to: Any, source: Any, size: int, kind: int, stream: Any) -> int:
            if kind not in {1, 2} or not stream:
                return 1
            ctypes.memmove(to, source, size)
            return 0

        def cuda_stream_create(pointer: Any) -> int:
            pointer._obj.value = 1  # noqa: SLF001
            return 0

        def nothing_to_do(_stream: Any) -> int:
            return 0

        def cuda_get_error_string(code: int) -> bytes:
            return b"out of memory" if code == 2 else b"invalid argument"

        self.cudaMalloc, self.cudaFree, self.cudaMemcpyAsync = cuda_malloc, cuda_free, cuda_memcpy_async
        self.cudaStreamCreate, self.cudaStreamSynchronize = cuda_stream_create, nothing_to_do
        self.cudaStreamDestroy, self.cudaGetErrorString = nothing_to_do, cuda_get_error_string


def load_library(name: Any, *more: Any, **named: Any) -> Any:
    """``ctypes.CDLL``, which finds a CUDA runtime."""
    return Cudart() if str(name).startswith("libcudart") else _libraries(name, *more, **named)


# There is no compiler in the image that could make a library of it.
ctypes.CDLL = load_library  # type: ignore[assignment, misc]
