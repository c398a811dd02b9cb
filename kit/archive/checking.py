"""``kit verify ARCHIVE``: digests, then everything that follows from the members, computed again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from kit import __version__
from kit.archive.container import Members, digests_of, read_archive
from kit.archive.contents import Manifest, read_manifest
from kit.archive.crate import CRATE
from kit.archive.derived import SUMS, Derived, derive_members, sums
from kit.archive.intoto import check_statement
from kit.archive.signers import Trust, check_signatures
from kit.archive.signing import SIGNATURES
from kit.errors import KitError
from kit.results.resultsfile import Results
from kit.verification.link import Link

__all__ = ["artifact_digests", "check_sums", "verify_archive", "verify_members"]

#: What an archive is made from; the rest follows.
_OWN = ("recipe/", "reports/", "weights/", "data/", "sbom/", "archive.json")


def verify_archive(path: Path, trust: Trust = Trust()) -> list[Link]:  # noqa: B008 - it cannot be changed
    """Look at everything in an archive, without network and without any store; ``trust`` says whose signatures count.

    Raises:
        MissingError, DamagedError: it cannot be read, or is not an archive.
        InvalidInputError: a later kit made it.
    """
    return verify_members(read_archive(path), str(path), trust)


def verify_members(members: Members, where: str, trust: Trust = Trust()) -> list[Link]:  # noqa: B008 - the same
    """:func:`verify_archive` of members that were read; ``where`` is the archive that they come from."""
    if SUMS not in members:  # the error for a folder that is not an archive names what it lacks
        read_manifest(members, where)
    digests = digests_of(members)
    links = list(check_sums(members, digests))
    if any(one.state == "wrong" for one in links):  # the content of a changed file does not matter
        return links
    manifest = read_manifest(members, where)
    own = {name: data for name, data in members.items() if name.startswith(_OWN)}
    try:
        derived = derive_members(own, manifest)
    except KitError as error:
        return [*links, Link(error.where or "archive", "wrong", error.what)]
    links += [Link(what, "unproven", f"not in the archive: {why}") for what, why in manifest.absent]
    links += derived.links
    links += _derived(members, derived, manifest)
    artifacts = artifact_digests(derived.results)
    links += _sboms(members, derived.results)
    links += _statements(members, digests, artifacts)
    links += check_signatures(members, derived.recipe.signatures, trust, digests, artifacts)
    return links


def artifact_digests(results: Mapping[str, Results]) -> dict[str, set[str]]:
    """``step/file`` -> the digests that results have of it."""
    found: dict[str, set[str]] = {}
    for one in results.values():
        for file in one.artifacts:
            found.setdefault(f"{file.step}/{file.path}", set()).add(file.sha256)
    return found


def check_sums(members: Members, digests: Mapping[str, str]) -> Iterator[Link]:
    """Whether the digest of each member is what SHA256SUMS says, and SHA256SUMS lists exactly the members."""
    if SUMS not in members:
        yield Link(SUMS, "wrong", "the archive has no list of digests")
        return
    if members[SUMS] == sums(digests):
        yield Link(SUMS, "ok", f"the digests of {len(members) - 1} files")
        return
    listed = dict(_lines(members[SUMS]))
    crate = _in_crate(members)
    differs = False
    for name, sha in sorted(digests.items()):
        if name == SUMS or listed.get(name) == sha:
            continue
        differs = True
        if name not in listed:
            yield Link(name, "wrong", f"{SUMS} does not list it")
        elif crate.get(name) == sha:
            yield Link(
                SUMS, "wrong", f"its line of {name} is not the digest of that file, and {CRATE} has the right one"
            )
        else:
            yield Link(name, "wrong", f"its sha256 is {sha}, {SUMS} says {listed[name]}")
    for name in sorted(listed.keys() - members.keys()):
        differs = True
        yield Link(name, "wrong", f"{SUMS} lists it, and it is not in the archive")
    if not differs:
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
    another = "" if manifest.kit == __version__ else f" (kit {manifest.kit} made it, and this is kit {__version__})"
    right = 0
    for name in sorted({*derived.members, *members}):
        if name == SUMS or name.startswith(SIGNATURES) or members.get(name) == derived.members.get(name):
            right += 1
        elif name not in members:
            yield Link(name, "wrong", "it is missing")
        elif name not in derived.members and not name.startswith("statements/"):
            yield Link(name, "wrong", "no archive of kit holds such a file")
        else:
            yield Link(name, "wrong", f"it is not what the other files of the archive say{another}")
    yield Link("archive", "ok", f"{right} files are what they must be, or follow from the others")


def _sboms(members: Members, results: Mapping[str, Results]) -> Iterator[Link]:
    """Whether each bill of materials is one, and of an image that a step ran in."""
    images = {id_ for one in results.values() for id_ in one.images.values()}
    for name in (name for name in sorted(members) if name.startswith("sbom/")):
        try:
            tree = json.loads(members[name])
            subject, parts = str(tree["metadata"]["component"]["version"]), len(tree["components"])
            form = (tree["bomFormat"], tree["specVersion"])
        except (ValueError, KeyError, TypeError, RecursionError):
            yield Link(name, "wrong", "it is not a bill of materials")
            continue
        if form != ("CycloneDX", "1.5"):
            yield Link(name, "wrong", f"its form {form!r} is unknown to this kit")
        elif subject not in images:
            yield Link(name, "wrong", f"it is that of image {subject}, in which nothing ran")
        else:
            yield Link(name, "ok", f"{parts} components of image {subject}")


def _statements(members: Members, digests: Mapping[str, str], artifacts: Mapping[str, set[str]]) -> Iterator[Link]:
    names = [name for name in sorted(members) if name.startswith("statements/")]
    right = 0
    for name in names:
        problem = check_statement(members[name], digests, artifacts)
        if problem:
            yield Link(name, "wrong", problem)
        right += not problem
    yield Link("statements", "ok", f"{right} of {len(names)} match the files that they are about")
