"""ONNX Runtime with one provider. Its silent ways back to the CPU are errors here.

ONNX Runtime falls back to the CPU when a provider cannot be loaded, and also when one of its options is misspelt; it
prints that on standard output and computes on, correctly and slowly. Three looks find it out: the provider that the
session says it has, a session that may not put a node on the CPU, and the provider that each node was given to.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .engine import Bound, Engine, EngineSpec, check_input, known_options
from .pool import cores
from .processor import lacks
from .protocol import UserError, oneline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["PROVIDERS", "OrtEngine", "OrtSession", "Provider"]

#: Types of images.
_TYPES = {"tensor(float)", "tensor(float16)", "tensor(double)", "tensor(uint8)"}
_KNOWN = ("provider", "provider_options", "precision", "device")


@dataclass(frozen=True)
class Provider:
    """An execution provider: the package that brings it, where its tensors live, its options for a precision."""

    name: str
    package: str
    memory: str | None = None  # the device that inputs are bound on; None: host memory
    #: Precision -> provider options. A precision that is not here is not offered.
    precisions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    numbered: bool = True  # takes device_id
    #: Options that a user may set; None: the provider itself refuses unknown ones.
    options: tuple[str, ...] | None = None


PROVIDERS = {
    # The CPU provider ignores what it does not know, so that its options are checked here.
    "cpu": Provider("CPUExecutionProvider", "onnxruntime", None, {"fp32": {}}, numbered=False, options=()),
    "cuda": Provider(
        "CUDAExecutionProvider", "onnxruntime-gpu", "cuda", {"fp32": {"use_tf32": "0"}, "tf32": {"use_tf32": "1"}}
    ),
    "tensorrt": Provider(
        "TensorrtExecutionProvider", "onnxruntime-gpu", "cuda",
        {"fp32": {}, "tf32": {}, "fp16": {"trt_fp16_enable": "1"}},
    ),
    "openvino": Provider(
        "OpenVINOExecutionProvider", "onnxruntime-openvino", None,
        {"fp32": {"device_type": "CPU"}, "bf16": {"device_type": "CPU"}}, numbered=False,
    ),
    "cann": Provider(
        "CANNExecutionProvider", "onnxruntime-cann", None,
        {"fp32": {"precision_mode": "force_fp32"}, "fp16": {"precision_mode": "force_fp16"}},
    ),
}  # fmt: skip
_CPU = PROVIDERS["cpu"].name


_TITLE = "ONNX Runtime"


class OrtSession:
    """A session of one provider, which has taken every node of the model."""

    def __init__(self, spec: EngineSpec) -> None:
        """Open an ONNX file.

        Raises:
            UserError: an unknown option, not a model, or one that the provider does not run.
        """
        known_options(spec.options, _KNOWN, _TITLE)
        self._precision = str(spec.options.get("precision", "fp32"))
        self.provider, self.asked = _chosen(spec, self._precision)
        self.threads = spec.threads or cores()
        if self._precision == "fp32":
            os.environ["NVIDIA_TF32_OVERRIDE"] = "0"  # TensorRT's provider has no option against TF32
        import onnxruntime

        self.version = str(onnxruntime.__version__)
        self.session = self._open(onnxruntime, spec)
        self._nodes = self._assigned()

    def _open(self, onnxruntime: Any, spec: EngineSpec) -> Any:
        name = self.provider.name
        if name not in onnxruntime.get_available_providers():
            has = ", ".join(onnxruntime.get_available_providers())
            remedy = f"Install {self.provider.package} in the place of onnxruntime, or choose another provider."
            raise UserError(f"this ONNX Runtime {self.version} has no {name}: it has {has}", remedy, kind="missing")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        if name != _CPU:
            options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
        said = io.StringIO()  # where the fall-back is announced
        try:
            with contextlib.redirect_stdout(said):
                session = onnxruntime.InferenceSession(spec.model, options, providers=[(name, self.asked)])
        except Exception as error:  # noqa: BLE001 - its exceptions share no base class
            cause = _fallback(said.getvalue())
            if cause or "EP fallback" in str(error) or "CPU EP" in str(error):
                raise self._no_provider(cause or oneline(error)) from None
            remedy = "Export the model again, or check that this is a whole ONNX file."
            raise UserError(f"{_TITLE} cannot open it: {oneline(error)}", remedy, spec.model, "damaged") from None
        if session.get_providers()[0] != name or (name != _CPU and said.getvalue()):
            raise self._no_provider(_fallback(said.getvalue()) or f"the session has {session.get_providers()[0]}")
        return session

    def _no_provider(self, cause: str) -> UserError:
        remedy = "Correct the provider's options, or install what it needs; kit does not measure the CPU in its place."
        return UserError(f"{self.provider.name} does not run this model: {cause}", remedy, kind="missing")

    def _assigned(self) -> dict[str, int]:
        """Nodes by the provider that they were given to; empty where this version does not say it.

        Raises:
            UserError: some are not the chosen provider's.
        """
        tell = getattr(self.session, "get_provider_graph_assignment_info", None)
        if tell is None:
            return {}
        counts: dict[str, int] = {}
        for part in tell():
            counts[part.ep_name] = counts.get(part.ep_name, 0) + len(part.get_nodes())
        others = {name: count for name, count in counts.items() if name != self.provider.name}
        if others:
            what = ", ".join(f"{count} nodes on {name}" for name, count in others.items())
            raise self._no_provider(f"it leaves {what}")
        return counts

    @property
    def conditions(self) -> dict[str, Any]:
        """What of ``kit.results.conditions`` the provider decides, with inputs and outputs in its memory."""
        on_host = self.provider.memory is None
        found: dict[str, Any] = {"precision": self._precision, "transfers": "none" if on_host else "excluded"}
        if self.provider.name == PROVIDERS["cann"].name:
            found["transfers"] = "included"
        if self.provider.memory == "cuda":
            found["graph"] = "on" if self.asked.get("enable_cuda_graph") in {"1", "True"} else "off"
        else:
            found |= {"threads": self.threads, "streams": 1}
        return found

    @property
    def settings(self) -> dict[str, Any]:
        """Provider and options as the session reports them; the OpenVINO provider reports none."""
        told = self.session.get_provider_options().get(self.provider.name, {})
        return {
            "provider": self.session.get_providers()[0],
            "asked": self.asked,
            "provider_options": told,
            "nodes": self._nodes,
            "intra_op_num_threads": self.threads,
        }


class OrtEngine(Engine):
    """One session; every batch size goes through it."""

    title = _TITLE

    def __init__(self, spec: EngineSpec, batch: int) -> None:
        """Open the model: an ONNX file with one input of images (batch, channels, height, width)."""
        super().__init__(spec)
        self._opened = opened = OrtSession(spec)
        self.version, self.threads, self.session = opened.version, opened.threads, opened.session
        self.conditions, self.settings = opened.conditions, opened.settings
        inputs = self.session.get_inputs()
        if len(inputs) != 1 or inputs[0].type not in _TYPES or len(inputs[0].shape) != 1 + len(spec.shape):
            has = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
            remedy = "Give a model whose one input is a tensor of images (batch, channels, height, width)."
            raise UserError(f"the model has the inputs {has}", remedy, self.model)
        check_input(inputs[0].name, inputs[0].shape, (batch, *spec.shape), self.model)
        self.input: str = inputs[0].name
        self.output: str = self.session.get_outputs()[0].name
        self.fixed_batch = isinstance(inputs[0].shape[0], int)

    def outputs(self, images: Floats) -> list[NDArray[Any]]:
        try:
            found: list[NDArray[Any]] = self.session.run(None, {self.input: images})
        except Exception as error:  # noqa: BLE001 - as above
            raise self.fails(error) from None
        return found

    def bind(self, inputs: list[Floats]) -> Bound:
        import onnxruntime

        output = self.outputs(inputs[0])[0]  # the first call is the slowest, and says what is wrong
        device = self._opened.provider.memory
        memory = (device, int(self._opened.asked.get("device_id", 0))) if device else ()
        place = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros_like(output), *memory)
        calls: list[Callable[[], None]] = []
        for batch in inputs:
            binding = self.session.io_binding()
            binding.bind_ortvalue_input(self.input, onnxruntime.OrtValue.ortvalue_from_numpy(batch, *memory))
            binding.bind_ortvalue_output(self.output, place)
            calls.append(_call(self.session, binding, wait=bool(memory)))
        for call in calls:
            call()
        return Bound(calls, place.numpy)


def _chosen(spec: EngineSpec, precision: str) -> tuple[Provider, dict[str, str]]:
    """The provider and its options: those of the precision, the device, and what the recipe says."""
    key = str(spec.options.get("provider", "cpu"))
    if key not in PROVIDERS:
        raise UserError(f"there is no provider {key!r}", f"Choose one of {', '.join(PROVIDERS)}.")
    provider = PROVIDERS[key]
    if precision not in provider.precisions:
        remedy = f"Choose one of {', '.join(provider.precisions)}."
        raise UserError(f"the provider {key} does not compute in {precision}", remedy)
    if provider.memory is None and key != "cann" and lacks(precision):
        # OpenVINO's provider would compute in float32 without a word.
        what = f"this processor does not compute in {precision} by itself"
        raise UserError(what, "Ask for fp32, or use a processor that has it.", kind="device")
    given = {str(name): str(value) for name, value in dict(spec.options.get("provider_options", {})).items()}
    if provider.options is not None:
        known_options(given, provider.options, f"the provider {key}")
    options = dict(provider.precisions[precision])
    if provider.numbered:
        options["device_id"] = str(spec.options.get("device", 0))
    if key == "openvino":
        hint = {"fp32": "f32", "bf16": "bf16"}[precision]
        threads = spec.threads or cores()
        config = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": "1"}
        options["load_config"] = json.dumps({"CPU": config})
    return provider, options | given


def _fallback(said: str) -> str:
    """The cause of a fall-back in what ONNX Runtime prints; empty where it printed none."""
    found = re.search(r"EP Error\s+([^*\s].*?)(?:\s+when using|\n\*{3,}|\Z)", said, re.DOTALL)
    if found is None:
        return " ".join(said.split())[:300]
    # The place in the source and the C++ signature, which come first, are longer than what happened.
    text = re.sub(r"^\S+:\d+ .*?&\) (?=\S)", "", " ".join(found[1].split()))
    return text[:300]


def _call(session: Any, binding: Any, *, wait: bool) -> Callable[[], None]:
    run_bound, synchronize = session.run_with_iobinding, binding.synchronize_outputs

    def call() -> None:
        run_bound(binding)

    def call_and_wait() -> None:
        run_bound(binding)
        synchronize()  # or only the launch would be timed

    return call_and_wait if wait else call
