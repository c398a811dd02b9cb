"""Options that several commands share: each is declared once, with its environment variable."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from kit.cli.usage import option
from kit.errors import InvalidInputError

__all__ = [
    "Adopt", "Base", "BaseRevision", "Batches", "Cluster", "Device", "Devices", "Here", "Images", "Json", "Labels",
    "Mirror", "OneShard", "Out", "RecipePath", "Reports", "Runner", "Shards", "Simulate",
    "Simulated", "StorePath", "Targets", "Use", "Verbose", "Wait", "WeightsPath", "Wheelhouse", "parse_devices",
    "unnamed",
]  # fmt: skip


RecipePath = Annotated[
    Path, option("--recipe -r PATH", "The recipe, or a folder that holds kit.yaml.", env="KIT_RECIPE")
]
Targets = Annotated[list[str] | None, option("--target -t NAME", "Target of the recipe; may be given several times.")]
Batches = Annotated[
    list[int] | None, option("--batch -b N", "Only this batch of the recipe; may be given several times.")
]
StorePath = Annotated[Path, option("--store DIR", "Folder of artifacts and run records.", env="KIT_STORE")]
Adopt = Annotated[
    bool,
    option(
        "--adopt",
        "Take over a store that was made elsewhere, or by an older kit; only if you trust all that is in it.",
        env="KIT_ADOPT",
    ),
]
Reports = Annotated[
    Path | None,
    option("--reports DIR", "Folder of the reports; by default reports/ of the project.", env="KIT_REPORTS"),
]
Runner = Annotated[
    Literal["auto", "docker", "local"],
    option("--runner", "In containers, in this environment, or whichever is possible.", env="KIT_RUNNER"),
]
Simulate = Annotated[
    bool, option("--simulate", "Rehearse with stand-ins for the vendor's tools; results say SIMULATED.")
]
Devices = Annotated[
    str | None,
    option(
        "--devices LIST",
        "Devices of one card, measured at once as well: 0-3; with --shards, those that parts run on at once.",
        env="KIT_DEVICES",
    ),
]
Shards = Annotated[
    int, option("--shards N", "Cut the run over the data set into this many parts.", env="KIT_SHARDS", min=1, max=1000)
]
OneShard = Annotated[
    int | None, option("--shard N", "With --shards: only this part of the run over the data set.", min=1)
]
Device = Annotated[int, option("--device N", "Number of the accelerator.", env="KIT_DEVICE", min=0)]
WeightsPath = Annotated[
    Path | None, option("--weights FILE", "A local file instead of the recipe's weights.", env="KIT_WEIGHTS")
]
Mirror = Annotated[
    str | None, option("--mirror URL", "URL of a folder that holds the weights' file.", env="KIT_MIRROR")
]
Images = Annotated[Path | None, option("--images DIR", "Folder of images instead of the recipe's.", env="KIT_IMAGES")]
Labels = Annotated[Path | None, option("--labels FILE", "Label file instead of the recipe's.", env="KIT_LABELS")]
Base = Annotated[str | None, option("--base IMAGE", "Base image instead of the one in the Dockerfile.", env="KIT_BASE")]
BaseRevision = Annotated[
    str | None, option("--gate-base REV", "With --gate, also against the recipe at this revision of its repository.")
]
Wheelhouse = Annotated[
    list[Path] | None,
    option("--wheelhouse DIR", "Folder of wheels for image builds; may be given several times (also KIT_WHEELHOUSE)."),
]
Cluster = Annotated[
    str | None,
    option("--on ADDRESS", "Run each target on a host of this Ray cluster: ray://HEAD:10001.", env="KIT_CLUSTER"),
]
Simulated = Annotated[bool, option("--simulated", "The report of the rehearsal, in simulated/.")]
Here = Annotated[bool, option("--here", "The report of this machine next to a tracked one, in here/.")]
Json = Annotated[bool, option("--json", "Machine-readable output.")]
Verbose = Annotated[bool, option("--verbose -v", "Also what the programs in the containers print.")]
Wait = Annotated[bool, option("--wait", "Wait where another kit uses the store, instead of ending.")]
Use = Annotated[list[str] | None, option("--use STEP=PATH", "Your own file or folder in the place of a step.")]
Out = Annotated[Path | None, option("--out DIR", "Copy what is made to this folder.")]


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


def unnamed(recipe: Path) -> bool:
    """Whether nobody named a recipe and none is here; one that is named and missing is an error."""
    return recipe == Path("kit.yaml") and not recipe.exists()
