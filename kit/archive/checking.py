"""``kit verify ARCHIVE``: digests, then everything that follows from the members, computed again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from kit import __version__
from kit.archive.container import Members, read_archive
from kit.archive.contents import Manifest, read_manifest
from kit.archive.crate import CRATE
from kit.archive.derived import SUMS, Derived, derive_members, sums
from kit.archive.intoto import check_statement
from kit.errors import KitError
from kit.results.link import Link

__all__ = ["check_sums", "verify_archive"]

#: What an archive is made from; the rest follows.
_OWN = ("recipe/", "reports/", "weights/", "data/", "sbom/", "archive.json")


def verify_archive(path: Path) -> list[Link]:
    """Look at everything in an archive, without network and without any store.

    Raises:
        MissingError, DamagedError: it cannot be read, or is no archive.
        InvalidInputError: a later kit made it.
    """
    members = read_archive(path)
    links = list(check_sums(members))
    if any(one.state == "wrong" for one in links):  # what is in a changed file is no matter
        return links
    manifest = read_manifest(members, str(path))
    own = {name: data for name, data in members.items() if name.startswith(_OWN)}
    try:
        derived = derive_members(own, manifest)
    except KitError as error:
        return [*links, Link(error.where or "archive", "wrong", error.what)]
    links += [Link(what, "unproven", f"not in the archive: {why}") for what, why in manifest.absent]
    links += derived.links
    links += _derived(members, derived, manifest)
    links += _statements(members, derived)
    return links


def check_sums(members: Members) -> Iterator[Link]:
    """Whether each member is what SHA256SUMS says, and SHA256SUMS lists exactly the members."""
    if SUMS not in members:
        yield Link(SUMS, "wrong", "the archive has no list of digests")
        return
    expected = sums(members)
    if members[SUMS] == expected:
        yield Link(SUMS, "ok", f"the digests of {len(members) - 1} files")
        return
    listed = dict(_lines(members[SUMS]))
    crate = _in_crate(members)
    told = False
    for name, data in sorted(members.items()):
        sha = hashlib.sha256(data).hexdigest()
        if name == SUMS or listed.get(name) == sha:
            continue
        told = True
        if name not in listed:
            yield Link(name, "wrong", f"{SUMS} does not list it")
        elif crate.get(name) == sha:
            yield Link(
                SUMS, "wrong", f"its line of {name} is not the digest of that file, and {CRATE} has the right one"
            )
        else:
            yield Link(name, "wrong", f"its sha256 is {sha}, {SUMS} says {listed[name]}")
    for name in sorted(listed.keys() - members.keys()):
        told = True
        yield Link(name, "wrong", f"{SUMS} lists it, and it is not in the archive")
    if not told:
        yield Link(SUMS, "wrong", "it is not in the form of a list of digests")


def _lines(data: bytes) -> Iterator[tuple[str, str]]:
    for line in data.decode(errors="replace").split("\n"):
        sha, _, name = line.partition("  ")
        if name:
            yield name, sha


def _in_crate(members: Members) -> dict[str, str]:
    """Digests of files as the crate has them; nothing where it cannot be read."""
    try:
        graph = json.loads(members[CRATE])["@graph"]
        return {str(one["name"]): str(one["sha256"]) for one in graph if one.get("@type") == "File"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _derived(members: Members, derived: Derived, manifest: Manifest) -> Iterator[Link]:
    """Whether claims, descriptions, statements and crate are what the other members say."""
    same = manifest.kit == __version__
    right = 0
    for name in sorted({*derived.members, *members}):
        if name == SUMS or name.startswith("signatures/") or members.get(name) == derived.members.get(name):
            right += 1
        elif name not in members:
            yield Link(name, "wrong", "it is missing")
        elif name not in derived.members and not name.startswith("statements/"):
            yield Link(name, "wrong", "no archive of kit holds such a file")
        elif same:
            yield Link(name, "wrong", "it is not what the other files of the archive say")
        else:
            yield Link(name, "unproven", f"kit {manifest.kit} made it, and this is kit {__version__}")
    yield Link("archive", "ok", f"{right} files are what they must be, or follow from the others")


def _statements(members: Members, derived: Derived) -> Iterator[Link]:
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    artifacts: dict[str, set[str]] = {}
    for one in derived.results.values():
        for file in one.artifacts:
            artifacts.setdefault(f"{file.step}/{file.path}", set()).add(file.sha256)
    names = [name for name in sorted(members) if name.startswith("statements/")]
    right = 0
    for name in names:
        problem = check_statement(members[name], digests, artifacts)
        if problem:
            yield Link(name, "wrong", problem)
        right += not problem
    yield Link("statements", "ok", f"{right} of {len(names)} speak of files that are as they say")
