"""Rows and columns that sum others up, as totals or as averages, against what they sum up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kit.audit.diagnostic import Severity
from kit.audit.facts.grids import Column, Entry, Grid
from kit.audit.facts.printednumber import Agreement, Interval, agree, exactly, show
from kit.audit.facts.quantities import Quantity
from kit.audit.facts.sums import (
    AVERAGES,
    Summary,
    column_entries,
    combined,
    is_average_label,
    is_total_label,
    mean_of,
    sum_of,
    summaries,
)
from kit.audit.readings import Candidate, Computed, check_column
from kit.audit.rule import Held, Outcome, Unknown, Wrong
from kit.audit.verdict import digits_swapped, rounded

__all__ = ["check_summaries"]

#: A total without another that confirms how it is made is believed to be one up to here.
_NEAR = 0.5
_MOST = 12
#: Columns that nobody adds up.
_NO_PARTS = {Quantity.BATCH, Quantity.CARDS, Quantity.SHARE, Quantity.RATIO, Quantity.DIFFERENCE}


@dataclass(frozen=True, slots=True)
class _SummaryCell:
    """A number in a summary row, and what its parts give."""

    column: Column
    entry: Entry
    value: float
    allowed: Interval

    @property
    def agreement(self) -> Agreement:
        """How the number relates to what its parts give."""
        return agree(self.entry.number, self.value, self.allowed)


def check_summaries(grid: Grid, *, averages: bool) -> Iterator[Outcome]:
    """The outcomes for the total (or average) rows and columns of a table."""
    for summary in summaries(grid, averages=averages):
        yield from _row(grid, summary, averages=averages)
    yield from _columns(grid, averages=averages)


def _row(grid: Grid, summary: Summary, *, averages: bool) -> Iterator[Outcome]:
    cells = []
    for column in grid.columns:
        entry, parts = column.entries[summary.row], _parts(column, summary)
        if entry is None or parts is None or column.quantity in _NO_PARTS - _own(summary):
            continue
        value, allowed = combined(summary.kind, parts)
        cells.append(_SummaryCell(column, entry, value, allowed))
    kinds = [cell.column.quantity for cell in cells]
    confirmed = [cell.column.quantity for cell in cells if cell.agreement is Agreement.SAME]
    for cell in cells:
        text = f"{summary.kind} of {len(summary.parts)} rows"
        if cell.agreement is Agreement.SAME:
            yield Held(cell.entry.line, cell.entry.number.text, show(cell.value), text)
        elif _is_mean(cell, summary):
            yield Held(cell.entry.line, cell.entry.number.text, show(cell.value), "another mean of the rows")
        elif (
            summary.kind == "geometric mean"
            or (_confirmed(cell, kinds, confirmed, averages=averages) and _comparable(cell))
            or _impossible(grid, cell, summary, averages=averages)
            or digits_swapped(cell.entry.number, cell.value)
        ):
            yield _finding(grid, summary, cell, text)
        else:
            yield Unknown(cell.entry.line, cell.entry.number.text)


def _is_mean(cell: _SummaryCell, summary: Summary) -> bool:
    """Whether an average is a mean of another kind than its label says first."""
    parts = _parts(cell.column, summary) or []
    others = [part for part in parts if part.value != 1]  # without the row that the others are compared with
    return summary.kind != "sum" and any(
        agree(cell.entry.number, *combined(kind, chosen)) is Agreement.SAME
        for kind in AVERAGES
        for chosen in (parts, others)
        if chosen
    )


def _parts(column: Column, summary: Summary) -> list[Entry] | None:
    """The numbers that a row sums up; a geometric mean is one of those that there are."""
    if summary.kind != "geometric mean":
        return column_entries(column, summary.parts)
    found = [entry for row in summary.parts if (entry := column.entries[row]) is not None]
    return found if len(found) >= 2 else None


def _own(summary: Summary) -> set[Quantity]:
    """Geometric means are those of ratios."""
    return {Quantity.RATIO} if summary.kind == "geometric mean" else set()


def _confirmed(cell: _SummaryCell, kinds: list[Quantity], confirmed: list[Quantity], *, averages: bool) -> bool:
    """Whether other columns show that the row is what its label says.

    A mean can be weighted, so it needs columns of the same kind; scores are not added up.
    """
    same = cell.column.quantity
    if not averages:
        return bool(confirmed) and same is not Quantity.SCORE and 2 * len(confirmed) >= len(kinds) - 1
    return same in confirmed and 2 * confirmed.count(same) >= kinds.count(same) - 1


def _impossible(grid: Grid, cell: _SummaryCell, summary: Summary, *, averages: bool) -> bool:
    """Whether no weights make a mean of this, or the shares beside a total say that it is the sum of its parts."""
    parts = column_entries(cell.column, summary.parts) or []
    if averages:
        low = min((part.number.interval.low for part in parts), default=-math.inf)
        high = max((part.number.interval.high for part in parts), default=math.inf)
        own = cell.entry.number.interval
        kind = cell.column.quantity
        outside = (own.high < low and summary.kind != "minimum") or (own.low > high and summary.kind != "maximum")
        if summary.kind == "minimum":
            outside = own.low > min(part.number.interval.high for part in parts)
        elif summary.kind == "maximum":
            outside = own.high < max(part.number.interval.low for part in parts)
        return outside and _comparable(cell) and kind in {Quantity.SCORE, Quantity.TIME, Quantity.RATE}
    shares = [one for one in grid.columns if one.quantity is Quantity.SHARE]
    return any(_are_shares(column, summary.parts, parts, cell.value) for column in shares[:2])


def _are_shares(column: Column, rows: Sequence[int], parts: Sequence[Entry], total: float) -> bool:
    """Whether a column has the shares of all parts in a total, as printed."""
    entries = column_entries(column, rows)
    if entries is None or total <= 0:
        return False
    scale = 100.0 if any(entry.value > 1 for entry in entries) else 1.0
    return all(
        agree(entry.number, scale * part.value / total, (part.number.interval / exactly(total)).scaled(scale))
        is Agreement.SAME
        for entry, part in zip(entries, parts, strict=True)
    )


def _comparable(cell: _SummaryCell) -> bool:
    """Whether a number that does not fit is at least of the size of a sum or mean: else it is something else."""
    return cell.value != 0 and abs(cell.entry.value / cell.value - 1) <= _NEAR


def _finding(grid: Grid, summary: Summary, cell: _SummaryCell, text: str) -> Wrong:
    subject = f"{grid.labels[summary.row]} | {cell.column.title}"
    slip = cell.agreement is Agreement.SLIP
    return Wrong(
        cell.entry.line,
        cell.entry.number.text,
        show(cell.value),
        text,
        f"{subject}: the {text} is {show(cell.value)}, but {cell.entry.number.text} is printed",
        Severity.DIGITS if slip else Severity.MAJOR,
        cell.entry.start,
        computation=f"{text} = {show(cell.value)}",
        replacement=rounded(cell.value, cell.entry.number),
        safe=slip,
        subject=subject,
    )


def _columns(grid: Grid, *, averages: bool) -> Iterator[Outcome]:
    """A column "Total" or "Average" beside columns of one kind."""
    named = is_average_label if averages else is_total_label
    for column in grid.columns:
        if not named(column.title):
            continue
        parts = [one for one in grid.columns if one is not column and _is_part(one)][:_MOST]
        before = [one for one in parts if one.place < column.place]
        candidates = [_candidate(chosen, averages=averages) for chosen in (parts, before) if len(chosen) >= 2]
        yield from check_column(grid, column, candidates)


def _is_part(column: Column) -> bool:
    return column.quantity in {Quantity.COUNT, Quantity.SCORE, Quantity.TIME, Quantity.RATE}


def _candidate(parts: list[Column], *, averages: bool) -> Candidate:
    def compute(row: int) -> Computed | None:
        found = [part.entries[row] for part in parts]
        entries = [entry for entry in found if entry is not None]
        if len(entries) != len(found):
            return None
        value, allowed = mean_of(entries) if averages else sum_of(entries)
        sign = " + ".join(entry.number.text for entry in entries)
        return Computed(value, allowed, f"({sign}) / {len(entries)}" if averages else sign)

    return Candidate("the mean of the row" if averages else "the sum of the row", compute)
