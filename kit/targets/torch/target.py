"""Target ``torch``: the network in PyTorch, without export; on an NVIDIA GPU where this host has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from kit.errors import InvalidInputError
from kit.planning import common
from kit.planning.engineuse import EngineUse
from kit.planning.step import External
from kit.planning.target import DeviceAccess, ImageSpec, Job
from kit.recipe.options import parse_options
from kit.resources import resource
from kit.targets.engine_target import EngineTarget

__all__ = ["TARGETS", "Torch"]


class _TorchOptions(BaseModel):
    """``targets -> torch -> options``."""

    model_config = ConfigDict(extra="forbid")

    infer_batch: int = Field(32, gt=0, description="Batch of the run over the data set.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="auto: an NVIDIA GPU where the host has one, otherwise the CPU."
    )
    compile: Literal["off", "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"] = Field(
        "off", description="Mode of torch.compile; off: eager."
    )
    precision: Literal["fp32", "tf32", "bf16", "fp16"] = Field("fp32", description="Arithmetic.")
    channels_last: bool = Field(False, description="Memory format of weights and input.")
    transfers: bool = Field(True, description="Whether the clock includes copies to and from the GPU.")


class Torch(EngineTarget):
    """PyTorch, eager and fp32 unless the recipe says otherwise."""

    name = "torch"
    family = "torch"
    toolchain = "PyTorch"
    exported: ClassVar[bool] = False

    def _options(self, job: Job) -> _TorchOptions:
        return parse_options(_TorchOptions, job.target, job.options)

    def _on_gpu(self, job: Job) -> bool:
        options = self._options(job)
        return options.device == "cuda" or (options.device == "auto" and job.access.present)

    def use(self, job: Job) -> EngineUse:
        options = self._options(job)
        if job.recipe.model.source == "onnx":
            raise InvalidInputError(
                f"targets -> {job.target}: the recipe's model is an ONNX file, and PyTorch needs the network itself",
                remedy="leave this target out, or give the network and its checkpoint",
            )
        gpu = self._on_gpu(job)
        asked: dict[str, Any] = {
            "network": common.network_json(job),
            "device": "cuda" if gpu else "cpu",
            "precision": options.precision,
        }
        if options.compile != "off":
            asked["compile"] = options.compile
        if options.channels_last:
            asked["channels_last"] = True
        if gpu and not options.transfers:
            asked["transfers"] = False
        if job.recipe.model.code_path:
            asked["code"] = "{in:code}"
        access = job.access if gpu else DeviceAccess()
        return EngineUse(
            "torch", "torch-cuda" if gpu else "torch", options.infer_batch, External(job.weights), asked,
            access.devices, access.environment, memory_gib=16 if gpu else 8, inputs=common.code_input(job),
        )  # fmt: skip

    def images(self, job: Job) -> Sequence[ImageSpec]:
        """The exporter image, which holds PyTorch and timm, with a compiler; for a GPU with CUDA's build of PyTorch."""
        folder = resource("images") / "torch"
        if self._on_gpu(job):
            return (ImageSpec("torch-cuda", folder, args={"TORCH": "cuda"}, base=common.exporter(job)),)
        return (ImageSpec("torch", folder, base=common.exporter(job)),)

    def find_devices(self, job: Job) -> DeviceAccess:
        """The NVIDIA GPU of that number, where there is one and the recipe does not say CPU."""
        from kit.targets.tensorrt.gpus import device_access

        return DeviceAccess() if self._options(job).device == "cpu" else device_access(job.device, None)

    def variant(self, settings: Mapping[str, Any]) -> str:
        return "" if settings["compile"] == "off" else f", compiled ({settings['compile']})"

    def hardware_of(self, settings: Mapping[str, Any]) -> str:
        return "CPU" if settings["device"] == "cpu" else str(settings["device"])


#: Found by the entry point: see pyproject.toml.
TARGETS = (Torch(),)
