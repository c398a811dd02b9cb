"""``kit archive``: read what there is, compute what follows, sum it up."""

from __future__ import annotations

from kit.archive.contents import MANIFEST, Contents, Manifest
from kit.archive.derived import SUMS, Derived, derive_members, sums

__all__ = ["made"]


def made(contents: Contents, *, simulated: bool) -> tuple[dict[str, bytes], Derived]:
    """All members of the archive of what was read, and what they were derived from.

    Raises:
        KitError: recipe or results are damaged.
    """
    manifest = Manifest(contents.recipe.model.name, simulated=simulated, absent=tuple(contents.absent))
    derived = derive_members({**contents.members, MANIFEST: manifest.encode()}, manifest)
    members = dict(derived.members)
    members[SUMS] = sums(members)
    return members, derived
