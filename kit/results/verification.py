"""``kit verify``: are weights and artifacts what the results say, and is the report what the results are?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kit.data.weights import check_weights
from kit.errors import KitError
from kit.recipe.schema import Recipe
from kit.results.schema import Results, load_all
from kit.storage import digests
from kit.storage.store import Store

__all__ = ["Verdict", "verify"]

State = Literal["ok", "absent", "wrong"]


@dataclass(frozen=True)
class Verdict:
    """One thing that was looked at."""

    subject: str  # "weights", "cpu/infer/predictions.npy", "README.md"
    state: State
    message: str
    path: str = ""


def verify(recipe: Recipe, folder: Path, store: Store, *, weights: Path | None = None) -> list[Verdict]:
    """Look at everything that belongs to the report in ``folder``.

    Args:
        recipe: what the report is about.
        folder: ``reports/<model>``.
        store: where the artifacts are, if they are on this machine.
        weights: a local file instead of the recipe's.
    """
    store.check()
    found = [_weights(recipe, store, weights)]
    for place in (folder, folder / "simulated"):
        try:
            results = load_all(place)
        except KitError as error:
            found.append(Verdict(_relative(place, folder) + "results", "wrong", str(error), error.where or ""))
            continue
        for one in results.values():
            found += _artifacts(one, store, recipe)
        if place == folder or results:
            found += _report(recipe, results, place, folder)
    return found


def _relative(place: Path, folder: Path) -> str:
    return "" if place == folder else f"{place.relative_to(folder)}/"


def _weights(recipe: Recipe, store: Store, given: Path | None) -> Verdict:
    wanted = recipe.weights
    key = wanted.md5 or wanted.sha256 or ""
    path = given or (recipe.resolve(wanted.path) if wanted.path else store.weights(key) / wanted.filename)
    if not path.is_file() and given is None:
        return Verdict("weights", "absent", f"{wanted.filename} is not on this machine", str(path))
    try:
        digest = check_weights(path, wanted)
    except KitError as error:
        return Verdict("weights", "wrong", error.what, str(path))
    return Verdict("weights", "ok", f"md5 {digest.md5}, sha256 {digest.sha256}", str(path))


def _artifacts(results: Results, store: Store, recipe: Recipe) -> Iterator[Verdict]:
    """Every artifact of the results, hashed again."""
    folders = {run.step: store.artifact(run.fingerprint) for run in results.runs}
    for artifact in results.artifacts:
        subject = f"{results.target}: {artifact.step}/{artifact.path}"
        if artifact.step == "weights":
            if recipe.weights.md5 not in {None, artifact.md5} or recipe.weights.sha256 not in {None, artifact.sha256}:
                yield Verdict(subject, "wrong", "the results are of other weights than the recipe's")
            continue
        folder = folders.get(artifact.step)
        if folder is None:
            yield Verdict(subject, "wrong", "the results name no run that made it")
            continue
        path = folder / artifact.path
        if not path.exists():
            state: State = "wrong" if folder.exists() else "absent"
            yield Verdict(subject, state, "it is missing" if folder.exists() else "it is not in this store", str(path))
            continue
        yield _compare(subject, path, artifact.sha256, artifact.md5)


def _compare(subject: str, path: Path, sha256: str, md5: str | None) -> Verdict:
    try:
        if path.is_dir():
            names = [(name, size) for name, size, *_ in digests.listing(path).files]
            hashed = digests.digest_files(path, [name for name, _ in names])
            prefix = f"{path.name}/"
            got = digests.tree_digest(
                [(prefix + name, one.bytes, one.sha256) for (name, _), one in zip(names, hashed, strict=True)]
            )
            got_md5 = None
        else:
            one = digests.digest_file(path)
            got, got_md5 = one.sha256, one.md5
    except KitError as error:
        return Verdict(subject, "wrong", error.what, str(path))
    if got != sha256:
        return Verdict(subject, "wrong", f"its sha256 is {got}, the results say {sha256}", str(path))
    if md5 is not None and got_md5 != md5:
        return Verdict(subject, "wrong", f"its md5 is {got_md5}, the results say {md5}", str(path))
    return Verdict(subject, "ok", f"sha256 {sha256}", str(path))


def _report(recipe: Recipe, results: dict[str, Results], place: Path, folder: Path) -> Iterator[Verdict]:
    """The rendered files, byte by byte, and files that no rendering makes."""
    from kit.reports.folder import rendered

    expected = rendered(recipe, place, results)
    prefix = _relative(place, folder)
    for name, data in sorted(expected.items()):
        path = place / name
        try:
            there = path.read_bytes()
        except OSError:
            yield Verdict(prefix + name, "wrong", "the report's file is missing", str(path))
            continue
        if there == data:
            yield Verdict(prefix + name, "ok", "it is what the results say", str(path))
        else:
            line = _first_difference(there, data)
            yield Verdict(prefix + name, "wrong", f"line {line} is not what the results say", str(path))


def _first_difference(there: bytes, expected: bytes) -> int:
    """The first line, from 1, that differs."""
    pairs = zip(there.split(b"\n"), expected.split(b"\n"), strict=False)
    same = next((number for number, (one, other) in enumerate(pairs) if one != other), None)
    return 1 + (same if same is not None else min(there.count(b"\n"), expected.count(b"\n")))
