"""A difference is not that of the columns it compares.

This column tells whether a loss of accuracy is acceptable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kit.audit.facts.grids import Column, Entry, Grid, words_of
from kit.audit.facts.printednumber import Bounded
from kit.audit.facts.quantities import Quantity
from kit.audit.readings import Candidate, Computed, allowed_values, check_column, derived_columns
from kit.audit.rule import Facts, Kind, Outcomes, Rule

__all__ = ["RULE"]

#: Words that only say that a column is a difference.
_IDLE = words_of(
    "reduction drop gain improvement increase decrease change loss degradation diff difference delta in of the %"
)
_NOTE = re.compile(r"\([^()]{0,20}\)")


def _check(facts: Facts) -> Outcomes:
    for grid, column, pool in derived_columns(facts.grids, Quantity.DIFFERENCE):
        yield from check_column(grid, column, [*_pairs(column, pool), *_from_first(grid, column, pool)])


def _pairs(column: Column, pool: Sequence[Column]) -> Iterator[Candidate]:
    percent = column.scale != 1
    for one in pool:
        for other in pool:
            if one is other or one.quantity is not other.quantity or one.factor != other.factor:
                continue
            points = (
                percent and one.quantity is Quantity.SCORE and all(entry.value <= 1 for entry in one.entries if entry)
            )
            yield _candidate(f"{one.title} - {other.title}", one, other, relative=False, points=points)
            if percent or one.quantity is not Quantity.SCORE:
                yield _candidate(f"({one.title} - {other.title}) / {other.title}", one, other, relative=True)


def _candidate(meaning: str, one: Column, other: Column, *, relative: bool, points: bool = False) -> Candidate:
    def compute(row: int) -> Computed | None:
        return _difference(one.entries[row], other.entries[row], relative=relative)

    operands = frozenset({one.place, other.place})
    scale = 0.01 if relative or points else 1.0  # a drop of "0.35%" between fractions is one of points
    return Candidate(meaning, compute, signless=True, scale=scale, operands=operands)


def _difference(one: Entry | None, other: Entry | None, *, relative: bool) -> Computed | None:
    if one is None or other is None or (relative and not other.value):
        return None
    right, text = allowed_values(one) - allowed_values(other), f"{one.number.text} - {other.number.text}"
    if relative:
        right, text = right / allowed_values(other), f"({text}) / {other.number.text}"
    if right.value < 0:  # a loss is printed with or without its sign
        right = Bounded(-right.value, -right.high, -right.low)
    return Computed(right, text)


def _from_first(grid: Grid, column: Column, pool: Sequence[Column]) -> Iterator[Candidate]:
    """Each row minus the first, whose difference is zero or empty, or minus the row above it."""
    first = next(iter(grid.rows), None)
    entry = column.entries[first] if first is not None else None
    if first is None or (entry is not None and entry.value):
        return
    percent = column.scale != 1
    named = [one for one in pool if _subject(one) == _subject(column)]
    for one in named or pool:
        sure = len(named) == 1
        yield _against(one, first, above=False, sure=sure)
        yield _against(one, first, above=True, sure=sure)
        if percent:
            yield _against(one, first, above=False, sure=sure, relative=True)


def _subject(column: Column) -> frozenset[str]:
    """The words of a title without its unit and the words for a difference."""
    return words_of(_NOTE.sub("", column.title)) - _IDLE


def _against(one: Column, first: int, *, above: bool, sure: bool = False, relative: bool = False) -> Candidate:
    def compute(row: int) -> Computed | None:
        if row == first:
            return None
        return _difference(one.entries[row], one.entries[row - 1 if above else first], relative=relative)

    meaning = f"{one.title} against the {'row above' if above else 'first row'}"
    return Candidate(meaning, compute, sure, scale=0.01 if relative else 1.0, signless=True)


RULE = Rule(
    kind=Kind.ARITHMETIC,
    bad="""\
| model | Top1 FP32 | Top1 INT8 | Accuracy drop |
| --- | --- | --- | --- |
| net a | 76.13 | 75.88 | 0.25 |
| net b | 78.45 | 77.10 | 0.35 |
| net c | 71.88 | 71.52 | 0.36 |
""",
    corrections={"0.35": "1.35"},
    check=_check,
)
