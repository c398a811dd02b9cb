"""What a reader returns for a tool's output: typed values, a status, and what a user must know about them."""

from __future__ import annotations

import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar

from kit.toollogs.numbers import Number
from kit.toollogs.text import short

__all__ = [
    "Findings",
    "Row",
    "Status",
    "ToolOutput",
    "disorder",
    "numbered",
    "present",
    "present_rows",
    "rows_of",
    "runs_json",
    "shown",
]

T = TypeVar("T")

#: ok: the tool's own form, every value. lenient: every value, but the form is odd, values contradict each other, or the
#: tool itself doubts them. partial: values are missing. error: nothing usable.
Status = Literal["ok", "lenient", "partial", "error"]

#: Nobody reads more errors of one run than this.
_MOST_ERRORS = 20


class Row(NamedTuple):
    """A line of the table for people."""

    what: str
    value: str
    unit: str = ""


def shown(value: Number) -> str:
    """A number in the table for people: all digits that a tool prints, none of the noise of binary fractions."""
    return f"{value:.12g}"


@dataclass
class ToolOutput(ABC):
    """What every reader returns: its own typed values, a status and the problems of the log.

    Problems are odd lines, missing values and identities that do not hold.
    """

    family: ClassVar[str]

    status: Status
    problems: list[str]

    @abstractmethod
    def values(self) -> dict[str, Any]:
        """The values as JSON: only finite numbers and text."""

    @abstractmethod
    def rows(self) -> list[Row]:
        """The values with their units, for people."""

    def as_json(self) -> dict[str, Any]:
        """What ``kit read --json`` prints: ``family``, the values, ``status``, and ``problems`` where there are any."""
        found = {"family": self.family, **self.values(), "status": self.status}
        return found | ({"problems": list(self.problems)} if self.problems else {})


@dataclass(slots=True)
class Findings:
    """What a reader notes while it reads, by kind, in the order in which it is shown."""

    errors: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    odd_lines: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, other: Findings, place: str = "") -> None:
        """Add what was noted about a part, each with ``place`` in front."""
        for kind in ("errors", "missing", "refused", "contradictions", "doubts", "notes"):
            getattr(self, kind).extend(place + text for text in getattr(other, kind))
        self.odd_lines += other.odd_lines

    def problems(self, nothing: str = "") -> list[str]:
        """All notes as sentences; ``nothing`` where there are none."""
        said = list(dict.fromkeys(self.errors))
        if len(said) > _MOST_ERRORS:
            said[_MOST_ERRORS:] = [f"and {len(said) - _MOST_ERRORS} more errors"]
        said += self.missing
        said += [f"non-standard line: {short(line)}" for line in self.odd_lines]
        said += self.refused + self.contradictions + self.doubts + self.notes
        return said or ([nothing] if nothing else [])

    def status(self, *, usable: bool) -> Status:
        """The status that follows: see :data:`Status`. Notes change nothing."""
        if not usable:
            return "error"
        if self.missing:
            return "partial"
        odd = self.errors or self.odd_lines or self.refused or self.contradictions or self.doubts
        return "lenient" if odd else "ok"

    def outcome(self, *, usable: bool, nothing: str) -> tuple[Status, list[str]]:
        """Status and problems of a reading; ``nothing`` explains an empty one where no note does."""
        return self.status(usable=usable), self.problems("" if usable else nothing)


def disorder(values: Mapping[str, Number], spread: float = 1e-5) -> list[str]:
    """Why statistics (min, max, mean, median, pNN) cannot be of one set of samples; ``spread`` is their rounding."""
    low, high, median = values.get("min"), values.get("max"), values.get("median")
    if low is not None and high is not None and low > high:
        return [f"min {low:g} is above max {high:g}"]
    found = []
    percentiles = sorted((float(name[1:]), value) for name, value in values.items() if re.match(r"p\d", name))
    for name, value in values.items():
        if name in ("min", "max", "count", "total_s"):
            continue
        if (low is not None and value < low * (1 - spread)) or (high is not None and value > high * (1 + spread)):
            found.append(f"{name} {value:g} is outside min and max")
    ladder = ([(50.0, median)] if median is not None else []) + [pair for pair in percentiles if pair[0] >= 50]
    for (below, small), (above, large) in itertools.pairwise(ladder):
        if small > large * (1 + spread):
            found.append(f"p{below:g} {small:g} is above p{above:g} {large:g}")
    return found


def present(**values: Any) -> dict[str, Any]:
    """The values that are neither None nor empty, in this order."""
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def present_rows(*rows: tuple[str, Number | str | None, str]) -> list[Row]:
    """A row for each value that is not None."""
    return [
        Row(what, value if isinstance(value, str) else shown(value), unit)
        for what, value, unit in rows
        if value is not None
    ]


def numbered(parts: Sequence[T], name: str = "run") -> Iterator[tuple[str, T]]:
    """Each part with the start of messages about it: its number, where there are several."""
    for index, part in enumerate(parts, 1):
        yield f"{name} {index}: " if len(parts) > 1 else "", part


class _Run(Protocol):
    def as_json(self) -> dict[str, Any]: ...

    def rows(self) -> list[Row]: ...


def runs_json(runs: Sequence[_Run]) -> dict[str, Any]:
    """The values of one run; several as ``runs``."""
    if len(runs) == 1:
        return runs[0].as_json()
    return {"runs": [run.as_json() for run in runs]} if runs else {}


def rows_of(runs: Sequence[_Run], name: str = "run") -> list[Row]:
    """The rows of every run, under its number where there are several."""
    table = []
    for index, run in enumerate(runs, 1):
        table += [Row(f"{name} {index}", "")] if len(runs) > 1 else []
        table += run.rows()
    return table
