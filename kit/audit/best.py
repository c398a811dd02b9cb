"""The best-batch row: the best value of each column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.audit.findings import Finding, Kind, Severity
from kit.audit.numbers import Agreement, agree, same_number

if TYPE_CHECKING:
    from kit.audit.context import Context
    from kit.audit.views import Cell, Record, View

__all__ = ["check_best_rows"]


def check_best_rows(context: Context) -> None:
    """Compare each value of a best row with the best of its column."""
    for view in context.views:
        for index, record in enumerate(view.records):
            if not record.best or record.accuracy or not view.performance:
                continue
            pool = _pool(view, index)
            for place, series in enumerate(view.series):
                cell = record.cells[place]
                if cell is not None and series.sides is None:
                    _check(context, view, record, place, cell, pool)


def _pool(view: View, index: int) -> list[Record]:
    """The rows that a best row sums up: those above it back to the previous best row, or those below if it leads."""
    above: list[Record] = []
    for record in reversed(view.records[:index]):
        if record.best:
            break
        above.append(record)
    if not above:
        for record in view.records[index + 1 :]:
            if record.best:
                break
            above.append(record)
    return [record for record in above if not record.accuracy]


def _check(context: Context, view: View, record: Record, place: int, cell: Cell, pool: list[Record]) -> None:
    header = view.series[place].header
    rows = [(row, other) for row in pool if (other := row.cells[place]) is not None]
    timed = view.series[place].timed or cell.unit == "time"
    if len(rows) < 2:
        context.ledger.skip(cell.line, Kind.BEST_ROW, cell.number.text)
        return
    best = (min if timed else max)((other for _, other in rows), key=lambda other: other.number.value)
    own = next((other for row, other in rows if record.batch is not None and row.batch == record.batch), None)
    for expected in (best, own):
        if expected is not None and same_number(cell.number, expected.number):
            context.ledger.hold(
                cell.line, Kind.BEST_ROW, cell.number.text, expected.number.text, f"best of column {header}"
            )
            return
    worst = (max if timed else min)((other for _, other in rows), key=lambda other: other.number.value)
    if same_number(cell.number, worst.number) and len(rows) >= 3:
        context.ledger.skip(cell.line, Kind.BEST_ROW, cell.number.text)  # the smaller may be the better here
        return
    beyond = cell.number.value < best.number.value if timed else cell.number.value > best.number.value
    if beyond and len(rows) < 3:
        context.ledger.skip(cell.line, Kind.BEST_ROW, cell.number.text)  # the table may list some batches only
        return
    slip = agree(cell.number, best.number.value) is Agreement.SLIP
    context.ledger.find(
        Finding(
            cell.line,
            Kind.BEST_ROW,
            cell.number.text,
            best.number.text,
            ", ".join(other.number.text for _, other in rows),
            f"the best of column {header} is {best.number.text}, but the best row prints {cell.number.text}",
            Severity.DIGITS if slip else Severity.MAJOR,
        )
    )
