"""OpenVINO on the CPU: a compiled model per batch size, in the precision that was asked for and in no other.

OpenVINO adjusts requests without a word: more threads or streams than there are cores, a precision that the processor
lacks. So every setting is read back from the compiled model, kept, and reported; another precision is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .engine import Bound, Engine, EngineSpec, check_input, known_options
from .pool import cores
from .protocol import UserError, oneline

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["OpenvinoEngine", "OpenvinoPlugin"]

_KNOWN = ("precision", "streams")
#: Types of the input, as preprocessing makes them.
_INPUTS = {"f32", "f16", "f64", "u8"}
#: Precision -> OpenVINO's name for it, as it is asked for.
_HINTS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}
#: As it reads back.
_TYPES = {"f32": "fp32", "float": "fp32", "float32": "fp32", "bf16": "bf16", "bfloat16": "bf16", "f16": "fp16",
          "float16": "fp16"}  # fmt: skip
_READ = (
    "NUM_STREAMS", "INFERENCE_NUM_THREADS", "INFERENCE_PRECISION_HINT", "OPTIMAL_NUMBER_OF_INFER_REQUESTS",
    "PERFORMANCE_HINT", "EXECUTION_MODE_HINT", "ENABLE_CPU_PINNING",
)  # fmt: skip


_TITLE = "OpenVINO"


class OpenvinoPlugin:
    """The CPU plugin: what was asked of it, and after :meth:`look` what it made of that."""

    def __init__(self, spec: EngineSpec) -> None:
        known_options(spec.options, _KNOWN, _TITLE)
        import openvino

        self.openvino = openvino
        self.version = str(openvino.__version__).partition("-")[0]  # without the build
        self._precision = str(spec.options.get("precision", "fp32"))
        if self._precision not in _HINTS:
            raise UserError(f"OpenVINO does not compute in {self._precision}", f"Choose one of {', '.join(_HINTS)}.")
        streams = int(spec.options.get("streams", 1))
        self._asked = {
            "PERFORMANCE_HINT": "LATENCY" if streams == 1 else "THROUGHPUT",
            "NUM_STREAMS": streams,
            "INFERENCE_NUM_THREADS": spec.threads or cores(),
            "INFERENCE_PRECISION_HINT": _HINTS[self._precision],
            # Two processes that both pin their threads pin them to the same cores.
            "ENABLE_CPU_PINNING": False,
        }
        self._core = openvino.Core()
        self._told: dict[str, Any] = {}

    def read(self, model: str) -> Any:
        """The network of a file.

        Raises:
            UserError: OpenVINO cannot open it.
        """
        try:
            return self._core.read_model(model)
        except Exception as error:  # noqa: BLE001 - RuntimeError and its own
            remedy = "Export the model again, or check that this is a whole ONNX file."
            raise UserError(f"OpenVINO cannot open it: {oneline(error)}", remedy, model, "damaged") from None

    def compile(self, network: Any) -> Any:
        """The network, ready to run; errors are OpenVINO's own."""
        return self._core.compile_model(network, "CPU", self._asked)

    def look(self, compiled: Any) -> None:
        """Read the settings back.

        Raises:
            UserError: the precision is another one.
        """
        for name in _READ:
            value = compiled.get_property(name)
            if hasattr(value, "get_type_name"):
                value = value.get_type_name()
            self._told[name] = value if isinstance(value, int | bool | str) else str(getattr(value, "name", value))
        told = str(self._told["INFERENCE_PRECISION_HINT"])
        real = _TYPES.get(told, told)
        if real != self._precision:
            what = f"{self._precision} is asked for, and OpenVINO computes in {real}: this processor has no other"
            raise UserError(what, f"Ask for {real}, or use a processor that has {self._precision}.", kind="device")

    @property
    def threads(self) -> int:
        """Of one call, as read back."""
        return int(self._told["INFERENCE_NUM_THREADS"])

    @property
    def streams(self) -> int:
        """Calls side by side, as read back."""
        return int(self._told["NUM_STREAMS"])

    @property
    def conditions(self) -> dict[str, Any]:
        """What of ``kit.results.conditions`` it decides."""
        return {
            "precision": self._precision,
            "transfers": "none",
            "threads": self.threads,
            "streams": self.streams,
        }

    @property
    def settings(self) -> dict[str, Any]:
        """What was asked for, what OpenVINO made of it, and what it changed."""
        changed = {
            name: {"asked": asked, "real": self._told[name]}
            for name, asked in self._asked.items()
            if name in {"NUM_STREAMS", "INFERENCE_NUM_THREADS"} and self._told[name] != asked
        }
        return {"asked": self._asked, "real": self._told, "changed": changed}


