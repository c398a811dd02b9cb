"""The best row does not show the best value of its column.

The best row is quoted elsewhere, and the ratio of the best values is computed from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kit.audit.diagnostic import Kind
from kit.audit.facts.facts import Facts
from kit.audit.facts.printednumber import same_number
from kit.audit.facts.views import NumberCell, RowRecord, View
from kit.audit.rule import Held, Outcome, Rule, Unknown, Wrong
from kit.audit.verdict import severity_of

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Outcome]:
    for view in facts.views:
        if not view.performance:
            continue
        for record, pool in _pools(view):
            columns: dict[int, _Column] = {}
            for place, series in enumerate(view.series):
                cell = record.cells[place]
                if cell is not None and series.operands is None:
                    columns[place] = _column(view, place, cell, pool)
                    yield _compared(record, cell, series.header, columns[place])


def _pools(view: View) -> Iterator[tuple[RowRecord, list[RowRecord]]]:
    """Each best row with the rows it is the best of: those above it up to the previous one, or else those below it."""
    bests = [place for place, record in enumerate(view.records) if record.best]
    for before, place, after in zip([-1, *bests], bests, [*bests[1:], len(view.records)], strict=False):
        rows = view.records[before + 1 : place] or view.records[place + 1 : after]
        if not view.records[place].accuracy:
            yield view.records[place], [row for row in rows if not row.accuracy]


@dataclass(frozen=True, slots=True)
class _Column:
    """The values of a column by row, the best and the worst of them, and whether smaller is better."""

    rows: list[tuple[RowRecord, NumberCell]]
    best: NumberCell | None
    worst: NumberCell | None
    timed: bool


def _column(view: View, place: int, cell: NumberCell, pool: list[RowRecord]) -> _Column:
    rows = [(row, other) for row in pool if (other := row.cells[place]) is not None]
    timed = view.series[place].timed or cell.unit == "time"
    ordered = sorted((other for _, other in rows), key=lambda other: other.number.value, reverse=not timed)
    return _Column(rows, ordered[0] if ordered else None, ordered[-1] if ordered else None, timed)


def _compared(record: RowRecord, cell: NumberCell, header: str, column: _Column) -> Outcome:
    best, worst = column.best, column.worst
    if len(column.rows) < 2 or best is None or worst is None:
        return Unknown(cell.line, cell.number.text)
    own = next((one for row, one in column.rows if record.batch is not None and row.batch == record.batch), None)
    for expected in (best, own):
        if expected is not None and same_number(cell.number, expected.number):
            return Held(cell.line, cell.number.text, expected.number.text, f"best of column {header}")
    if same_number(cell.number, worst.number) and len(column.rows) >= 3:
        return Unknown(cell.line, cell.number.text)  # smaller may be better here
    number = cell.number.value
    beyond = number < best.number.value if column.timed else number > best.number.value
    if beyond and len(column.rows) < 3:
        return Unknown(cell.line, cell.number.text)  # the table may list only some batch sizes
    right = best.number.text
    return Wrong(
        cell.line,
        cell.number.text,
        right,
        ", ".join(other.number.text for _, other in column.rows[:16]),
        f"the best of column {header} is {right}, but the best row prints {cell.number.text}",
        severity_of(cell.number, best.number.value),
        cell.number.start,
        computation=f"best of {header} = {right}",
        replacement=right,
        subject=f"{record.label} | {header}",
    )


RULE = Rule(
    kind=Kind.BEST_ROW,
    bad="""\
# 性能

| batch | 310P | T4 |
| --- | --- | --- |
| 1 | 100.5 | 50.5 |
| 4 | 150.5 | 60.5 |
| 8 | 120.5 | 80.5 |
| 最优batch | 160.5 | 80.5 |
""",
    corrections={"160.5": "150.5"},
    check=_check,
)
