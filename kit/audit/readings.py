"""How a derived column was computed: the candidate that explains most of its rows is applied to the others.

A header such as "Speedup" does not say what was divided by what. Each way to compute the column is a candidate; one
that explains enough rows is what the author did, and a row that no such candidate explains is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kit.audit.facts.grids import Column, Entry, Grid
from kit.audit.facts.printednumber import Agreement, Bounded, Printed, agree, exactly, show
from kit.audit.facts.quantities import Quantity
from kit.audit.facts.sums import AVERAGES, combined, summary_of
from kit.audit.rule import Held, Outcome, Outcomes, Unknown
from kit.audit.verdict import digits_swapped, miscomputed

__all__ = ["Candidate", "Computed", "allowed_values", "check_column", "derived_columns", "established", "of_columns"]

#: How many rows decide how a column is read.
_SAMPLE = 60
#: Average rows further down than this are not compared with their column.
_REACH = 120
#: How many candidates are tried, so that a wide table stays cheap.
_TRIED = 120
#: How many measured columns of a table are tried as operands.
_OPERANDS = 8
#: A printed value that is off by this factor has another unit or meaning.
_FAR = 30.0
#: A whole number that ends in zeros may have been rounded by this much, relatively.
_ROUND = 0.005


class Computed(NamedTuple):
    """What a candidate gives for a row, and the computation as text.

    ``trivial`` if it holds whatever was measured, such as the 1.0 of the row that the others are compared with.
    """

    right: Bounded
    text: str
    trivial: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to compute a column: what it means, the value by row, and whether the header itself says so.

    ``operands`` are the places of the columns it uses. ``scale`` turns printed numbers into the unit of the value (0.01
    for percentages); ``signless`` if the sign does not count.
    """

    meaning: str
    compute: Callable[[int], Computed | None]
    sure: bool = False
    scale: float = 1.0
    signless: bool = False
    operands: frozenset[int] = frozenset()

    def agreement(self, entry: Entry, found: Computed) -> Agreement:
        """How a printed number compares with the computed one."""
        return agree(self.printed(entry), found.right)

    def explains(self, entry: Entry, row: int) -> bool:
        """Whether the number of a row was computed like this."""
        found = self.compute(row)
        return found is not None and self.agreement(entry, found) is Agreement.SAME

    def printed(self, entry: Entry) -> Printed:
        """The number of a row in the unit of the computed value."""
        number = entry.number.scaled(self.scale)
        return number.scaled(-1) if self.signless and number.value < 0 else number


def of_columns(
    meaning: str, columns: Sequence[Column], combine: Callable[..., Bounded | None], text: str, scale: float, sure: bool
) -> Candidate:
    """The way to ``combine`` the positive numbers of some columns; ``text`` shows it, with ``{}`` for each number."""

    def compute(row: int) -> Computed | None:
        found = [(column, entry) for column in columns if (entry := column.positive(row)) is not None]
        if len(found) != len(columns):
            return None
        counts = (Quantity.BATCH, Quantity.CARDS)
        operands = (
            exactly(entry.value) if column.quantity in counts else allowed_values(entry) for column, entry in found
        )
        right = combine(*operands)
        return Computed(right, text.format(*(entry.number.text for _, entry in found))) if right else None

    return Candidate(meaning, compute, sure, scale)


@dataclass(frozen=True, slots=True)
class _Fit:
    candidate: Candidate
    fits: int
    rows: int
    swapped: int

    @property
    def accepted(self) -> bool:
        """Whether the author did this: it explains half of the rows if the header says so, else more than half.

        Of two rows, one is enough if the other has only two digits swapped.
        """
        if self.candidate.sure:
            return 2 * self.fits >= self.rows and (self.fits >= 1 or self.rows == 0)
        return (self.fits >= 2 and 5 * self.fits >= 3 * self.rows) or self.fits == self.swapped == self.rows - 1 == 1


def allowed_values(entry: Entry) -> Bounded:
    """The values that a number in a table can stand for."""
    number = entry.number
    zeros = number.trailing_zeros
    if zeros >= 2 and abs(number.value) >= 1000:
        slack = min(10.0**zeros, _ROUND * abs(number.value))
        return Bounded(number.value, number.value - slack, number.value + slack)
    return number.bounds


def derived_columns(grids: Iterable[Grid], quantity: Quantity) -> Iterator[tuple[Grid, Column, list[Column]]]:
    """The columns of a derived quantity, each with its table and the columns that can be its operands."""
    for grid in grids:
        operands = [column for column in grid.columns if column.measured][:_OPERANDS]
        yield from ((grid, column, operands) for column in grid.columns if column.quantity is quantity)


