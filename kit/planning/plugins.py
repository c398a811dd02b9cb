"""Targets and tasks by entry points, of kit and of other packages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import EntryPoints, entry_points
from typing import Any, cast

from kit.errors import InvalidInputError

__all__ = ["load_plugins", "no_such", "plugin_names"]


def plugin_names(group: str) -> list[str]:
    """Names of the entry points of a group, each once, sorted."""
    return sorted(_installed().select(group=group).names)


def load_plugins(group: str, name: str) -> Iterator[Any]:
    """What the entry points of a name lead to; several packages may have the same name."""
    for entry in _installed().select(group=group, name=name):
        yield entry.load()


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
