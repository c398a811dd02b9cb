"""Options of target ``T4``, as they stand in a recipe under ``targets -> T4 -> options``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kit.recipe.options import parse_options

if TYPE_CHECKING:
    from kit.planning.target import Job

__all__ = ["NGC", "TARBALL_BASE", "TensorRtOptions", "options_of"]

Reference = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][A-Za-z0-9._:/@-]{0,254}$")]
Uuid = Annotated[str, StringConstraints(pattern=r"^GPU-[0-9A-Fa-f-]{8,40}$")]
FileName = Annotated[str, StringConstraints(pattern=r"^TensorRT-[A-Za-z0-9._-]+\.tar\.gz$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", to_lower=True)]

#: The last NGC image with TensorRT 7.2.3.4 (CUDA 11.3, cuDNN 8.2).
NGC = "nvcr.io/nvidia/tensorrt:21.06-py3"
#: CUDA 11.0 as the published report says it; TensorRT then comes from the vendor's archive.
TARBALL_BASE = "nvidia/cuda:11.0.3-cudnn8-devel-ubuntu18.04"


class TensorRtOptions(BaseModel):
    """What a user may set for T4."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fp16: bool = Field(True, description="Allow FP16 kernels; inputs and outputs stay float32.")
    workspace: int = Field(5000, ge=16, le=1 << 20, strict=True, description="--workspace of trtexec, MiB.")
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
    base: Reference | None = Field(None, description=f"Base image; default {NGC}, with a tarball {TARBALL_BASE}.")
    tarball: FileName | None = Field(None, description="TensorRT archive in packages, for a base without TensorRT.")
    tarball_sha256: Sha256 | None = None
    packages: str = Field("packages/tensorrt", description="Folder with the archive, beside the recipe.")


def options_of(job: Job) -> TensorRtOptions:
    """The checked options of the job.

    Raises:
        InvalidInputError: an unknown setting or a wrong value; names the place.
    """
    return parse_options(TensorRtOptions, job.target, job.options)
