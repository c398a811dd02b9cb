"""``kit archive``: read what is there, compute what follows, sign it and list the digests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kit.archive.container import digests_of
from kit.archive.contents import MANIFEST, Contents, Manifest
from kit.archive.derived import SUMS, Derived, derive_members, sums
from kit.archive.signing import signatures

__all__ = ["made"]


def made(contents: Contents, *, simulated: bool, keys: Sequence[Path] = ()) -> tuple[dict[str, bytes], Derived]:
    """All members of the archive of what was read, signed with the keys, and what they were derived from.

    Raises:
        KitError: recipe or results are damaged, or a key is not valid.
    """
    manifest = Manifest(contents.recipe.model.name, simulated=simulated, absent=tuple(contents.absent))
    derived = derive_members({**contents.members, MANIFEST: manifest.encode()}, manifest)
    members = dict(derived.members)
    members |= signatures(members, keys)
    members[SUMS] = sums(digests_of(members))
    return members, derived
