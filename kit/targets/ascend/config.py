"""Options of the Ascend targets, as they stand in a recipe under ``targets -> 310P -> options``."""

from __future__ import annotations

import platform
import re
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from kit.errors import InvalidInputError
from kit.planning.target import Job
from kit.recipe.fields import ImageReference, Sha256
from kit.recipe.options import parse_options
from kit.targets.ascend.toolchains import toolchain_of

__all__ = ["CARDS", "AscendOptions", "Card", "architecture", "card_of", "options_of", "soc_of"]


class Card(NamedTuple):
    """A target's card: the chip name that npu-smi shows, and how many chips one card carries."""

    chip: str
    devices: int
    hardware: str


#: Atlas 300I carries four 310 chips; a 310P card is counted by the chip (an Atlas 300I Duo has two, each a device).
CARDS = {
    "310": Card("310", 4, "Atlas 300I (Ascend 310, 4 devices)"),
    "310P": Card("310P3", 1, "Atlas 300I Pro (Ascend 310P, 1 device)"),
}

_CHIP = re.compile(r"(?:Ascend)?(310|310P[1-9]|310B[1-9]|710|910[A-Z0-9_]*)", re.IGNORECASE)
#: Chips that each target may be run on: 710 is the old name of a 310P.
_CHIPS = {"310": re.compile("310"), "310P": re.compile("310P[1-9]|710")}


class AscendOptions(BaseModel):
    """What a user may set for one Ascend target."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    chip: str | None = Field(
        None, description="Name column of `npu-smi info`: 310, 310P3, 710.", validate_default=False
    )
    tool: Literal["benchmark", "ais_bench"] | None = Field(
        None, description="What runs the inference; default: benchmark with CANN 5.1, ais_bench with later ones."
    )
    mode: Literal["dataset", "mixed", "synthetic"] = Field(
        "dataset",
        description="dataset: every batch over the whole data set (the official way). mixed: batches 1 and 16 so, the"
        " others with the tool's pure inference. synthetic: pure inference alone, no accuracy.",
    )
    pure: bool = Field(True, description="Also a pure inference of the batches that run over the data set.")
    rounds: int = Field(50, ge=1, le=1024, strict=True, description="Rounds of a pure inference (-round, --loop).")
    energy: int = Field(
        0, ge=0, le=3600, strict=True,
        description="Seconds of a further pure inference of each batch while npu-smi is asked for the power; 0: none.",
    )  # fmt: skip
    output_bytes: tuple[Annotated[int, Field(gt=0)], ...] = Field(
        (),
        description="Bytes of each output at the largest shape (--outputSize), where files have a range of shapes.",
    )
    output: Literal["txt", "bin"] = Field("txt", description="Form of the result files.")
    log: Literal["debug", "info", "warning", "error", "null"] = Field("error", description="--log of atc.")
    jobs: int | None = Field(
        None, ge=1, le=64, strict=True, description="Compiler processes of atc; fewer need less RAM."
    )
    memory_gib: int = Field(16, ge=1, le=1024, strict=True, description="Memory limit of atc's container.")
    passthrough: Literal["auto", "devices", "runtime"] = Field(
        "auto", description="How the container gets the chip: plain device nodes, or ascend-docker-runtime."
    )
    root: bool = Field(False, description="Run benchmark as root: one generation of it demands that.")
    packages: str = Field(
        "packages/ascend", description="Folder with the CANN installer and the benchmark tool, next to the recipe."
    )
    sha256: dict[str, Sha256] = Field(default_factory=dict, description="Checksum of each file in packages, by name.")
    base: ImageReference | None = Field(
        None, description="Base image; default: ubuntu:18.04, or the toolchain's public image where it has one."
    )
    arch: Literal["x86_64", "aarch64"] | None = Field(None, description="Architecture; default: this machine's.")

    @field_validator("chip")
    @classmethod
    def _known_chip(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if value.lower().removeprefix("ascend") in {"310p", "310b"}:
            raise ValueError(f"{value} lacks the digit of the chip: `npu-smi info` shows a name such as 310P3")
        match = _CHIP.fullmatch(value)
        if not match:
            raise ValueError(f"{value} is not a chip name: `npu-smi info` shows one such as 310, 310P3 or 710")
        return match[1].upper()


def options_of(job: Job) -> AscendOptions:
    """The checked options of the job, with the toolchain's own tool where the recipe names none.

    Raises:
        InvalidInputError: an unknown setting, a wrong value, a toolchain that cannot be used, or another card's chip.
    """
    options = parse_options(AscendOptions, job.target, job.options)
    if options.chip and not _CHIPS[job.hardware].fullmatch(options.chip):
        raise InvalidInputError(
            f"targets -> {job.target} -> options -> chip: {options.chip} is not a chip of target {job.hardware}",
            remedy="take the Name column of `npu-smi info`, or the other target",
        )
    if job.file_task:
        return _for_files(job, options)
    return options.model_copy(update={"tool": options.tool or toolchain_of(job).tool})


def _for_files(job: Job, options: AscendOptions) -> AscendOptions:
    """Folders of tensors, several inputs and outputs: ais_bench takes them, benchmark does not."""
    place = f"targets -> {job.target} -> options -> "
    if options.tool not in {None, "ais_bench"}:
        raise InvalidInputError(
            f"{place}tool: {options.tool} counts classes only, and the task is another one",
            remedy="write tool: ais_bench, or leave it out",
        )
    if options.mode == "synthetic":
        raise InvalidInputError(f"{place}mode: synthetic runs no data set, so it has no metric", remedy="leave it out")
    return options.model_copy(update={"tool": "ais_bench"})


def card_of(job: Job) -> Card:
    """The card of the job."""
    return CARDS[job.hardware]


def soc_of(job: Job) -> str:
    """``--soc_version`` of atc: ``Ascend`` and the Name column of npu-smi."""
    return f"Ascend{options_of(job).chip or card_of(job).chip}"


def architecture(options: AscendOptions) -> str:
    """``uname -m`` of the container: the suffix of the vendor's files."""
    machine = options.arch or platform.machine()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(machine.lower(), machine)
