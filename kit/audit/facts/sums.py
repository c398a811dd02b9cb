"""Sums and means over rows and columns of a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kit.audit.facts.grids import Column, Entry, Grid
from kit.audit.facts.printednumber import Interval, exactly

__all__ = ["Summary", "column_entries", "is_average_label", "is_total_label", "mean_of", "sum_of", "summaries"]

_TOTAL: Final = re.compile(r"(?:grand |overall )?(?:total|sum)s?|合计|总计|总和|总数", re.IGNORECASE)
_AVERAGE: Final = re.compile(r"(?:avg\.?|average|mean|平均值?|均值)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Summary:
    """A row that sums up rows above it: its place and theirs."""

    row: int
    parts: tuple[int, ...]


def is_total_label(label: str) -> bool:
    """Whether a row or column is a total."""
    return _TOTAL.fullmatch(label.strip(" *:")) is not None


def is_average_label(label: str) -> bool:
    """Whether a row or column is an average."""
    return _AVERAGE.fullmatch(label.strip(" *:")) is not None


def summaries(grid: Grid, *, averages: bool) -> Iterator[Summary]:
    """The total rows (or average rows) of a table with the rows back to the summary before."""
    parts: list[int] = []
    closed = False
    for row in grid.rows:
        label = grid.labels[row]
        total, average = is_total_label(label), is_average_label(label)
        if total or average:
            if len(parts) >= 2 and average == averages:
                yield Summary(row, tuple(parts))
            closed = True
            continue
        if closed:
            parts, closed = [], False
        parts.append(row)


def sum_of(entries: Iterable[Entry]) -> tuple[float, Interval]:
    """The sum of numbers, and the values that their rounding leaves open."""
    value, allowed = 0.0, exactly(0.0)
    for entry in entries:
        value, allowed = value + entry.value, allowed + entry.number.interval
    return value, allowed


def mean_of(entries: Sequence[Entry]) -> tuple[float, Interval]:
    """The mean of numbers, and the values that their rounding leaves open."""
    value, allowed = sum_of(entries)
    return value / len(entries), allowed.scaled(1 / len(entries))


def column_entries(column: Column, rows: Iterable[int]) -> list[Entry] | None:
    """The numbers of rows; None where one is missing."""
    found = [column.entries[row] for row in rows]
    return None if None in found else [entry for entry in found if entry is not None]
