"""Sums and means of the rows and columns of a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import fsum
from statistics import fmean, geometric_mean, median

from kit.audit.facts.grids import Column, Entry, Grid
from kit.audit.facts.printednumber import Bounded

__all__ = ["AVERAGES", "Summary", "column_entries", "combined", "summaries", "summary_of"]

_KINDS = (
    (
        "sum",
        re.compile(
            r"(?:grand |overall )?(?:total|sum)s?(?: time| latency)?|合计|总计|总和|总数|总耗时|总时间|总时延",
            re.IGNORECASE,
        ),
    ),
    ("mean", re.compile(r"(?:avg\.?|average|mean|平均值?|均值)", re.IGNORECASE)),
    (
        "geometric mean",
        re.compile(r"geo\.?[\s-]?mean|geometric mean|geomean speedup|几何平均(?:值|数)?", re.IGNORECASE),
    ),
    ("median", re.compile(r"median|中位数", re.IGNORECASE)),
    ("minimum", re.compile(r"min(?:imum)?|最小值?", re.IGNORECASE)),
    ("maximum", re.compile(r"max(?:imum)?|最大值?", re.IGNORECASE)),
    ("spread", re.compile(r"std\.?(?:dev)?|stdev|variance|range|标准差|方差", re.IGNORECASE)),
)
_WAYS: dict[str, Callable[[Sequence[float]], float]] = {
    "sum": fsum,
    "mean": fmean,
    "geometric mean": geometric_mean,
    "median": median,
    "minimum": min,
    "maximum": max,
}
#: The kinds of rows that give the middle of others.
AVERAGES = ("mean", "geometric mean", "median")
#: How many summary rows can follow the same rows.
_MOST = 8
_NOTE = re.compile(r"\s?\([^()]{0,20}\)")


@dataclass(frozen=True, slots=True)
class Summary:
    """A row that sums up rows above it: its index, theirs, and how it combines them."""

    row: int
    parts: tuple[int, ...]
    kind: str


@lru_cache(maxsize=2048)
def summary_of(label: str) -> str | None:
    """What a row or column is of others, by its label: sum, mean, median, spread, ...; None if it is measured."""
    name = _NOTE.sub("", label).replace("_", " ").strip(" *:")
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(name)), None)


def summaries(grid: Grid, *, averages: bool) -> Iterator[Summary]:
    """The total rows (or average rows) of a table, each with the rows back to the previous summary."""
    parts: list[int] = []
    closed = 0
    for row in grid.rows:
        kind = summary_of(grid.labels[row])
        if kind is not None:
            if len(parts) >= 2 and closed < _MOST and kind != "spread" and (kind != "sum") == averages:
                yield Summary(row, tuple(parts), kind)
            closed += 1
            continue
        if closed:
            parts, closed = [], 0
        parts.append(row)


def combined(kind: str, entries: Sequence[Entry]) -> Bounded:
    """The sum, mean, median, ... of numbers; the mean in place of a geometric mean of numbers that can be zero."""
    bounds = [entry.number.bounds for entry in entries]
    lows, highs = [one.low for one in bounds], [one.high for one in bounds]
    way = fmean if kind == "geometric mean" and min(lows) <= 0 else _WAYS[kind]
    return Bounded(way([one.value for one in bounds]), way(lows), way(highs))


def column_entries(column: Column, rows: Iterable[int]) -> list[Entry] | None:
    """The numbers of these rows; None if one is missing."""
    found = [column.entries[row] for row in rows]
    return None if None in found else [entry for entry in found if entry is not None]
