"""Rows and columns that are the total or the average of others, compared with what they sum up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kit.audit.facts.grids import Column, Entry, Grid
from kit.audit.facts.printednumber import Agreement, Bounded, agree, exactly, show
from kit.audit.facts.quantities import Quantity
from kit.audit.facts.sums import AVERAGES, Summary, column_entries, combined, summaries, summary_of
from kit.audit.readings import Candidate, Computed, check_column
from kit.audit.rule import Facts, Held, Outcomes, Unknown, Wrong
from kit.audit.verdict import digits_swapped, miscomputed

__all__ = ["check_summaries"]

#: A number that is further off than this, relatively, is something other than a sum or a mean.
_NEAR = 0.5
_MOST = 12
#: Columns that nobody adds up.
_NO_PARTS = {Quantity.BATCH, Quantity.CARDS, Quantity.SHARE, Quantity.RATIO, Quantity.DIFFERENCE}
_PARTS = {Quantity.COUNT, Quantity.SCORE, Quantity.TIME, Quantity.RATE}


@dataclass(frozen=True, slots=True)
class _SummaryCell:
    """A number in a summary row, the numbers it sums up, and what they give."""

    column: Column
    entry: Entry
    parts: list[Entry]
    right: Bounded

    @property
    def agreement(self) -> Agreement:
        """How the number compares with what its parts give."""
        return agree(self.entry.number, self.right)

    @property
    def comparable(self) -> bool:
        """Whether the number is near enough to be a wrong sum or mean, and not something else."""
        return self.right.value != 0 and abs(self.entry.value / self.right.value - 1) <= _NEAR


def check_summaries(facts: Facts, *, averages: bool) -> Outcomes:
    """The outcomes for the total (or average) rows and columns of all tables."""
    for grid in facts.grids:
        for summary in summaries(grid, averages=averages):
            yield from _row(grid, summary, averages=averages)
        yield from _columns(grid, averages=averages)


def _row(grid: Grid, summary: Summary, *, averages: bool) -> Outcomes:
    geometric = summary.kind == "geometric mean"
    cells = []
    for column in grid.columns:
        entry, parts = column.entries[summary.row], _parts(column, summary)
        if entry is None or parts is None or column.quantity in _NO_PARTS - ({Quantity.RATIO} if geometric else set()):
            continue
        cells.append(_SummaryCell(column, entry, parts, combined(summary.kind, parts)))
    kinds = [cell.column.quantity for cell in cells]
    confirmed = [cell.column.quantity for cell in cells if cell.agreement is Agreement.SAME]
    for cell in cells:
        stated, value = cell.entry.number.text, show(cell.right.value)
        text = f"{summary.kind} of {len(summary.parts)} rows"
        if cell.agreement is Agreement.SAME:
            yield Held(cell.entry.line, stated, value, text)
        elif summary.kind != "sum" and _is_mean(cell):
            yield Held(cell.entry.line, stated, value, "another mean of the rows")
        elif (
            geometric
            or (_confirmed(cell, kinds, confirmed, averages=averages) and cell.comparable)
            or (_outside(cell, summary.kind) if averages else _has_shares(grid, cell, summary.parts))
            or digits_swapped(cell.entry.number, cell.right.value)
        ):
            yield _finding(grid, summary, cell, text)
        else:
            yield Unknown(cell.entry.line, stated)


def _is_mean(cell: _SummaryCell) -> bool:
    """Whether an average is another kind of mean than its label suggests, also without a baseline of 1."""
    others = [part for part in cell.parts if part.value != 1]
    return any(
        agree(cell.entry.number, combined(kind, chosen)) is Agreement.SAME
        for kind in AVERAGES
        for chosen in (cell.parts, others)
        if chosen
    )


def _parts(column: Column, summary: Summary) -> list[Entry] | None:
    """The numbers that a row sums up; a geometric mean may skip missing ones."""
    if summary.kind != "geometric mean":
        return column_entries(column, summary.parts)
    found = [entry for row in summary.parts if (entry := column.entries[row]) is not None]
    return found if len(found) >= 2 else None


def _confirmed(cell: _SummaryCell, kinds: list[Quantity], confirmed: list[Quantity], *, averages: bool) -> bool:
    """Whether other columns show that the row is what its label says.

    A mean can be weighted, so it takes columns of the same kind; scores are not added up.
    """
    same = cell.column.quantity
    if not averages:
        return bool(confirmed) and same is not Quantity.SCORE and 2 * len(confirmed) >= len(kinds) - 1
    return same in confirmed and 2 * confirmed.count(same) >= kinds.count(same) - 1


def _outside(cell: _SummaryCell, kind: str) -> bool:
    """Whether no weights can give this average of the parts."""
    bounds = [part.number.bounds for part in cell.parts]
    own = cell.entry.number.bounds
    if kind == "minimum":
        outside = own.low > min(one.high for one in bounds)
    elif kind == "maximum":
        outside = own.high < max(one.low for one in bounds)
    else:
        outside = own.high < min(one.low for one in bounds) or own.low > max(one.high for one in bounds)
    return outside and cell.comparable and cell.column.quantity in _PARTS - {Quantity.COUNT}


def _has_shares(grid: Grid, cell: _SummaryCell, rows: Sequence[int]) -> bool:
    """Whether a column prints the share of each part in the sum, so that the total must be the sum."""
    shares = [column_entries(one, rows) for one in grid.columns if one.quantity is Quantity.SHARE]
    return any(_are_shares(entries, cell.parts, cell.right.value) for entries in shares[:2] if entries)


def _are_shares(entries: Sequence[Entry], parts: Sequence[Entry], total: float) -> bool:
    if total <= 0:
        return False
    scale = 100.0 if any(entry.value > 1 for entry in entries) else 1.0
    return all(
        agree(entry.number, (part.number.bounds / exactly(total)).scaled(scale)) is Agreement.SAME
        for entry, part in zip(entries, parts, strict=True)
    )


def _finding(grid: Grid, summary: Summary, cell: _SummaryCell, text: str) -> Wrong:
    subject = f"{grid.labels[summary.row]} | {cell.column.title}"
    entry, value = cell.entry, cell.right.value
    message = f"{subject}: the {text} is {show(value)}, but {entry.number.text} is printed"
    return miscomputed(entry.line, entry.number, value, text, message, cell.agreement, subject=subject)


def _columns(grid: Grid, *, averages: bool) -> Outcomes:
    """A column "Total" or "Average" beside columns of one kind."""
    for column in grid.columns:
        if summary_of(column.title) != ("mean" if averages else "sum"):
            continue
        parts = [one for one in grid.columns if one is not column and one.quantity in _PARTS][:_MOST]
        before = [one for one in parts if one.place < column.place]
        candidates = [_candidate(chosen, averages=averages) for chosen in (parts, before) if len(chosen) >= 2]
        yield from check_column(grid, column, candidates)


def _candidate(parts: list[Column], *, averages: bool) -> Candidate:
    kind = "mean" if averages else "sum"

    def compute(row: int) -> Computed | None:
        entries = [entry for part in parts if (entry := part.entries[row]) is not None]
        if len(entries) != len(parts):
            return None
        terms = " + ".join(entry.number.text for entry in entries)
        return Computed(combined(kind, entries), f"({terms}) / {len(entries)}" if averages else terms)

    return Candidate(f"the {kind} of the row", compute)
