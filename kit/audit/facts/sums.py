"""Sums and means over rows and columns of a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import geometric_mean, median

from kit.audit.facts.grids import Column, Entry, Grid
from kit.audit.facts.printednumber import Interval, exactly

__all__ = [
    "AVERAGES",
    "Summary",
    "column_entries",
    "combined",
    "is_average_label",
    "is_total_label",
    "mean_of",
    "sum_of",
    "summaries",
    "summary_of",
]

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
#: The kinds of rows that stand for the middle of others.
AVERAGES = ("mean", "geometric mean", "median")
#: So many summaries follow the same rows.
_MOST = 8
_NOTE = re.compile(r"\s?\([^()]{0,20}\)")


@dataclass(frozen=True, slots=True)
class Summary:
    """A row that sums up rows above it: its place and theirs, and what it is of them."""

    row: int
    parts: tuple[int, ...]
    kind: str


@lru_cache(maxsize=2048)
def summary_of(label: str) -> str | None:
    """What a row or column is of others, by its label: sum, mean, geometric mean, median, spread; None for none."""
    name = _NOTE.sub("", label).replace("_", " ").strip(" *:")
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(name)), None)


def is_total_label(label: str) -> bool:
    """Whether a row or column is a total."""
    return summary_of(label) == "sum"


def is_average_label(label: str) -> bool:
    """Whether a row or column is an average."""
    return summary_of(label) == "mean"


def summaries(grid: Grid, *, averages: bool) -> Iterator[Summary]:
    """The total rows (or average rows) of a table with the rows back to the summary before."""
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


def combined(kind: str, entries: Sequence[Entry]) -> tuple[float, Interval]:
    """The sum, mean, geometric mean or median of numbers, and the values that their rounding leaves open.

    A geometric mean needs numbers above zero; with others the mean stands for it.
    """
    if kind == "sum":
        return sum_of(entries)
    lows, highs = [one.number.interval.low for one in entries], [one.number.interval.high for one in entries]
    if kind == "geometric mean" and min(lows) > 0:
        return geometric_mean(one.value for one in entries), Interval(geometric_mean(lows), geometric_mean(highs))
    if kind in {"minimum", "maximum"}:
        chosen = (min if kind == "minimum" else max)(entries, key=lambda one: one.value)
        return chosen.value, chosen.number.interval
    if kind == "median":
        return median(one.value for one in entries), Interval(median(lows), median(highs))
    return mean_of(entries)


def column_entries(column: Column, rows: Iterable[int]) -> list[Entry] | None:
    """The numbers of rows; None where one is missing."""
    found = [column.entries[row] for row in rows]
    return None if None in found else [entry for entry in found if entry is not None]
