"""The prose and a table state different throughputs for the same device and batch size.

One of the two is wrong, and so is every ratio that was computed from it.
"""

from __future__ import annotations

from kit.audit.facts.arithmetic import evaluated
from kit.audit.facts.printednumber import Agreement, Printed, agree, same_number, show
from kit.audit.facts.statements import Statement
from kit.audit.facts.views import NumberCell, RowRecord, View
from kit.audit.rule import Facts, Held, Kind, Outcome, Outcomes, Rule, Severity, Unknown
from kit.audit.verdict import misprinted, severity_of

__all__ = ["RULE"]

#: How many statements and cells of one batch size are compared with each other.
_MOST = 24


def _check(facts: Facts) -> Outcomes:
    """Compare each throughput cell with what the prose states for its device and batch size.

    If the prose states several values (before and after tuning), or several tables have the cell, one match is enough.
    """
    stated: dict[tuple[str, int], list[Statement]] = {}
    for statement in facts.near.statements:
        device = facts.labels.device(statement)
        if device is not None and statement.value is not None:
            stated.setdefault((device, facts.labels.batch(statement)), []).append(statement)
    for view in facts.views:
        yield from _variants(facts, view, stated)
    for (device, batch), statements in stated.items():
        yield from _same_quantity(facts, device, batch, statements[:_MOST])


def _same_quantity(facts: Facts, device: str, batch: int, statements: list[Statement]) -> Outcomes:
    cells = facts.cells(device, batch)[-_MOST:]
    fitting = [(cell, fit) for cell in cells if (fit := _fit(cell, statements, device)) is not None]
    for cell, statement in fitting:
        value = statement.value.text if statement.value else ""
        note = f"prose vs table: {device} batch {batch} is {value} in line {statement.line}"
        yield Held(cell.line, cell.number.text, value, note)
    if cells and not fitting:
        yield _differs(facts, cells[-1], statements, f"{device} batch {batch}")


def _variants(facts: Facts, view: View, stated: dict[tuple[str, int], list[Statement]]) -> Outcomes:
    """Compare two columns of one device, before and after tuning, with as many values in prose.

    Which is which does not matter: if all match but one in each, these two should be the same.
    """
    if not view.performance:
        return
    for device in {series.device for series in view.series if series.device}:
        places = [place for place in view.of_device(device) if not view.series[place].timed][:_MOST]
        for record in view.records if len(places) > 1 else ():
            prose = _distinct(stated.get((device, record.batch or 0), [])[:_MOST])
            cells = _rates(record, places)
            if record.best or record.accuracy or len(cells) != len(places) or len(prose) != len(cells):
                continue
            lost = [cell for cell in cells if not any(same_number(cell.number, value) for _, value in prose)]
            free = [one for one, value in prose if not any(same_number(cell.number, value) for cell in cells)]
            if len(lost) == len(free) == 1:
                yield _differs(facts, lost[0], [free[0]], f"{device} batch {record.batch}")


def _rates(record: RowRecord, places: list[int]) -> list[NumberCell]:
    return [cell for place in places if (cell := record.cells[place]) and cell.unit in {"", "rate"}]


def _distinct(statements: list[Statement]) -> list[tuple[Statement, Printed]]:
    found: list[tuple[Statement, Printed]] = []
    for statement in statements:
        value = statement.value
        if value is not None and not any(same_number(value, other) for _, other in found):
            found.append((statement, value))
    return found


def _fit(cell: NumberCell, statements: list[Statement], device: str) -> Statement | None:
    for statement in statements:
        if statement.value is not None and same_number(cell.number, statement.value):
            return statement
    for statement in statements:
        values = [operand.value for operand in statement.formula.formula.operands] if statement.formula else []
        if statement.formula is not None:
            values.append(statement.formula.formula.value)  # the table may be right and the prose wrong
        if statement.value is not None and device == "310":
            values += [4 * statement.value.value, statement.value.value / 4]  # of one device, or of the card
        if any(agree(cell.number, value) is Agreement.SAME for value in values):
            return statement
    return None


def _differs(facts: Facts, cell: NumberCell, statements: list[Statement], what: str) -> Outcome:
    values = {statement.value.value for statement in statements if statement.value}
    statement = statements[0]
    if len(values) != 1 or statement.value is None:
        return Unknown(cell.line, cell.number.text)
    value = values.pop()
    follows = _mislabelled(facts, statement) or _miscomputed(statement)
    severity = Severity.OPTIONAL if follows else severity_of(cell.number, value)
    where, right = f"line {statement.line}", statement.value.text
    message = f"the table has {cell.number.text} for {what}, but the prose ({where}) has {show(value)}"
    return misprinted(cell.line, cell.number, right, where, message, severity, how=f"{where}: {right}", subject=what)


def _mislabelled(facts: Facts, statement: Statement) -> bool:
    """Whether the label of the statement is wrong and the right one is unknown."""
    return statement.line in facts.labels.faulty and statement.line not in facts.labels.batches


def _miscomputed(statement: Statement) -> bool:
    """Whether the value of the statement is a wrong result of its formula."""
    found = evaluated(statement.formula) if statement.formula else None
    return found is not None and not found.doubtful and found.agreement is not Agreement.SAME


RULE = Rule(
    kind=Kind.CLAIM,
    bad="""\
# 性能

batch4 310P单卡吞吐率：163.917fps

| batch | 310P | T4 |
| --- | --- | --- |
| 4 | 153.917 | 100.1 |
""",
    corrections={"153.917": "163.917"},
    check=_check,
)
