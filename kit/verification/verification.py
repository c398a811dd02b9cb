"""``kit verify``: from the raw outputs forward to the report, link by link."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from kit.data.weights import check_weights
from kit.errors import KitError
from kit.recipe.schema import Recipe
from kit.reports.folder import rendered
from kit.results.kept import SUFFIX, unpack
from kit.results.reportparts import part
from kit.results.resultsfile import Results, load_all
from kit.storage.digests import FileDigest
from kit.storage.store import Store
from kit.verification.derivation import derive
from kit.verification.link import Link
from kit.verification.raw_outputs import RawOutputs
from kit.verification.records import check_archive

__all__ = ["find_weights", "verify", "verify_results"]


def verify(recipe: Recipe, folder: Path, store: Store, *, weights: Path | None = None) -> list[Link]:
    """Check everything that belongs to the report in ``folder``, from the raw outputs forward.

    Args:
        recipe: what the report is about.
        folder: ``reports/<model>``.
        store: where the outputs are, if they are on this machine; otherwise those kept next to the results.
        weights: a local file instead of the recipe's.
    """
    store.check()
    digest, first = find_weights(recipe, store, weights)
    found = [first]
    rehearsal = part(folder, simulated=True)
    # Where there was only a rehearsal there is no other report.
    places = (
        [rehearsal] if rehearsal.is_dir() and not _any_report(folder) else [folder, part(folder, here=True), rehearsal]
    )
    quoted = _quoted(places)
    for place in places:
        try:
            results = load_all(place)
        except KitError as error:
            found.append(Link(_relative(place, folder) + "results", "wrong", str(error), error.where or ""))
            continue
        found += verify_results(recipe, place, results, store, digest, simulated=place == rehearsal, quoted=quoted)
        if place == folder or results:
            found += _report(recipe, results, place, folder)
    return found


def _quoted(places: Iterable[Path]) -> frozenset[str]:
    """Digests of the records that any results of the report quote."""
    found: set[str] = set()
    for place in places:
        with contextlib.suppress(KitError):  # reported when that place is checked
            found |= {run.record for one in load_all(place).values() for run in one.runs if run.record}
    return frozenset(found)


def verify_results(
    recipe: Recipe,
    place: Path,
    results: Mapping[str, Results],
    store: Store,
    weights: FileDigest | None = None,
    *,
    simulated: bool,
    quoted: Collection[str] = (),
) -> Iterator[Link]:
    """Whether the results in a folder follow from raw outputs.

    Args:
        recipe: what they are results of.
        place: folder of the report.
        results: by target.
        store: where the outputs are, if they are on this machine.
        weights: digests of the checkpoint, where it is on this machine.
        simulated: whether this is the folder of rehearsals.
        quoted: digests of the records that other results of the report quote.
    """
    for one in results.values():
        subject = f"results/{one.target}.json"
        if one.source == "simulated" and not simulated:  # a rehearsal measures what can be measured here
            yield Link(f"{subject}: source", "wrong", "results that are simulated lie where measured ones belong")
        path = place / "results" / f"{one.target}{SUFFIX}"
        try:
            kept = unpack(path)
        except KitError as error:
            yield Link(f"results/{path.name}", "wrong", error.what, str(path))
            continue
        yield from check_archive(one, kept, path)
        yield from derive(one, recipe, RawOutputs.of(one, store, kept, weights, quoted))
    for path in sorted((place / "results").glob(f"*{SUFFIX}")):
        if path.name.removesuffix(SUFFIX) not in results:
            yield Link(f"results/{path.name}", "wrong", "there are no results next to this archive", str(path))


def _any_report(folder: Path) -> bool:
    return (folder / "report.json").exists() or (folder / "README.md").exists() or (folder / "results").exists()


def _relative(place: Path, folder: Path) -> str:
    return "" if place == folder else f"{place.relative_to(folder)}/"


def find_weights(recipe: Recipe, store: Store, given: Path | None = None) -> tuple[FileDigest | None, Link]:
    """Digests of the recipe's checkpoint, if the right one is on this machine, and the link that says so."""
    wanted = recipe.weights
    key = wanted.md5 or wanted.sha256 or ""
    path = given or (recipe.resolve(wanted.path) if wanted.path else store.weights(key) / wanted.filename)
    if not path.is_file() and given is None:
        return None, Link("weights", "unproven", f"{wanted.filename} is not on this machine", str(path))
    try:
        digest = check_weights(path, wanted)
    except KitError as error:
        return None, Link("weights", "wrong", error.what, str(path))
    return digest, Link("weights", "ok", f"md5 {digest.md5}, sha256 {digest.sha256}", str(path))


def _report(recipe: Recipe, results: dict[str, Results], place: Path, folder: Path) -> Iterator[Link]:
    """Whether the rendered files are there, byte by byte."""
    expected = rendered(recipe, place, results)
    prefix = _relative(place, folder)
    for name, data in sorted(expected.items()):
        path = place / name
        try:
            there = path.read_bytes()
        except OSError:
            yield Link(prefix + name, "wrong", "the report's file is missing", str(path))
            continue
        if there == data:
            yield Link(prefix + name, "ok", "it is what the results say", str(path))
        else:
            line = _first_difference(there, data)
            yield Link(prefix + name, "wrong", f"line {line} is not what the results say", str(path))


def _first_difference(there: bytes, expected: bytes) -> int:
    """The first line, from 1, that differs."""
    pairs = zip(there.split(b"\n"), expected.split(b"\n"), strict=False)
    same = next((number for number, (one, other) in enumerate(pairs) if one != other), None)
    return 1 + (same if same is not None else min(there.count(b"\n"), expected.count(b"\n")))
