"""CANN by version: what differs between the toolkits that kit drives. A new version is a row.

The toolkit's installer is the user's in every version; from 8.1 on there are public images, too, for 310P only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from kit.errors import InvalidInputError
from kit.planning.target import Job
from kit.planning.toolchain import find_toolchain

__all__ = ["DEFAULT", "TOOLCHAINS", "Cann", "check_opset", "toolchain_of"]

DEFAULT = "CANN 5.1.RC1"
_FP16 = "--precision_mode_v2=fp16"
_OLD_HOME = "/usr/local/Ascend/ascend-toolkit/latest"
#: atc's operator compiler imports these; some images were published without them.
_NO_PYTHON_PACKAGES = "its image lacks the Python packages of atc (EC0010: No module named 'decorator')"


@dataclass(frozen=True)
class Cann:
    """One release of the toolkit.

    ``image`` is None where the toolkit must be installed from the user's file; ``python`` is the image's, to which the
    wheels of ais_bench are bound. ``tool`` runs inference unless the recipe says otherwise. ``precision`` is the flag
    that states atc's own default, so that it is recorded. ``opsets`` of ONNX: lowest and highest that it reads.
    ``ranges``: whether ``--input_shape`` takes a range of sizes.
    """

    version: str
    python: str = "3.7.5"
    image: str | None = None
    tool: Literal["benchmark", "ais_bench"] = "ais_bench"
    home: str = _OLD_HOME
    precision: str = "--precision_mode=force_fp16"
    opsets: tuple[int, int] = (9, 13)
    ranges: bool = False
    drivers: tuple[str, ...] = ()  # first numbers of drivers seen with it; the vendor publishes no complete table
    cards: tuple[str, ...] = ("310", "310P")
    fault: str = ""
    better: str = ""


def _rows() -> tuple[Cann, ...]:
    published = [
        replace(_published("8.1.RC1", "3.10"), drivers=("24", "25")),
        *(replace(_published(version), drivers=("24", "25")) for version in ("8.2.RC1", "8.2.RC2")),
        *map(_published, ("8.3.RC1", "8.3.RC2")),
        *(
            replace(_published(version), fault=_NO_PYTHON_PACKAGES, better="8.3.RC2 or 9.0.1")
            for version in ("8.5.0", "8.5.1", "8.5.2")
        ),
        *(replace(_published(version), opsets=(11, 18), drivers=("25", "26")) for version in ("9.0.0", "9.0.1")),
    ]
    return (
        Cann("5.1.RC1", tool="benchmark", precision="", drivers=("21", "22")),
        *(Cann(version, drivers=("1", "22", "23")) for version in ("6.0.RC1", "6.0.0", "6.0.1")),
        *(Cann(version, precision=_FP16, opsets=(9, 18), drivers=("23", "24")) for version in ("7.0.RC1", "7.0.0")),
        # The last one whose documents still name the plain 310.
        Cann("8.0.0", precision=_FP16, opsets=(9, 18), ranges=True, drivers=("24",)),
        *published,
    )


def _published(version: str, python: str = "3.11") -> Cann:
    """A release with a public image for 310P."""
    major, minor, *_ = version.split(".")
    return Cann(
        version,
        python,
        image=f"quay.io/ascend/cann:{version.lower()}-310p-ubuntu22.04-py{python}",
        home=f"/usr/local/Ascend/cann-{version}" if (int(major), int(minor)) >= (8, 5) else _OLD_HOME,
        precision=_FP16,
        opsets=(9, 18),
        ranges=True,
        drivers=("25",),
        cards=("310P",),
    )


#: The table, by version.
TOOLCHAINS = {row.version: row for row in _rows()}


def toolchain_of(job: Job) -> Cann:
    """The row of the job's toolchain.

    Raises:
        InvalidInputError: unknown, with a known fault, or without support for this card.
    """
    row = find_toolchain("CANN", TOOLCHAINS, job.toolchain or DEFAULT, job.target)
    place = f"targets -> {job.target} -> toolchain"
    if job.hardware not in row.cards:
        last = [one.version for one in TOOLCHAINS.values() if job.hardware in one.cards][-1]
        raise InvalidInputError(
            f"{place}: CANN {row.version} does not support the {job.hardware}",
            remedy=f"use CANN {last} or an older one",
        )
    return row


def check_opset(job: Job, opset: int) -> None:
    """Refuse an opset that the job's toolkit has no parser for.

    Raises:
        InvalidInputError: it has none; names the range.
    """
    row = toolchain_of(job)
    low, high = row.opsets
    if not low <= opset <= high:
        raise InvalidInputError(
            f"opset: CANN {row.version} of target {job.target} reads ONNX opsets {low} to {high}, not {opset}",
            remedy="set opset in the recipe to one of these",
        )
