"""Options of target ``T4``, as they stand in a recipe under ``targets -> T4 -> options``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kit.errors import InvalidInputError
from kit.planning.target import Job
from kit.recipe.fields import ImageReference, Sha256
from kit.recipe.options import parse_options
from kit.targets.tensorrt.toolchains import toolchain_of

__all__ = ["TARBALL_BASE", "TensorRtOptions", "base_of", "options_of"]

Uuid = Annotated[str, StringConstraints(pattern=r"^GPU-[0-9A-Fa-f-]{8,40}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^TensorRT-[A-Za-z0-9._-]+\.tar\.(gz|zst)$")]

#: CUDA 11.0 as the published report says it; TensorRT then comes from the vendor's archive.
TARBALL_BASE = "nvidia/cuda:11.0.3-cudnn8-devel-ubuntu18.04"


class TensorRtOptions(BaseModel):
    """What a user may set for T4."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fp16: bool | None = Field(
        None,
        description="Allow FP16 kernels; inputs and outputs stay float32. Default: true up to TensorRT 10; from 11 on"
        " the ONNX model's own types decide.",
    )
    workspace: int = Field(5000, ge=16, le=1 << 20, strict=True, description="Workspace of the builder, MiB.")
    runs: int = Field(3, ge=1, le=100, strict=True, description="Measurements per batch; the median counts.")
    long_seconds: int = Field(
        0, ge=0, le=3600, strict=True, description="A further series of this length with 2 s warm-up; 0: none."
    )
    crosscheck: int = Field(
        1, ge=0, le=100, strict=True, description="Batches per engine whose outputs trtexec computes once more."
    )
    gpu: Uuid | None = Field(None, description="UUID of the GPU; default: the one that --device counts.")
    idle_celsius: int = Field(
        60, ge=20, le=110, strict=True, description="Hottest GPU that a measurement may start on."
    )
    base: ImageReference | None = Field(
        None, description=f"Base image; default: the toolchain's, with a tarball {TARBALL_BASE}."
    )
    tarball: FileName | None = Field(None, description="TensorRT archive in packages, for a base without TensorRT.")
    tarball_sha256: Sha256 | None = None
    packages: str = Field("packages/tensorrt", description="Folder with the archive, next to the recipe.")


def options_of(job: Job) -> TensorRtOptions:
    """The checked options of the job, with the toolchain's own precision where the recipe names none.

    Raises:
        InvalidInputError: an unknown setting, a wrong value, or one that the toolchain lacks; names the place.
    """
    options, row = parse_options(TensorRtOptions, job.target, job.options), toolchain_of(job)
    if options.fp16 and not row.fp16:
        place = f"targets -> {job.target} -> options -> fp16"
        raise InvalidInputError(
            f"{place}: TensorRT {row.version} builds what the types of the ONNX model say, and has no such flag",
            remedy="leave it out to measure fp32, or use TensorRT 10.16.1.11 for fp16",
        )
    return options.model_copy(update={"fp16": row.fp16 if options.fp16 is None else options.fp16})


def base_of(job: Job) -> str:
    """The image that the target's image starts from."""
    options = options_of(job)
    return options.base or (TARBALL_BASE if options.tarball else toolchain_of(job).image)
