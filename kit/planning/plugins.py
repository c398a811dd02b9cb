"""Targets and tasks by entry points, of kit and of other packages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any, cast

from kit.errors import InvalidInputError

__all__ = ["no_such", "plugins"]


@cache
def plugins(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, in the order of their names."""
    return tuple(sorted(_installed().select(group=group), key=lambda entry: entry.name))


@cache
def _installed() -> EntryPoints:
    """All entry points, looked up once: each time reads the metadata of every installed package."""
    found: Any = entry_points()  # Python 3.11 has a type of its own for it, with the same select()
    return cast("EntryPoints", found)


def no_such(kind: str, name: str, known: Sequence[str], also: str = "") -> InvalidInputError:
    """The error about a name that no installed package provides; ``also`` follows the list of known names.

    The list is empty where kit was updated and not installed again: an installation keeps its entry points.
    """
    remedy = f"choose one of {', '.join(known)}{also}" if known else "install kit again: pip install --editable ."
    return InvalidInputError(f"there is no {kind} {name!r}", remedy=remedy)
