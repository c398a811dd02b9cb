"""In what two measurements differ, so that nobody divides one by the other."""

from __future__ import annotations

from typing import NamedTuple

from kit.results.conditions import CONDITIONS
from kit.results.measurements import Throughput

__all__ = ["Difference", "differences", "unknown"]

#: What costs the same: an engine in host memory has all of its copies, none, inside the clock.
_SAME = ({"included", "none"},)


class Difference(NamedTuple):
    """One condition in which two measurements differ."""

    name: str
    one: str
    other: str

    def __str__(self) -> str:
        return f"{self.name.replace('_', '-')} {self.one} against {self.other}"


def _stated(measured: Throughput) -> dict[str, str]:
    """Every known condition in words."""
    found = {"data": measured.mode, **measured.conditions.model_dump(exclude_none=True)}
    return {name: str(value) for name, value in found.items()}


def differences(one: Throughput, other: Throughput) -> tuple[Difference, ...]:
    """Conditions that are known of both and differ, in the order of :data:`CONDITIONS`."""
    mine, theirs = _stated(one), _stated(other)
    return tuple(
        Difference(name, mine[name], theirs[name])
        for name in CONDITIONS
        if name in mine and name in theirs and mine[name] != theirs[name] and {mine[name], theirs[name]} not in _SAME
    )


def unknown(one: Throughput, other: Throughput) -> tuple[str, ...]:
    """Conditions that are known of one of the two only, so that nobody can say whether they differ."""
    return tuple(name for name in CONDITIONS if (name in _stated(one)) != (name in _stated(other)))
