"""A percentage is not the share of the total that the table gives.

Such tables show where the time goes; a wrong share sends people to the wrong place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from kit.audit.facts.grids import Column, Grid
from kit.audit.facts.printednumber import Bounded, show
from kit.audit.facts.quantities import Quantity
from kit.audit.facts.sums import combined, summary_of
from kit.audit.readings import Candidate, Computed, check_column, derived_columns
from kit.audit.rule import Facts, Kind, Outcomes, Rule

__all__ = ["RULE"]


def _check(facts: Facts) -> Outcomes:
    for grid, column, pool in derived_columns(facts.grids, Quantity.SHARE):
        yield from check_column(grid, column, [one for part in pool for one in _candidates(grid, column, part)])


def _candidates(grid: Grid, column: Column, part: Column) -> Iterator[Candidate]:
    kinds = [summary_of(label) for label in grid.labels]
    total = part.entries[kinds.index("sum")] if "sum" in kinds else None
    if total is not None:
        whole, text = total.number.bounds, total.number.text
    else:
        whole = combined("sum", [one for one, kind in zip(part.entries, kinds, strict=True) if one and kind != "mean"])
        text = f"the sum {show(whole.value)}"
    if whole.value > 0 and whole.low > 0:
        scale = 0.01 if column.scale != 1 or _sums_to_hundred(column, kinds) else 1.0
        yield Candidate(f"the share of {part.title}", _share(part, whole, text), scale=scale)


def _share(part: Column, whole: Bounded, text: str) -> Callable[[int], Computed | None]:
    def compute(row: int) -> Computed | None:
        own = part.entries[row]
        if own is None:
            return None
        return Computed(own.number.bounds / whole, f"{own.number.text} / {text}", own.value == whole.value)

    return compute


def _sums_to_hundred(column: Column, kinds: Sequence[str | None]) -> bool:
    parts = [one.value for one, kind in zip(column.entries, kinds, strict=True) if one and kind != "sum"]
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
