"""How a derived column is to be read: the candidate that explains most of its rows judges the others.

A header such as "Speedup" does not say what was divided by what. Each way to compute the column is a candidate; one
that explains enough rows is taken for what the author did, and a row that no such candidate explains is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kit.audit.diagnostic import Severity
from kit.audit.facts.grids import Column, Entry, Grid
from kit.audit.facts.printednumber import Agreement, Interval, Printed, agree, show
from kit.audit.facts.sums import AVERAGES, combined, summary_of
from kit.audit.rule import Held, Outcome, Unknown, Wrong
from kit.audit.verdict import digits_swapped, rounded

__all__ = ["Candidate", "Computed", "allowed_values", "check_column", "established"]

#: So many rows decide how a column is read.
_SAMPLE = 60
#: Average rows further down than this are not held against their column.
_REACH = 120
#: So many candidates are tried: a wide table stays cheap.
_TRIED = 120
#: A printed value so many times off is of another unit or meaning.
_FAR = 30.0
#: Whole numbers with zeros at their end may have been rounded further than to their last digit: by so much, relatively.
_ROUND = 0.005


class Computed(NamedTuple):
    """What a candidate gives for a row: the value, what rounding leaves open, and the computation in words.

    ``trivial`` where it holds whatever was measured, as the 1.0 of the row that everything is compared with.
    """

    value: float
    allowed: Interval
    text: str
    trivial: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to compute a column: what it is, the value by row, whether the header itself says so.

    ``operands`` are the columns that it works with. ``scale`` turns printed numbers into the unit of the value (0.01
    for per cent); ``signless`` where the sign does not count.
    """

    meaning: str
    compute: Callable[[int], Computed | None]
    sure: bool = False
    scale: float = 1.0
    signless: bool = False
    operands: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Fit:
    candidate: Candidate
    fits: int
    rows: int
    swapped: int = 0

    @property
    def accepted(self) -> bool:
        """Whether this is what the author did: half of the rows where the header says it, else more than half.

        Of two rows one is enough where the other only has two digits the wrong way round.
        """
        if self.candidate.sure:
            return 2 * self.fits >= self.rows and (self.fits >= 1 or self.rows == 0)
        return (self.fits >= 2 and 5 * self.fits >= 3 * self.rows) or self.fits == self.swapped == self.rows - 1 == 1


def allowed_values(entry: Entry) -> Interval:
    """The values that a number of a table can stand for."""
    number = entry.number
    digits = number.text.replace(",", "")
    zeros = len(digits) - len(digits.rstrip("0")) if digits.isdigit() else 0
    if zeros >= 2 and len(digits) >= 4:
        slack = min(10.0**zeros, _ROUND * abs(number.value))
        return Interval(number.value - slack, number.value + slack)
    return number.interval


def established(grid: Grid, column: Column, candidates: Sequence[Candidate]) -> Candidate | None:
    """The way to compute a column whose header says nothing of it: it explains three rows or more, and all but one.

    Two rows are enough where the other has two digits swapped. Numbers of one or two digits explain nothing.
    """
    rows = [row for row in grid.measured_rows if (entry := column.entries[row]) is not None and _tells(entry)]
    found = [fit for fit in (_fit(column, one, rows) for one in candidates[:_TRIED]) if fit.rows - fit.fits <= 1]
    best = max(found, key=lambda fit: (fit.fits, -fit.rows), default=None)
    return best.candidate if best is not None and best.fits + best.swapped >= 3 else None


def _tells(entry: Entry) -> bool:
    """Whether a number has three digits that say something."""
    return len(entry.number.text.replace(".", "").replace(",", "").lstrip("0")) >= 3


def check_column(
    grid: Grid, column: Column, candidates: Sequence[Candidate], *, alone: bool = False
) -> Iterator[Outcome]:
    """The outcome for each row of a derived column.

    ``alone``: with one row that tells anything, the header is believed where it is sure of its meaning.
    """
    rows = [row for row in grid.rows if column.entries[row] is not None]
    fits = [_fit(column, candidate, rows[:_SAMPLE]) for candidate in candidates[:_TRIED]]
    accepted = [fit for fit in fits if fit.accepted and (fit.rows or alone)]
    if not accepted and alone:
        accepted = [fit for fit in fits if fit.candidate.sure and fit.rows == 1]
    accepted.sort(key=lambda fit: -fit.fits)
    # A column can change its meaning from row to row: points for an accuracy, per cent for a rate.
    operands = {fit.candidate.operands for fit in accepted} - {frozenset()}
    kin = [fit for fit in fits if fit not in accepted and fit.candidate.operands in operands]
    kin = [fit for fit in kin if fit.fits > 1 or fit.candidate.scale == 1 or _in_percent(column)]
    for row in rows:
        entry = column.entries[row]
        if entry is not None:
            yield _compared(grid, column, row, entry, accepted, [fit.candidate for fit in kin])


