"""Options that several commands share: each is declared once, with its environment variable."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kit.errors import InvalidInputError

__all__ = [
    "Adopt", "Base", "BaseRevision", "Batches", "Cluster", "Device", "Devices", "Here", "Images", "Json", "Labels",
    "Mirror", "OneShard", "Out", "PlanFormat", "RecipePath", "Reports", "Runner", "RunnerName", "Shards", "Simulate",
    "Simulated", "StorePath", "Targets", "Use", "Verbose", "Wait", "WeightsPath", "Wheelhouse", "parse_devices",
]  # fmt: skip


class RunnerName(StrEnum):
    """Where steps run."""

    AUTO = "auto"
    DOCKER = "docker"
    LOCAL = "local"


class PlanFormat(StrEnum):
    """In which form a plan is printed."""

    TEXT = "text"
    SLURM = "slurm"
    K8S = "k8s"


RecipePath = Annotated[
    Path,
    typer.Option(
        "--recipe",
        "-r",
        envvar="KIT_RECIPE",
        metavar="PATH",
        help="The recipe, or a folder that holds kit.yaml.",
        readable=False,
    ),
]
Targets = Annotated[
    list[str] | None,
    typer.Option("--target", "-t", metavar="NAME", help="Target of the recipe; may be given several times."),
]
Batches = Annotated[
    list[int] | None,
    typer.Option("--batch", "-b", metavar="N", help="Only this batch of the recipe; may be given several times."),
]
StorePath = Annotated[
    Path,
    typer.Option(
        "--store", envvar="KIT_STORE", metavar="DIR", help="Folder of artifacts and run records.", readable=False
    ),
]
Adopt = Annotated[
    bool,
    typer.Option(
        "--adopt",
        envvar="KIT_ADOPT",
        help="Take over a store that was made elsewhere, or by a kit before 0.2; only if you trust all that is in it.",
    ),
]
Reports = Annotated[
    Path | None,
    typer.Option(
        "--reports",
        envvar="KIT_REPORTS",
        metavar="DIR",
        help="Folder of the reports; by default reports/ of the project.",
        readable=False,
    ),
]
Runner = Annotated[
    RunnerName,
    typer.Option("--runner", envvar="KIT_RUNNER", help="In containers, in this environment, or whichever is possible."),
]
Simulate = Annotated[
    bool, typer.Option("--simulate", help="Rehearse with stand-ins for the vendor's tools; results say SIMULATED.")
]
Devices = Annotated[
    str | None,
    typer.Option(
        "--devices",
        envvar="KIT_DEVICES",
        metavar="LIST",
        help="Devices of one card, measured at once as well: 0-3; with --shards, those that parts run on at once.",
    ),
]
Shards = Annotated[
    int,
    typer.Option(
        "--shards",
        min=1,
        max=1000,
        envvar="KIT_SHARDS",
        metavar="N",
        help="Cut the run over the data set into this many parts.",
    ),
]
OneShard = Annotated[
    int | None,
    typer.Option("--shard", metavar="N", min=1, help="With --shards: only this part of the run over the data set."),
]
Device = Annotated[
    int, typer.Option("--device", min=0, envvar="KIT_DEVICE", metavar="N", help="Number of the accelerator.")
]
WeightsPath = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        envvar="KIT_WEIGHTS",
        metavar="FILE",
        help="A local file instead of the recipe's weights.",
        readable=False,
    ),
]
Mirror = Annotated[
    str | None,
    typer.Option("--mirror", envvar="KIT_MIRROR", metavar="URL", help="URL of a folder that holds the weights' file."),
]
Images = Annotated[
    Path | None,
    typer.Option(
        "--images", envvar="KIT_IMAGES", metavar="DIR", help="Folder of images instead of the recipe's.", readable=False
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        "--labels", envvar="KIT_LABELS", metavar="FILE", help="Label file instead of the recipe's.", readable=False
    ),
]
Base = Annotated[
    str | None,
    typer.Option("--base", envvar="KIT_BASE", metavar="IMAGE", help="Base image instead of the one in the Dockerfile."),
]
BaseRevision = Annotated[
    str | None,
    typer.Option(
        "--gate-base", metavar="REV", help="With --gate, also against the recipe at this revision of its repository."
    ),
]
Wheelhouse = Annotated[
    list[Path] | None,
    typer.Option(
        "--wheelhouse", metavar="DIR", help="Folder of wheels for image builds (also KIT_WHEELHOUSE).", readable=False
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--on",
        envvar="KIT_CLUSTER",
        metavar="ADDRESS",
        help="Run each target on a host of this Ray cluster: ray://HEAD:10001.",
    ),
]
Simulated = Annotated[bool, typer.Option("--simulated", help="The report of the rehearsal, in simulated/.")]
Here = Annotated[bool, typer.Option("--here", help="The report of this machine next to a tracked one, in here/.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also what the programs in the containers print.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait where another kit uses the store, instead of ending.")]
Use = Annotated[
    list[str] | None, typer.Option("--use", metavar="STEP=PATH", help="Your own file or folder in the place of a step.")
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Copy what is made to this folder.", readable=False)
]


def parse_devices(text: str | None) -> tuple[int, ...]:
    """``0-3`` or ``0,1,2,3`` as numbers.

    Raises:
        InvalidInputError: not of that form, or a number twice.
    """
    found: list[int] = []
    for part in text.split(",") if text else ():
        first, dash, last = part.strip().partition("-")
        if not re.fullmatch(r"[0-9]{1,3}", first) or (dash and not re.fullmatch(r"[0-9]{1,3}", last)):
            found = []
            break
        found += range(int(first), int(last if dash else first) + 1)
    if text is not None and (not found or len(set(found)) != len(found)):
        raise InvalidInputError(f"--devices {text!r} is not a list of devices", remedy="give for example 0-3 or 0,1")
    return tuple(found)