def established(grid: Grid, column: Column, candidates: Sequence[Candidate]) -> Candidate | None:
    """How a column was computed whose header does not say: the candidate explains three rows or more, and all but one.

    Two rows are enough if another has two digits swapped. Numbers with one or two digits prove nothing.
    """
    rows = [row for row in grid.measured_rows if (entry := column.entries[row]) is not None and _telling(entry)]
    found = [fit for fit in (_fit(column, one, rows) for one in candidates[:_TRIED]) if fit.rows - fit.fits <= 1]
    best = max(found, key=lambda fit: (fit.fits, -fit.rows), default=None)
    return best.candidate if best is not None and best.fits + best.swapped >= 3 else None


def _telling(entry: Entry) -> bool:
    return len(entry.number.text.replace(".", "").replace(",", "").lstrip("0")) >= 3


def check_column(grid: Grid, column: Column, candidates: Sequence[Candidate], *, alone: bool = False) -> Outcomes:
    """The outcome for each row of a derived column.

    ``alone``: with only one row to go by, a header that is sure of its meaning is believed.
    """
    rows = [row for row in grid.rows if column.entries[row] is not None]
    fits = [_fit(column, candidate, rows[:_SAMPLE]) for candidate in candidates[:_TRIED]]
    accepted = [fit for fit in fits if fit.accepted and (fit.rows or alone)]
    if not accepted and alone:
        accepted = [fit for fit in fits if fit.candidate.sure and fit.rows == 1]
    accepted.sort(key=lambda fit: -fit.fits)
    # A column can change its meaning from row to row: points for an accuracy, per cent for a rate.
    operands = {fit.candidate.operands for fit in accepted} - {frozenset()}
    related = [fit for fit in fits if fit not in accepted and fit.candidate.operands in operands]
    percent = any(entry is not None and "%" in entry.unit for entry in column.entries)
    related = [fit for fit in related if fit.fits > 1 or fit.candidate.scale == 1 or percent]
    for row in rows:
        entry = column.entries[row]
        if entry is not None:
            yield _compared(grid, column, row, entry, accepted, [fit.candidate for fit in related])


def _fit(column: Column, candidate: Candidate, rows: Sequence[int]) -> _Fit:
    fits = telling = swapped = 0
    for row in rows:
        entry, computed = column.entries[row], candidate.compute(row)
        if entry is None or computed is None or computed.trivial:
            continue
        telling += 1
        if candidate.agreement(entry, computed) is Agreement.SAME:
            fits += 1
        else:
            swapped += digits_swapped(entry.number, computed.right.value / candidate.scale)
    return _Fit(candidate, fits, telling, swapped)


def _averaged(grid: Grid, column: Column, row: int, entry: Entry) -> Outcome | None:
    """The outcome of an average row that is not computed from the averages beside it: it can average its own column.

    None if it is not an average row, or cannot be an average at all.
    """
    if summary_of(grid.labels[row]) not in AVERAGES:
        return None
    unknown = Unknown(entry.line, entry.number.text)
    if row > _REACH:
        return unknown
    parts = [one for place, one in enumerate(column.entries[:row]) if one and summary_of(grid.labels[place]) is None]
    if len(parts) < 2 or min(one.value for one in parts) <= 0:
        return unknown
    for way in AVERAGES:
        right = combined(way, parts)
        if agree(entry.number, right) is Agreement.SAME:
            return Held(entry.line, entry.number.text, show(right.value), f"{way} of {len(parts)} rows")
    bounds = [one.number.bounds for one in parts]
    if min(one.low for one in bounds) <= entry.value <= max(one.high for one in bounds):
        return unknown  # it can be weighted, or average more rows than the table has
    return None


def _compared(
    grid: Grid, column: Column, row: int, entry: Entry, accepted: Sequence[_Fit], related: Sequence[Candidate]
) -> Outcome:
    results = []
    for fit in accepted[:6]:
        found = fit.candidate.compute(row)
        if found is None:
            continue
        results.append((fit, found))
        if fit.candidate.agreement(entry, found) is Agreement.SAME:
            return Held(entry.line, entry.number.text, show(found.right.value / fit.candidate.scale), found.text)
    if not results or any(one.explains(entry, row) for one in related[:8]):
        return Unknown(entry.line, entry.number.text)
    if (averaged := _averaged(grid, column, row, entry)) is not None:
        return averaged
    fit, found = results[0]
    stated, right = fit.candidate.printed(entry).value, found.right.value
    agreement = fit.candidate.agreement(entry, found)
    far = not stated or not right or abs(math.log(abs(stated / right))) > math.log(_FAR)
    if far or (agreement is Agreement.SLIP and (fit.fits < 3 or 5 * fit.fits < 4 * fit.rows)):
        return Unknown(entry.line, entry.number.text)
    value = right / fit.candidate.scale
    subject = f"{grid.labels[row] or 'row'} | {column.title}"
    meaning = f"{subject} is {fit.candidate.meaning}: {found.text} = {show(value)}"
    message = f"{meaning}, but {entry.number.text} is printed"
    return miscomputed(entry.line, entry.number, value, found.text, message, agreement, subject=subject)
