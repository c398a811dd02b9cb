"""What a host is asked to do for one target: the recipe's text, small files by digest, and the choice of the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kit.execution.selection import Choice, Selection, inputs_from_outside
from kit.fleet.batchjob import check_inside
from kit.fleet.delivery import Delivery, pack
from kit.storage.inputs import absent

__all__ = ["QUIET", "Order", "Part", "files_of", "options_for_hosts", "resources_of"]

#: A target, and which of its shards; 0: the whole target.
Part = tuple[str, int]

#: Every host of kit offers it once, and whoever measures takes it: two timed runs never share a host.
QUIET = "kit_quiet"


@dataclass(frozen=True)
class Order:
    """One target on one host.

    ``options`` are further ones of ``kit reproduce``; ``weights`` is the name of the checkpoint among the files.
    """

    attempt: str
    target: str
    options: tuple[tuple[str, str], ...] = ()
    weights: str | None = None
    simulate: bool = False
    runner: str = "auto"
    shards: int = 1
    shard: int = 0  # only this part of the run over the data set; 0: the whole target
    data: dict[str, str] = field(default_factory=dict)  # "images" and "labels": tree digest at home, where they are

    @property
    def part(self) -> Part:
        """What of the run it is."""
        return self.target, self.shard


def files_of(selection: Selection, recipe: Path, attempt: str) -> tuple[Delivery, str | None]:
    """The recipe and the small files that it names, and the name of the weights where they are a file of this machine.

    The data set stays: a host has its own.
    """
    parsed = selection.recipe
    text = recipe / "kit.yaml" if recipe.is_dir() else recipe
    weights = selection.choice.weights or (parsed.resolve(parsed.weights.path) if parsed.weights.path else None)
    files = pack(parsed.folder.absolute(), _named(selection, weights))
    files["kit.yaml"] = pack(text.parent, [text])[text.name]
    if weights is None:
        return Delivery(attempt, files), None
    if not weights.is_file():
        raise absent("there are no weights", weights, "point to the file with --weights FILE")
    name = f"weights/{weights.name}"
    files[name] = pack(weights.parent, [weights])[weights.name]
    return Delivery(attempt, files), name


def _named(selection: Selection, weights: Path | None) -> set[Path]:
    """Files of the recipe's folder that steps or images take, but the data set and the weights."""
    root, stay = selection.recipe.folder.absolute(), (selection.images.absolute(), selection.labels.absolute())
    given = weights.absolute() if weights else root / "weights"
    found = set()
    places = inputs_from_outside(selection, given) - {*stay, given}
    check_inside(root, places)
    for place in places:
        found |= {place} if place.is_file() else {path for path in place.rglob("*") if path.is_file()}
    return {path for path in found if "__pycache__" not in path.parts}


def options_for_hosts(choice: Choice, force: Sequence[str], base: str | None) -> tuple[tuple[str, str], ...]:
    """Options of the command line that hold on every host; places of this machine are not among them."""
    found = [("--device", str(choice.device))]
    found += [("--devices", ",".join(map(str, choice.devices)))] if choice.devices else []
    found += [("--batch", str(batch)) for batch in choice.batches]
    found += [("--force", step) for step in force]
    found += [(option, text) for option, text in (("--mirror", choice.mirror), ("--base", base)) if text]
    return tuple(found)


def resources_of(selection: Selection, target: str) -> dict[str, float]:
    """What a task for a target takes: its hardware, unless it is a rehearsal, and the host's quiet."""
    wanted = {QUIET: 1.0}
    if not selection.choice.simulate:
        wanted[f"kit_{selection.recipe.hardware_of(target)}"] = 1.0
    return wanted
