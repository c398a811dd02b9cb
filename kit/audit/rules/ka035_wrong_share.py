"""A percentage is not the share of the total that the table gives.

Such tables show where the time goes; a wrong share sends people to the wrong place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kit.audit.diagnostic import Kind
from kit.audit.facts.facts import Facts
from kit.audit.facts.grids import Column, Entry, Grid
from kit.audit.facts.printednumber import Interval
from kit.audit.facts.quantities import Quantity
from kit.audit.facts.sums import is_average_label, is_total_label, sum_of
from kit.audit.readings import Candidate, Computed, check_column
from kit.audit.rule import Outcome, Rule

__all__ = ["RULE"]

_MOST = 8


def _check(facts: Facts) -> Iterator[Outcome]:
    for grid in facts.grids:
        if not any(column.quantity is Quantity.SHARE for column in grid.columns):
            continue
        pool = [column for column in grid.columns if column.measured][:_MOST]
        for column in grid.columns:
            if column.quantity is Quantity.SHARE:
                candidates = [one for part in pool for one in _candidates(grid, column, part)]
                yield from check_column(grid, column, candidates)


def _candidates(grid: Grid, column: Column, part: Column) -> Iterator[Candidate]:
    scale = 0.01 if column.factor == 0.01 or _sums_to_hundred(grid, column) else 1.0
    total = next((row for row in grid.rows if is_total_label(grid.labels[row])), None)
    whole = part.entries[total] if total is not None else None
    if whole is not None:
        value, allowed, text = whole.value, whole.number.interval, whole.number.text
    else:
        items = [
            entry
            for row, entry in enumerate(part.entries)
            if entry is not None and not is_average_label(grid.labels[row])
        ]
        value, allowed = sum_of(items)
        text = f"the sum {value:.9g}"
    if value > 0 and allowed.low > 0:
        yield Candidate(f"the share of {part.title}", _share(part, value, allowed, text), scale=scale)


def _share(part: Column, value: float, allowed: Interval, text: str) -> Callable[[int], Computed | None]:
    def compute(row: int) -> Computed | None:
        own: Entry | None = part.entries[row]
        if own is None:
            return None
        share = own.number.interval / allowed
        return Computed(own.value / value, share, f"{own.number.text} / {text}", trivial=own.value == value)

    return compute


def _sums_to_hundred(grid: Grid, column: Column) -> bool:
    parts = [
        entry.value
        for row, entry in enumerate(column.entries)
        if entry is not None and not is_total_label(grid.labels[row])
    ]
    return 80 < sum(parts) < 120 or any(1.5 < part <= 100 for part in parts)


RULE = Rule(
    kind=Kind.RATIO,
    bad="""\
| layer | time (ms) | share |
| --- | --- | --- |
| conv | 6.0 | 60.0% |
| gemm | 3.0 | 20.0% |
| relu | 0.5 | 5.0% |
| pool | 0.5 | 5.0% |
""",
    corrections={"20.0%": "30.0%"},
    check=_check,
)
