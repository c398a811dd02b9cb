"""A column is the product or quotient of two others, except in this row.

A column that is right to the last digit in every other row was computed; this row is left over from another table.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator
from itertools import combinations

from kit.audit.facts.grids import Column
from kit.audit.facts.printednumber import exactly
from kit.audit.facts.quantities import Quantity
from kit.audit.facts.vocabulary import ratio_operands
from kit.audit.readings import Candidate, Computed, allowed_values, check_column, established, of_columns
from kit.audit.rule import Facts, Kind, Outcome, Outcomes, Rule, Wrong

__all__ = ["RULE"]

_RESULTS = {Quantity.COUNT, Quantity.RATE, Quantity.TIME, Quantity.TOTAL}
_OPERANDS = {Quantity.COUNT, Quantity.RATE, Quantity.TIME, Quantity.BATCH, Quantity.CARDS}
_WHOLE = {Quantity.BATCH, Quantity.CARDS}
#: Wider tables are left to the rules that understand their titles.
_WIDEST = 10
_NEAR = 0.05
#: "单卡 fps (x4)"
_FACTOR = re.compile(r"[x*]\s?([2-9])(?![0-9.])", re.IGNORECASE)
_LONGEST = 60


def _check(facts: Facts) -> Outcomes:
    for grid in facts.grids:
        columns = [column for column in grid.columns if column.quantity in _OPERANDS | _RESULTS]
        if not 3 <= len(columns) <= _WIDEST or not 3 <= len(grid.measured_rows) <= _LONGEST:
            continue
        for column in columns:
            if ratio_operands(column.title):
                continue  # KA012 checks quotients of devices
            if column.quantity in _RESULTS and (found := established(grid, column, list(_candidates(column, columns)))):
                yield from (
                    one for one in check_column(grid, column, [found]) if _FACTOR.search(column.title) or not _near(one)
                )


def _near(outcome: Outcome) -> bool:
    """Whether a number is off by so little that it was measured and not computed."""
    if not isinstance(outcome, Wrong):
        return False
    stated, wanted = (float(text.replace(",", "")) for text in (outcome.stated, outcome.recomputed))
    return abs(stated / wanted - 1) < _NEAR


def _candidates(column: Column, columns: list[Column]) -> Iterator[Candidate]:
    # A derived column is to the right of its operands.
    others = [one for one in columns if one.place < column.place and one.quantity in _OPERANDS]
    if factor := _FACTOR.search(column.title):
        count = exactly(float(factor[1]))
        for one in filter(lambda one: one.quantity is column.quantity, others):
            yield of_columns(f"{one.title} x {factor[1]}", [one], count.__mul__, f"{{}} x {factor[1]}", 1.0, sure=False)
    for one, other in combinations(others, 2):
        kinds = {column.quantity, one.quantity, other.quantity}
        if {Quantity.RATE, Quantity.TIME} <= kinds:
            continue  # KA038 checks rates against times
        yield _combined(one, other, divided=False)
        yield _combined(one, other, divided=True)
        yield _combined(other, one, divided=True)


def _combined(one: Column, other: Column, *, divided: bool) -> Candidate:
    sign, combine = ("/", operator.truediv) if divided else ("x", operator.mul)

    def compute(row: int) -> Computed | None:
        first, second = one.positive(row), other.positive(row)
        if first is None or second is None:
            return None
        left, right = (
            exactly(entry.value) if column.quantity in _WHOLE else allowed_values(entry)
            for column, entry in ((one, first), (other, second))
        )
        trivial = second.value == 1 or (first.value == 1 and not divided)
        return Computed(combine(left, right), f"{first.number.text} {sign} {second.number.text}", trivial)

    return Candidate(f"{one.title} {sign} {other.title}", compute)


RULE = Rule(
    kind=Kind.ARITHMETIC,
    bad="""\
| Batch | qps | Throughput (img/s) |
| --- | --- | --- |
| 2 | 610.2 | 1220.4 |
| 8 | 310.5 | 2844.0 |
| 16 | 170.1 | 2721.6 |
| 32 | 88.4 | 2828.8 |
""",
    corrections={"2844.0": "2484.0"},
    check=_check,
)
