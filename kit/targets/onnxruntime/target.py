"""Targets ``cpu`` and ``onnxruntime``: ONNX Runtime on any processor, or with one of its providers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from kit.errors import InvalidInputError
from kit.planning.engineuse import EngineUse
from kit.planning.target import DeviceAccess, ImageSpec, Job
from kit.recipe.options import parse_options
from kit.resources import resource
from kit.targets.engine_target import EngineTarget

__all__ = ["TARGETS", "OnnxRuntime"]

#: Provider -> what it runs on, for a report without a measurement, and whether that is a GPU.
_PROVIDERS = {
    "cpu": ("CPU", False),
    "cuda": ("NVIDIA GPU", True),
    "tensorrt": ("NVIDIA GPU", True),
    "openvino": ("CPU", False),
    "cann": ("Ascend NPU", False),
}


class _Options(BaseModel):
    """``targets -> onnxruntime -> options``."""

    model_config = ConfigDict(extra="forbid")

    infer_batch: int = Field(32, gt=0, description="Batch of the run over the data set.")
    provider: Literal["cpu", "cuda", "tensorrt", "openvino", "cann"] = Field("cpu", description="Execution provider.")
    provider_options: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="Options of the provider, as ONNX Runtime names them."
    )
    precision: Literal["fp32", "tf32", "bf16", "fp16"] = Field("fp32", description="Arithmetic of the provider.")
    base: str | None = Field(None, description="Image to start from, for a provider that needs a vendor's libraries.")


class OnnxRuntime(EngineTarget):
    """ONNX Runtime, fp32 unless the recipe says otherwise. Images are decoded while the engine works."""

    family = "onnxruntime"
    toolchain = "ONNX Runtime"

    def __init__(self, name: str, providers: Sequence[str]) -> None:
        """``providers``: those that the target may use, the first one by default."""
        self.name, self._providers = name, tuple(providers)

    def _options(self, job: Job) -> _Options:
        options = parse_options(_Options, job.target, job.options)
        if options.provider not in self._providers:
            raise InvalidInputError(
                f"targets -> {job.target} -> options -> provider: {self.name} is ONNX Runtime with provider"
                f" {', '.join(self._providers)}, not {options.provider}",
                remedy="use target onnxruntime (`hardware: onnxruntime`) for another provider",
            )
        return options

    def use(self, job: Job) -> EngineUse:
        options = self._options(job)
        if options.provider == "cpu" and options.precision == "fp32" and not options.provider_options:
            return EngineUse("", "runtime", options.infer_batch)
        asked: dict[str, Any] = {"provider": options.provider, "precision": options.precision}
        if options.provider_options:
            asked["provider_options"] = {name: _text(value) for name, value in options.provider_options.items()}
        return EngineUse(
            "", _image(options.provider), options.infer_batch, options=asked, devices=job.access.devices,
            environment=job.access.environment, memory_gib=8,
        )  # fmt: skip

    def images(self, job: Job) -> Sequence[ImageSpec]:
        """None for the CPU: kit's runtime image holds the engine. Each provider is another package, and an image."""
        options = self._options(job)
        if options.provider == "cpu":
            return ()
        folder = resource("images") / "onnxruntime"
        base = options.base or "runtime"
        return (ImageSpec(_image(options.provider), folder, args={"PROVIDER": options.provider}, base=base),)

    def find_devices(self, job: Job) -> DeviceAccess:
        """The GPU or the chip of the provider."""
        options = self._options(job)
        if options.provider == "cann":
            from kit.targets.ascend.passthrough import device_access as chip_access

            return chip_access(job.device)
        if not _PROVIDERS[options.provider][1]:
            return DeviceAccess()
        from kit.targets.tensorrt.gpus import device_access

        return device_access(job.device, None)

    def variant(self, settings: Mapping[str, Any]) -> str:
        provider = str(settings["provider"]).removesuffix("ExecutionProvider")
        return "" if provider == "CPU" else f" with {provider}"

    def hardware_of(self, settings: Mapping[str, Any]) -> str:
        names = {"CPU": "CPU", "OpenVINO": "CPU", "CANN": "Ascend NPU"}
        return names.get(str(settings["provider"]).removesuffix("ExecutionProvider"), "NVIDIA GPU")


def _image(provider: str) -> str:
    return "runtime" if provider == "cpu" else f"onnxruntime-{provider}"


def _text(value: str | float | bool) -> str:
    """As ONNX Runtime takes it: text, with 1 and 0 for true and false."""
    return str(int(value)) if isinstance(value, bool) else str(value)


#: Found by the entry points: see pyproject.toml.
TARGETS = (OnnxRuntime("cpu", ("cpu",)), OnnxRuntime("onnxruntime", tuple(_PROVIDERS)))
