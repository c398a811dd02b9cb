"""Target ``openvino``: the CPU plugin of OpenVINO, in an image of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from kit.planning.engineuse import EngineUse
from kit.planning.target import ImageSpec, Job
from kit.recipe.options import parse_options
from kit.resources import resource
from kit.targets.engine_target import EngineTarget

__all__ = ["TARGETS", "OpenVino"]

_IMAGE = "openvino"


class _OpenvinoOptions(BaseModel):
    """``targets -> openvino -> options``."""

    model_config = ConfigDict(extra="forbid")

    infer_batch: int = Field(32, gt=0, description="Batch of the run over the data set.")
    precision: Literal["fp32", "bf16", "fp16"] = Field(
        "fp32", description="Arithmetic. Left to itself OpenVINO takes bf16 where the processor has it."
    )
    streams: int = Field(1, gt=0, description="Batches that are worked on side by side; OpenVINO may take fewer.")


class OpenVino(EngineTarget):
    """OpenVINO, fp32 unless the recipe says otherwise."""

    name = "openvino"
    family = "openvino"
    toolchain = "OpenVINO"

    def use(self, job: Job) -> EngineUse:
        options = parse_options(_OpenvinoOptions, job.target, job.options)
        asked = {"precision": options.precision, "streams": options.streams}
        return EngineUse("openvino", _IMAGE, options.infer_batch, options=asked)

    def images(self, job: Job) -> Sequence[ImageSpec]:  # noqa: ARG002
        """The runtime image, and OpenVINO."""
        return (ImageSpec(_IMAGE, resource("images") / "openvino", base="runtime"),)

    def notes(self, settings: Mapping[str, Any]) -> list[str]:
        """Threads and streams that OpenVINO changed silently."""
        return [
            f"OpenVINO changed {name}: {values['asked']} was asked for, {values['real']} is what it took"
            for name, values in sorted(settings["changed"].items())
        ]


#: Found by the entry point: see pyproject.toml.
TARGETS = (OpenVino(),)
