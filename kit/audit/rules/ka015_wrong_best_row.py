"""The best row does not show the best value of its column.

The best row is quoted elsewhere, and the ratio of the best values is computed from it.
"""

from __future__ import annotations

from collections.abc import Iterator

from kit.audit.facts.printednumber import same_number
from kit.audit.facts.views import NumberCell, NumberSeries, RowRecord, View
from kit.audit.rule import Facts, Held, Kind, Outcome, Outcomes, Rule, Unknown, Wrong
from kit.audit.verdict import severity_of

__all__ = ["RULE"]


def _check(facts: Facts) -> Outcomes:
    for view in facts.views:
        if not view.performance:
            continue
        for record, pool in _pools(view):
            for place, series in enumerate(view.series):
                cell = record.cells[place]
                if cell is not None and series.operands is None:
                    rows = [(row.batch, other) for row in pool if (other := row.cells[place]) is not None]
                    yield _compared(record, cell, series, rows)


def _pools(view: View) -> Iterator[tuple[RowRecord, list[RowRecord]]]:
    """Each best row with the rows it is the best of: those above it up to the previous one, or else those below it."""
    bests = [place for place, record in enumerate(view.records) if record.best]
    for before, place, after in zip([-1, *bests], bests, [*bests[1:], len(view.records)], strict=False):
        rows = view.records[before + 1 : place] or view.records[place + 1 : after]
        if not view.records[place].accuracy:
            yield view.records[place], [row for row in rows if not row.accuracy]


def _compared(
    record: RowRecord, cell: NumberCell, series: NumberSeries, rows: list[tuple[int | None, NumberCell]]
) -> Outcome:
    """A cell of the best row compared with the cells of its column and their batch sizes."""
    number, header = cell.number, series.header
    if len(rows) < 2:
        return Unknown(cell.line, number.text)
    timed = series.timed or cell.unit == "time"
    ordered = sorted((other.number for _, other in rows), key=lambda other: other.value, reverse=not timed)
    best, worst = ordered[0], ordered[-1]
    own = next((other.number for batch, other in rows if record.batch is not None and batch == record.batch), None)
    for expected in (best, own):
        if expected is not None and same_number(number, expected):
            return Held(cell.line, number.text, expected.text, f"best of column {header}")
    if same_number(number, worst) and len(rows) >= 3:
        return Unknown(cell.line, number.text)  # smaller may be better here
    beyond = number.value < best.value if timed else number.value > best.value
    if beyond and len(rows) < 3:
        return Unknown(cell.line, number.text)  # the table may list only some batch sizes
    return Wrong(
        cell.line,
        number.text,
        best.text,
        ", ".join(other.number.text for _, other in rows[:16]),
        f"the best of column {header} is {best.text}, but the best row prints {number.text}",
        severity_of(number, best.value),
        number.start,
        computation=f"best of {header} = {best.text}",
        replacement=best.text,
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
