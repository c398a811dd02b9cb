"""Ways to change what a run left: results, records, kept outputs."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import lzma
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kit.results.kept import SUFFIX
from kit.results.resultsfile import load_results
from kit.storage.store import Store
from tests.verification.conftest import Proven


def other(value: Any) -> Any:
    """Another value of the same form."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value * 2 + 1
    if isinstance(value, str):
        return value[:-1] + ("0" if value[-1:] != "0" else "1")
    if isinstance(value, list):
        return [*value, copy.deepcopy(value[-1])] if value else ["x"]
    if isinstance(value, dict):
        return {**value, "x": next(iter(value.values()), "x")}
    return 1 if value is None else None


def places(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of a tree; of a list's entries the first and the last."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield (*place, key)
            yield from places(one, (*place, key))
    elif isinstance(value, list):
        for index in sorted({0, len(value) - 1} & set(range(len(value)))):
            yield (*place, index)
            yield from places(value[index], (*place, index))


def changed(tree: Any, place: tuple[str | int, ...]) -> Any:
    """A copy of the tree with another value at the place."""
    made = copy.deepcopy(tree)
    part = made
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = other(part[place[-1]])
    return made


def refused(site: Proven, *words: str, here: bool = True) -> str:
    """The first link that breaks; it must hold one of the words."""
    broken = site.verify_results(here=here) or site.verify(here=here)
    assert broken, "nothing was found"
    text = "\n".join(f"{one.subject}: {one.message}" for one in broken)
    assert any(word in text for word in words), f"none of {words} in {text}"
    return text


def rewrite(store: Store, record: dict[str, Any], path: Path) -> None:
    """Write a record as the store does, with its own digest."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
    path.write_bytes(text + b"\nsha256 " + hashlib.sha256(text).hexdigest().encode() + b"\n")
    assert store.root


def repack(site: Proven, change: Callable[[dict[str, bytes]], None]) -> None:
    """Change what the archive beside the results holds."""
    path = site.results.with_name(f"cpu{SUFFIX}")
    text = lzma.decompress(path.read_bytes())
    with tarfile.open(fileobj=io.BytesIO(text)) as archive:
        members = {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]
    change(members)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    path.write_bytes(lzma.compress(made.getvalue()))


def edit(site: Proven, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the results, and render the report over them."""
    tree = json.loads(site.results.read_text())
    change(tree)
    site.results.write_text(json.dumps(tree))
    site.render()


def hundredfold(tree: dict[str, Any]) -> None:
    for one in tree["throughput"]:
        one["rate"] *= 100
        one["repeats"] = [rate * 100 for rate in one["repeats"]]
        one["interval"] = None


def own_store(proven: Proven, run: Proven) -> dict[str, Path]:
    shutil.rmtree(proven.folder / ".kit")
    shutil.copytree(run.folder / ".kit", proven.folder / ".kit", symlinks=True)
    return {one.step: proven.store().artifact(one.fingerprint) for one in load_results(proven.results).runs}