def _in_percent(column: Column) -> bool:
    return any(entry is not None and "%" in entry.unit for entry in column.entries)


def _printed(entry: Entry, candidate: Candidate) -> Printed:
    number = entry.number.scaled(candidate.scale)
    return number.scaled(-1) if candidate.signless and number.value < 0 else number


def _explains(entry: Entry, candidate: Candidate, found: Computed | None) -> bool:
    if found is None:
        return False
    return agree(_printed(entry, candidate), found.value, found.allowed) is Agreement.SAME


def _fit(column: Column, candidate: Candidate, rows: Sequence[int]) -> _Fit:
    fits = telling = swapped = 0
    for row in rows:
        entry, computed = column.entries[row], candidate.compute(row)
        if entry is None or computed is None or computed.trivial:
            continue
        telling += 1
        if agree(_printed(entry, candidate), computed.value, computed.allowed) is Agreement.SAME:
            fits += 1
        else:
            swapped += digits_swapped(entry.number, computed.value / candidate.scale)
    return _Fit(candidate, fits, telling, swapped)


def _summed(grid: Grid, column: Column, row: int, entry: Entry) -> Outcome | None:
    """The outcome of an average row that does not divide the averages beside it: it can be the mean of its column.

    None where it is no average row, or no mean at all.
    """
    kind = summary_of(grid.labels[row])
    if kind not in AVERAGES:
        return None
    if row > _REACH:
        return Unknown(entry.line, entry.number.text)
    parts = [one for place, one in enumerate(column.entries[:row]) if one and summary_of(grid.labels[place]) is None]
    if len(parts) < 2 or min(one.value for one in parts) <= 0:
        return Unknown(entry.line, entry.number.text)
    for way in AVERAGES:
        value, allowed = combined(way, parts)
        if agree(entry.number, value, allowed) is Agreement.SAME:
            return Held(entry.line, entry.number.text, show(value), f"{way} of {len(parts)} rows")
    if min(one.number.interval.low for one in parts) <= entry.value <= max(one.number.interval.high for one in parts):
        return Unknown(entry.line, entry.number.text)  # it can be weighted, or of more rows than the table has
    return None


def _compared(
    grid: Grid, column: Column, row: int, entry: Entry, accepted: Sequence[_Fit], kin: Sequence[Candidate]
) -> Outcome:
    results = []
    for fit in accepted[:6]:
        found = fit.candidate.compute(row)
        if found is None:
            continue
        results.append((fit, found))
        if _explains(entry, fit.candidate, found):
            return Held(entry.line, entry.number.text, show(found.value / fit.candidate.scale), found.text)
    if not results or any(_explains(entry, one, one.compute(row)) for one in kin[:8]):
        return Unknown(entry.line, entry.number.text)
    if (summed := _summed(grid, column, row, entry)) is not None:
        return summed
    fit, found = results[0]
    number = _printed(entry, fit.candidate)
    verdict = agree(number, found.value, found.allowed)
    far = not number.value or not found.value or abs(math.log(abs(number.value / found.value))) > math.log(_FAR)
    if far or (verdict is Agreement.SLIP and (fit.fits < 3 or 5 * fit.fits < 4 * fit.rows)):
        return Unknown(entry.line, entry.number.text)
    value = found.value / fit.candidate.scale
    subject = f"{grid.labels[row] or 'row'} | {column.title}"
    return Wrong(
        entry.line,
        entry.number.text,
        show(value),
        found.text,
        f"{subject} is {fit.candidate.meaning}: {found.text} = {show(value)}, but {entry.number.text} is printed",
        Severity.DIGITS if verdict is Agreement.SLIP else Severity.MAJOR,
        entry.start,
        computation=f"{found.text} = {show(value)}",
        replacement=rounded(value, Printed(entry.number.text, value, entry.number.unit)),
        safe=verdict is Agreement.SLIP,
        subject=subject,
    )