class OpenvinoEngine(Engine):
    """Images. A static shape is faster than a dynamic one, so each batch size is compiled by itself."""

    title = _TITLE
    fixed_batch = True

    def __init__(self, spec: EngineSpec, batch: int) -> None:
        super().__init__(spec)
        self._plugin = OpenvinoPlugin(spec)
        self.version = self._plugin.version
        self._network = self._read()
        self._compiled: dict[int, Any] = {}
        self._requests: dict[int, Any] = {}
        self._plugin.look(self._compile(batch))
        self.threads, self.side_by_side = self._plugin.threads, self._plugin.streams
        self.conditions, self.settings = self._plugin.conditions, self._plugin.settings

    def _read(self) -> Any:
        network = self._plugin.read(self.model)
        inputs = network.inputs
        if len(inputs) != 1 or inputs[0].partial_shape.rank.is_dynamic or len(inputs[0].partial_shape) != 4:
            has = ", ".join(f"{one.any_name} {one.partial_shape}" for one in inputs)
            remedy = "Give a model whose one input is a float32 tensor (batch, channels, height, width)."
            raise UserError(f"the model has the inputs {has}", remedy, self.model)
        if inputs[0].element_type.get_type_name() not in _INPUTS:
            remedy = "Give a model whose input is a tensor of float32, float16, float64 or uint8."
            raise UserError(f"the model takes {inputs[0].element_type.get_type_name()}", remedy, self.model)
        return network

    def _compile(self, batch: int) -> Any:
        if batch not in self._compiled:
            port = self._network.inputs[0]
            sizes = [size.get_length() if size.is_static else None for size in port.partial_shape]
            check_input(port.any_name, sizes, (batch, *self.shape), self.model)
            network = self._network.clone()
            try:
                network.reshape([batch, *self.shape])
                self._compiled[batch] = self._plugin.compile(network)
            except Exception as error:  # noqa: BLE001 - as above
                raise self.fails(error) from None
        return self._compiled[batch]

    def outputs(self, images: Floats) -> list[NDArray[Any]]:
        try:
            compiled = self._compile(len(images))
            if len(images) not in self._requests:
                self._requests[len(images)] = compiled.create_infer_request()
            request = self._requests[len(images)]
            request.infer([images])
            # The next call writes over this memory.
            return [np.array(request.get_output_tensor(number).data) for number in range(len(compiled.outputs))]
        except UserError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            raise self.fails(error) from None

    def bind(self, inputs: list[Floats]) -> Bound:
        compiled = self._compile(len(inputs[0]))
        calls: list[Callable[[], None]] = []
        last: list[Any] = []
        try:
            for number in range(len(inputs)):
                requests, arrays = [], []
                for beside in range(self.side_by_side):
                    request = compiled.create_infer_request()
                    array = np.ascontiguousarray(inputs[(number + beside) % len(inputs)])
                    arrays.append(array)
                    request.set_input_tensor(self._plugin.openvino.Tensor(array, shared_memory=True))
                    requests.append(request)
                calls.append(_call(requests, arrays))
                calls[-1]()
                last = requests
        except Exception as error:  # noqa: BLE001 - as above
            raise self.fails(error) from None
        return Bound(calls, lambda: np.array(last[-1].get_output_tensor(0).data))


def _call(requests: list[Any], arrays: list[Floats]) -> Callable[[], None]:
    """One call of all requests; it keeps the arrays, whose memory the requests read and do not own."""

    def call_one(infer: Callable[[], None] = requests[0].infer, _kept: list[Floats] = arrays) -> None:
        infer()

    def call_all(_kept: list[Floats] = arrays) -> None:
        for request in requests:
            request.start_async()
        for request in requests:
            request.wait()

    return call_one if len(requests) == 1 else call_all
