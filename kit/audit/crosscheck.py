"""The same number in prose and in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.audit.findings import Finding, Kind, Severity
from kit.audit.numbers import Agreement, Number, agree, same_number, show

if TYPE_CHECKING:
    from kit.audit.context import Context
    from kit.audit.statements import Statement
    from kit.audit.views import Cell

__all__ = ["check_prose_against_tables"]


def check_prose_against_tables(context: Context) -> None:
    """Compare each throughput cell with what the prose states for its device and batch.

    Where the prose states several values (before and after tuning), one that fits is enough. Where several tables have
    the cell, one that fits is enough too.
    """
    stated: dict[tuple[str, int], list[Statement]] = {}
    for statement in context.statements:
        device = context.device(statement)
        if device is not None and statement.value is not None:
            stated.setdefault((device, context.batch(statement)), []).append(statement)
    _variants(context, stated)
    for (device, batch), statements in stated.items():
        cells = [cell for _, cell in context.cells(device, batch=batch)]
        fitting = [(cell, fit) for cell in cells if (fit := _fit(cell, statements, device)) is not None]
        for cell, statement in fitting:
            context.ledger.hold(
                cell.line,
                Kind.CLAIM,
                cell.number.text,
                statement.value.text if statement.value else "",
                f"prose vs table: {device} batch {batch} is {statement.value.text if statement.value else ''}"
                f" in line {statement.line}",
            )
        if cells and not fitting:
            _differs(context, cells[-1], statements, f"{device} batch {batch}")


def _variants(context: Context, stated: dict[tuple[str, int], list[Statement]]) -> None:
    """Two columns of one device, before and after tuning, against as many values in prose.

    Which is which does not matter: where all fit but one on either side, these two are the same quantity.
    """
    for view in context.views:
        for device in {series.device for series in view.series if series.device} if view.performance else ():
            places = [place for place, one in enumerate(view.series) if one.device == device and not one.timed]
            for record in view.records if len(places) > 1 else ():
                cells = [cell for place in places if (cell := record.cells[place]) and cell.unit in {"", "rate"}]
                prose = _distinct(stated.get((device, record.batch or 0), []))
                if record.best or record.accuracy or len(cells) != len(places) or len(prose) != len(cells):
                    continue
                lost = [cell for cell in cells if not any(_same(cell.number, value) for _, value in prose)]
                free = [(one, value) for one, value in prose if not any(_same(cell.number, value) for cell in cells)]
                if len(lost) == len(free) == 1:
                    _differs(context, lost[0], [free[0][0]], f"{device} batch {record.batch}")


def _distinct(statements: list[Statement]) -> list[tuple[Statement, Number]]:
    found: list[tuple[Statement, Number]] = []
    for statement in statements:
        value = statement.value
        if value is not None and not any(_same(value, other) for _, other in found):
            found.append((statement, value))
    return found


def _fit(cell: Cell, statements: list[Statement], device: str) -> Statement | None:
    for statement in statements:
        if statement.value is not None and _same(cell.number, statement.value):
            return statement
    for statement in statements:
        values = [operand.value for operand in statement.formula.formula.operands] if statement.formula else []
        if statement.formula is not None:
            values.append(statement.formula.formula.value)  # the table may be right where the prose slipped
        if statement.value is not None and device == "310":
            values += [4 * statement.value.value, statement.value.value / 4]  # of one device, of the card
        if any(agree(cell.number, value) is Agreement.SAME for value in values):
            return statement
    return None


def _same(cell: Number, prose: Number) -> bool:
    return same_number(cell, prose)


def _differs(context: Context, cell: Cell, statements: list[Statement], what: str) -> None:
    values = {statement.value.value for statement in statements if statement.value}
    if len(values) != 1:
        context.ledger.skip(cell.line, Kind.CLAIM, cell.number.text)
        return
    statement = statements[0]
    value = next(iter(values))
    slip = agree(cell.number, value) is not Agreement.DIFFERENT
    wrong = context.ledger.flagged(statement.line, Kind.LABEL) and statement.line not in context.batches
    follows = wrong or context.ledger.flagged(statement.line, Kind.ARITHMETIC)
    context.ledger.find(
        Finding(
            cell.line,
            Kind.CLAIM,
            cell.number.text,
            statement.value.text if statement.value else show(value),
            f"line {statement.line}",
            f"the table has {cell.number.text} for {what}, the prose (line {statement.line}) {show(value)}",
            Severity.OPTIONAL if follows else Severity.DIGITS if slip else Severity.MAJOR,
        )
    )
