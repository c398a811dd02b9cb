"""A percentile is above a higher one, or a mean is outside its minimum and maximum.

No measurement can give this; one of the numbers is a typo, most often by a factor of ten.
"""

from __future__ import annotations

import re
from itertools import pairwise
from operator import itemgetter

from kit.audit.facts.document import Document
from kit.audit.facts.grids import Column, Entry, Grid
from kit.audit.facts.printednumber import Printed, number_from
from kit.audit.facts.quantities import TIME_UNITS, Quantity, factor_of_unit, percentile_of, unit_of
from kit.audit.rule import Facts, Kind, Outcomes, Rule
from kit.audit.verdict import ordered, ordered_row

__all__ = ["RULE"]

_MIN = re.compile(r"\bmin(?:imum)?\b|最小|最低", re.IGNORECASE)
_MAX = re.compile(r"\bmax(?:imum)?\b|最大|最高", re.IGNORECASE)
_MEAN = re.compile(r"\b(?:avg|average|mean)\b|平均", re.IGNORECASE)
_TIMED = re.compile(r"latency|时延|延迟|耗时|\(m?s\)", re.IGNORECASE)
_LOW, _HIGH = 0.0, 100.0
_STATISTIC = re.compile(
    r"(?:(?<![a-z0-9])(?P<name>min|max|mean|avg|average|median)|percentile\((?P<at>[0-9]{1,2}(?:\.[0-9])?)%?\)"
    r"|(?<![a-z0-9])p(?P<p>[1-9][0-9](?:\.[0-9])?))\s{0,3}[=:]\s{0,8}(?P<value>[0-9]{1,9}(?:\.[0-9]{1,9})?)(?![0-9.])"
    r"\s?(?P<unit>[mµu]?s(?![a-z]))?",
    re.IGNORECASE,
)
_RANKS = {"min": _LOW, "max": _HIGH, "mea": None, "avg": None, "ave": None, "med": 50.0}
_LONGEST = 600
#: A column with its rank: 0 for the minimum, the percentile, 100 for the maximum.
_Ranked = tuple[float, Column]


def _check(facts: Facts) -> Outcomes:
    yield from _of_lines(facts.document)
    for grid in facts.grids:
        ranked, means = _groups(grid)
        for key, group in ranked.items():
            group.sort(key=itemgetter(0))
            for (low, lower), (high, upper) in pairwise(group):
                if low < high:
                    yield from _ordered(grid, lower, upper)
            for mean in means.get(key, ()):
                for rank, column in group:
                    if rank == _LOW:
                        yield from _ordered(grid, column, mean)
                    elif rank == _HIGH:
                        yield from _ordered(grid, mean, column)


def _of_lines(document: Document) -> Outcomes:
    """Statistics that a tool prints on one line: "min = 1.9 ms, max = 2.6 ms, ... percentile(99%) = 2.2 ms"."""
    for line, text in enumerate(document.lines, start=1):
        if len(text) > _LONGEST or line in document.table_lines:
            continue
        found: dict[float | None, Printed] = {}
        units = set()
        for match in _STATISTIC.finditer(text):
            rank = _RANKS[match["name"][:3].lower()] if match["name"] else float(match["at"] or match["p"])
            number = number_from(match["value"], start=match.start("value"))
            units.add(match["unit"])
            if number is None or rank in found or len(units) > 1:
                found.clear()  # the line has two series
                break
            found[rank] = number
        mean = found.pop(None, None)
        ranked = sorted((rank, number) for rank, number in found.items() if rank is not None)
        pairs: list[tuple[tuple[float | None, Printed], tuple[float | None, Printed]]] = list(pairwise(ranked))
        if mean is not None:
            pairs += [((_LOW, found[_LOW]), (None, mean))] if _LOW in found else []
            pairs += [((None, mean), (_HIGH, found[_HIGH]))] if _HIGH in found else []
        for (low_rank, low), (high_rank, high) in pairs:
            below, above = _name(low_rank), _name(high_rank)
            holds = low.bounds.low <= high.bounds.high
            message = f"the {below} is {low.text}, above the {above}, which is {high.text}"
            names = (below, low), (above, high)
            yield ordered(line, *names, holds=holds, message=message, subject=below)


def _name(rank: float | None) -> str:
    return {None: "mean", _LOW: "minimum", 50.0: "median", _HIGH: "maximum"}.get(rank) or f"percentile {rank:g}"


def _groups(grid: Grid) -> tuple[dict[frozenset[str], list[_Ranked]], dict[frozenset[str], list[Column]]]:
    """Columns that differ only in their rank, with it, and the mean columns that belong to them."""
    ranked: dict[frozenset[str], list[_Ranked]] = {}
    means: dict[frozenset[str], list[Column]] = {}
    timed = any(column.quantity is Quantity.TIME for column in grid.columns)
    timed = timed or (grid.sideways and all(_TIMED.search(label) for label in grid.labels))
    for column in grid.columns:
        rank = _rank(column.title)
        if column.quantity is not Quantity.TIME and not (
            timed and rank is not None and column.quantity in {Quantity.COUNT, Quantity.SHARE}
        ):
            continue
        if rank is not None:
            ranked.setdefault(_rest(column), []).append((rank, column))
        elif _MEAN.search(column.title):
            means.setdefault(_rest(column), []).append(column)
    return ranked, means


def _rank(title: str) -> float | None:
    if _MIN.search(title):
        return None if _MAX.search(title) else _LOW
    return _HIGH if _MAX.search(title) else percentile_of(title)


def _rest(column: Column) -> frozenset[str]:
    """The words of a title without those of its rank."""
    idle = {"p", "th", "percentile", "min", "minimum", "max", "maximum", "avg", "average", "mean", "median", "%", "of"}
    return frozenset(word for word in column.words - idle if not word[0].isdigit())


def _factor(entry: Entry, column: Column) -> float:
    """The unit of a number in seconds, by its cell or else its column."""
    unit = unit_of(entry.unit)
    return factor_of_unit(unit) if unit in TIME_UNITS else column.factor


def _ordered(grid: Grid, lower: Column, upper: Column) -> Outcomes:
    for row in grid.measured_rows:
        low, high = lower.entries[row], upper.entries[row]
        if low is None or high is None:
            continue
        holds = low.number.bounds.low * _factor(low, lower) <= high.number.bounds.high * _factor(high, upper)
        fault = f"above {upper.title}, which is {high.number.text}"
        yield ordered_row(grid.labels[row], (lower, low), (upper, high), holds=holds, fault=fault)


RULE = Rule(
    kind=Kind.CLAIM,
    bad="""\
| Batch Size | Avg latency | 90% Latency | 95% Latency | 99% Latency |
| --- | --- | --- | --- | --- |
| 128 | 29.3 ms | 47.5 ms | 57.5 ms | 77.4 ms |
| 256 | 44.6 ms | 52.8 ms | 356.6 ms | 79.0 ms |
""",
    corrections={"356.6": "56.6"},
    check=_check,
)
