"""``kit reproduce --from ARCHIVE``: a recipe, and the weights and data that come with it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from kit.archive.checking import check_sums, verify_members
from kit.archive.container import Members, digests_of, read_archive
from kit.archive.contents import read_manifest
from kit.archive.derived import SUMS, place_of_report
from kit.errors import CheckFailedError, DamagedError
from kit.execution.selection import Choice
from kit.recipe.schema import load_recipe
from kit.results.resultsfile import Results, load_all
from kit.storage.files import os_errors
from kit.storage.root import Root
from kit.storage.store import Store
from kit.storage.tarball import write_members

__all__ = ["Replay", "archived_results", "replay"]

#: Where results of an archive go unless --reports names another folder: never over the reports of this project.
_REPORTS = Path("reproduced")


@dataclass(frozen=True)
class Replay:
    """What an archive provides for a run."""

    recipe: Path
    weights: Path | None = None
    images: Path | None = None
    labels: Path | None = None
    results: Mapping[str, Results] = field(default_factory=dict)
    reports: Path = _REPORTS

    def completed(self, choice: Choice) -> Choice:
        """The choice of the command line, and where it says nothing what the archive has.

        A rehearsal is rehearsed again: no card is asked for.
        """
        rehearsed = any(one.source == "simulated" for one in self.results.values())
        return replace(
            choice,
            targets=choice.targets or tuple(self.results),
            simulate=choice.simulate or rehearsed,
            weights=choice.weights or self.weights,
            images=choice.images or self.images,
            labels=choice.labels or self.labels or (None if choice.images else self.images),
        )


def replay(archive: Path, store: Store) -> Replay:
    """Verify an archive, and unpack into the store what a run takes.

    Raises:
        MissingError, DamagedError, InvalidInputError: it cannot be read.
        CheckFailedError: something in it is wrong.
        ResourceError: no space, no permission.
    """
    members = read_archive(archive)  # once: what is verified is what runs
    for link in verify_members(members, str(archive)):
        if link.state == "wrong":
            raise CheckFailedError(
                f"the archive is not run: {link.subject}: {link.message}",
                where=str(archive),
                remedy="`kit verify ARCHIVE` says all that is wrong; get it again from where it was published",
            )
    place = store.make_archive(hashlib.sha256(members[SUMS]).hexdigest())
    root = Root(place)
    with os_errors(place):
        for name, data in members.items():
            if name.startswith(("recipe/", "weights/", "data/")):
                root.write(*name.split("/"), data=data)
    recipe = load_recipe(place / "recipe")
    labels = Path(recipe.dataset.labels or "").name
    return Replay(
        place / "recipe",
        _there(members, place, f"weights/{recipe.weights.filename}"),
        _there(members, place, "data/images"),
        _there(members, place, f"data/labels/{labels}") or _there(members, place, "data/labels"),
        _results(members, str(archive)),
    )


def _there(members: Members, place: Path, name: str) -> Path | None:
    return place / name if any(one == name or one.startswith(f"{name}/") for one in members) else None


def archived_results(archive: Path) -> dict[str, Results]:
    """The results in an archive, by target.

    Raises:
        MissingError, DamagedError: it cannot be read, or a digest is wrong.
    """
    members = read_archive(archive)
    for link in check_sums(members, digests_of(members)):
        if link.state == "wrong":
            raise DamagedError(f"{link.subject}: {link.message}", where=str(archive), remedy="get the archive again")
    return _results(members, str(archive))


def _results(members: Members, where: str) -> dict[str, Results]:
    top = place_of_report(read_manifest(members, where))
    with tempfile.TemporaryDirectory(prefix="kit-archive-") as folder:
        write_members(
            {name: data for name, data in members.items() if name.startswith(f"{top}/results/")}, Path(folder)
        )
        return load_all(Path(folder) / top)
