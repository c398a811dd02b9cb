"""PyTorch itself: the network of the checkpoint, eager or compiled, on the CPU or on an NVIDIA GPU.

TF32, which PyTorch uses for convolutions by default, is on only where it was asked for. A compilation that falls back
to eager mode is an error.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from .engine import Bound, Engine, EngineSpec, known_options
from .network import nchw, open_network, results_of
from .pool import cores
from .processor import lacks
from .protocol import UserError
from .specification import parse_network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["MODES", "TorchEngine"]

_KNOWN = ("network", "code", "device", "compile", "precision", "channels_last", "transfers")
#: Modes of torch.compile; ``off`` is eager.
MODES = ("off", "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
_GRAPHS = {"reduce-overhead", "max-autotune"}


class TorchEngine(Engine):
    """The recipe's network with the weights of a checkpoint; the model file is the checkpoint."""

    title = "PyTorch"

    def __init__(self, spec: EngineSpec, batch: int) -> None:  # noqa: ARG002 - a network takes any batch
        super().__init__(spec)
        options = spec.options
        known_options(options, _KNOWN, self.title)
        self._precision = str(options.get("precision", "fp32"))
        self._mode = str(options.get("compile", "off"))
        if self._mode not in MODES:
            raise UserError(f"torch.compile has no mode {self._mode!r}", f"Choose one of {', '.join(MODES)}.")
        self._device = str(options.get("device", "cpu"))
        self._transfers = bool(options.get("transfers", True))
        self._cuda = self._device != "cpu"
        self.fixed_batch = self._mode != "off"
        import torch

        self._torch = torch
        self.version = str(torch.__version__)
        if self._cuda:
            self._check_gpu()
        self._check_precision()
        self.threads = spec.threads or cores()
        torch.set_num_threads(self.threads)
        with contextlib.suppress(RuntimeError):  # once a process
            torch.set_num_interop_threads(1)
        self._set_tf32()
        self._type = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(self._precision, torch.float32)
        self._format = torch.channels_last if options.get("channels_last") else torch.contiguous_format
        self.network = parse_network(str(options.get("network", "{}")))
        network, *_ = open_network(self.network, self.model, options.get("code"))
        self._model = network.to(self._device, self._type).to(memory_format=self._format)
        if self._mode != "off":
            self._compile()
        self.conditions, self.settings = self._conditions(), self._settings()

    def _check_gpu(self) -> None:
        """The GPU is there, and PyTorch can use it."""
        torch = self._torch
        remedy = "Check driver and image with `kit doctor`, or set options -> device to cpu."
        if torch.version.cuda is None:
            remedy = "Use the image or package with CUDA (options -> device: cuda builds it), or device cpu."
            raise UserError(f"this PyTorch {self.version} has no CUDA", remedy, kind="device")
        if not torch.cuda.is_available():
            raise UserError("PyTorch sees no NVIDIA GPU here", remedy, kind="device")
        number = torch.device(self._device).index or 0
        if number >= torch.cuda.device_count():
            what = f"there is no GPU {number}: PyTorch sees {torch.cuda.device_count()}"
            raise UserError(what, "Choose another with --device N.", kind="device")

    def _check_precision(self) -> None:
        if self._cuda:
            major, _ = self._torch.cuda.get_device_capability(self._device)
            lacking = self._precision in {"tf32", "bf16"} and major < 8
            name = self._torch.cuda.get_device_name(self._device)
        else:
            lacking = lacks(self._precision)
            name = "this processor"
        if lacking:
            what = f"{name} does not compute in {self._precision} by itself"
            raise UserError(what, "Ask for fp32, or use hardware that has it.", kind="device")

    def _set_tf32(self) -> None:
        """TF32 for matrices and convolutions alike: on or off. PyTorch refuses a mix of old and new names of it."""
        backends = self._torch.backends
        on = self._precision == "tf32"
        if hasattr(backends.cudnn, "conv") and hasattr(backends.cuda.matmul, "fp32_precision"):
            backends.cuda.matmul.fp32_precision = backends.cudnn.conv.fp32_precision = "tf32" if on else "ieee"
        else:
            backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = on

    def _tf32(self) -> dict[str, Any]:
        backends = self._torch.backends
        if hasattr(backends.cudnn, "conv") and hasattr(backends.cuda.matmul, "fp32_precision"):
            return {"matmul": backends.cuda.matmul.fp32_precision, "conv": backends.cudnn.conv.fp32_precision}
        return {"matmul": backends.cuda.matmul.allow_tf32, "conv": backends.cudnn.allow_tf32}

    def _compile(self) -> None:
        from torch._dynamo import config as dynamo
        from torch._inductor import config as inductor

        dynamo.suppress_errors = False
        dynamo.recompile_limit = 64  # one for each batch size
        dynamo.fail_on_recompile_limit_hit = True
        inductor.freezing = True  # weights are constants, so that convolutions take their norms in
        self._model = self._torch.compile(self._model, mode=self._mode, dynamic=False, fullgraph=True)

    def _conditions(self) -> dict[str, Any]:
        found: dict[str, Any] = {"precision": self._precision}
        if self._cuda:
            found["transfers"] = "included" if self._transfers else "excluded"
            found["graph"] = "on" if self._mode in _GRAPHS else "off"
        else:
            found |= {"transfers": "none", "threads": self.threads, "streams": 1}
        return found

    def _settings(self) -> dict[str, Any]:
        """As PyTorch reports them."""
        torch = self._torch
        found: dict[str, Any] = {
            "device": torch.cuda.get_device_name(self._device) if self._cuda else "cpu",
            "compile": self._mode,
            "dtype": str(self._type),
            "memory_format": str(self._format),
            "num_threads": torch.get_num_threads(),
            "tf32": self._tf32(),
        }
        if self._cuda:
            found |= {
                "CUDA": str(torch.version.cuda),
                "cuDNN": str(torch.backends.cudnn.version()),
                "capability": ".".join(str(part) for part in torch.cuda.get_device_capability(self._device)),
                "cudnn.benchmark": torch.backends.cudnn.benchmark,
            }
        return found

    def _place(self, images: Floats) -> Any:
        tensor = self._torch.from_numpy(np.ascontiguousarray(images))
        return tensor.to(self._device, self._type).contiguous(memory_format=self._format)

    def _infer(self, tensor: Any) -> Any:
        return results_of(self._model(tensor), self.network)[0]

    def outputs(self, images: Floats) -> list[NDArray[Any]]:
        try:
            with self._torch.inference_mode():
                return [self._infer(self._place(images)).float().cpu().numpy()]
        except Exception as error:  # noqa: BLE001 - of PyTorch, its compiler, the driver
            raise self._explained(error) from None

    def results(self, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """All results for inputs of any number and type, in their order."""
        torch = self._torch
        try:
            with torch.inference_mode():
                tensors = [torch.from_numpy(np.ascontiguousarray(one)).to(self._device) for one in arrays]
                tensors = [one.to(self._type) if one.is_floating_point() else one for one in tensors]
                found = results_of(self._model(*nchw(tuple(tensors), self.network)), self.network)
                return [(one.float() if one.is_floating_point() else one).cpu().numpy() for one in found]
        except UserError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            raise self._explained(error) from None

    def bind(self, inputs: list[Floats]) -> Bound:
        torch = self._torch
        last: list[Any] = [None]
        calls: list[Callable[[], None]] = []
        try:
            with torch.inference_mode():
                for batch in inputs:
                    if self._cuda and self._transfers:
                        host = torch.from_numpy(batch).to(self._type).contiguous(memory_format=self._format)
                        calls.append(self._with_transfers(host.pin_memory(), last))
                    else:
                        calls.append(self._in_place(self._place(batch), last))
                    calls[-1]()
        except Exception as error:  # noqa: BLE001 - as above
            raise self._explained(error) from None
        return Bound(calls, lambda: last[0].float().cpu().numpy())

    def _in_place(self, tensor: Any, last: list[Any]) -> Callable[[], None]:
        torch, infer, cuda = self._torch, self._infer, self._cuda

        def call() -> None:
            with torch.inference_mode():
                last[0] = infer(tensor)
            if cuda:
                torch.cuda.synchronize()  # or only the launch would be timed

        return call

    def _with_transfers(self, host: Any, last: list[Any]) -> Callable[[], None]:
        torch, infer, device = self._torch, self._infer, self._device

        def call() -> None:
            with torch.inference_mode():
                last[0] = infer(host.to(device, non_blocking=True)).cpu()  # which waits for the device

        return call

    def _explained(self, error: Exception) -> UserError:
        if isinstance(error, self._torch.cuda.OutOfMemoryError):
            remedy = "Choose smaller batches, or end other programs on the GPU."
            return UserError("the GPU has not enough memory for this batch", remedy, kind="resource")
        if "C++ compiler" in str(error) or "InvalidCxxCompiler" in type(error).__name__:
            remedy = "Use the image of target torch, or install g++."
            return UserError("torch.compile needs a C++ compiler, and there is none", remedy, kind="missing")
        return self.fails(error)
