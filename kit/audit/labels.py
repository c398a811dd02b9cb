"""Labels of batch and card: against the formula beside them, the table, their neighbours."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from kit.audit.findings import Finding, Kind, Severity
from kit.audit.numbers import Agreement, agree, same_number
from kit.audit.toolblocks import file_batch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.audit.context import Context
    from kit.audit.expressions import Equation
    from kit.audit.numbers import Number
    from kit.audit.statements import Statement

__all__ = ["check_labels", "formula_batch"]

_DIVISION: Final = re.compile(r"\(\s*[0-9.]+\s*(?:ms)?\s*/\s*([0-9]{1,4})\s*\)")
_TIMES_FOUR: Final = re.compile(r"[0-9]\s*[x*]\s*4(?![0-9.])", re.IGNORECASE)
_LABEL_TEXT: Final = re.compile(r"(?:batch[\s_-]*size|batch|bs)\s*[:=_]?\s*([0-9]{1,4})", re.IGNORECASE)
_STRANGE_CARD: Final = re.compile(
    r"(?:batch|bs)\D{0,6}[0-9]{1,3}\D{0,3}?\b([TtPp][0-9]{1,2})(?=\s*(?:单卡|card|throughput))"
)
_RUN_BATCH: Final = re.compile(r"-batch_?size[= ]([0-9]{1,4})(?![0-9])")
_USUAL: Final = {1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 256, 512, 1024}
_SERIES: Final = (1, 4, 8, 16, 32, 64)
_LETTERS_OF_CARDS: Final = {"T4", "P4"}


def check_labels(context: Context) -> None:
    """Run the label checks; wrong batches and devices are corrected in the context for the checks that follow."""
    for statement in context.statements:
        _against_formula(context, statement)
        _card(context, statement)
    _against_tables(context)
    _against_neighbours(context)
    _odd_headings(context)
    _rows(context)


def formula_batch(equation: Equation, device: str | None) -> int | None:
    """The batch that a formula of throughput uses: the B of 1000/(mean/B), 1000*B/mean, or of qps x B on a GPU."""
    operands = equation.formula.operands
    integers = [operand for operand in operands if operand.unit >= 1 and operand.value != 1000]
    measured = [operand for operand in operands if operand.unit < 1]
    if any(operand.value == 1000 for operand in operands):
        divided = _DIVISION.findall(equation.formula.text)
        if len(divided) == 1:
            if device == "310" and divided == ["4"] and len(integers) == 1:
                return None  # 1000/(ms/4): by the four devices of the card, or by a batch of four
            return int(divided[0]) if 1 <= int(divided[0]) <= 1024 else None
        if device == "310" and len(integers) == 2 and integers[-1].value == 4:
            integers = integers[:1]  # the last factor is the four devices of the card
        if len(integers) != 1 or len(measured) != 1:
            return None
        if device == "310" and integers[0].value == 4:
            return None
        return _batch_size(integers[0])
    if device == "T4" and len(operands) == 2 and len(integers) == 1 and len(measured) == 1:
        return _batch_size(integers[0]) if any(sign in equation.formula.text for sign in "*xX") else None
    return None


def _divided(statement: Statement) -> int | None:
    """The batch in the formula of a line that prints no result, such as a comparison of two formulas."""
    divided = {int(batch) for batch in _DIVISION.findall(statement.text)}
    if statement.batch in divided:
        return statement.batch
    if divided == {4} and statement.target != "T4" and not _TIMES_FOUR.search(statement.text):
        return None  # the four devices of a 310 card
    return divided.pop() if len(divided) == 1 else None


def _batch_size(number: Number) -> int | None:
    return int(number.value) if 1 <= number.value <= 1024 else None


def _shown(statement: Statement) -> str:
    match = _LABEL_TEXT.search(statement.text)
    return "".join(match[0].split()) if match else f"batch{statement.batch}"


def _against_formula(context: Context, statement: Statement) -> None:
    used = None
    if statement.formula is not None:
        used = formula_batch(statement.formula, statement.target)
    elif "1000" in statement.text:
        used = _divided(statement)
    if used is None or not statement.labelled:
        return
    label = _shown(statement)
    if used == statement.batch:
        context.ledger.hold(statement.line, Kind.LABEL, label, str(used), "label equals the batch of the formula")
        return
    slipped = False
    if statement.formula is not None and statement.value is not None:
        wrong = agree(statement.value, statement.formula.formula.value) is Agreement.DIFFERENT
        scaled = statement.formula.formula.value * statement.batch / used
        slipped = wrong and agree(statement.value, scaled) is not Agreement.DIFFERENT
    if not slipped:
        context.batches[statement.line] = used
    formula = statement.formula.formula.text if statement.formula else statement.text.strip()[:60]
    context.ledger.find(
        Finding(
            statement.line,
            Kind.LABEL,
            label,
            f"batch{used}",
            formula,
            f"the label says batch {statement.batch}, the formula {formula} is that of batch {used}",
            Severity.MAJOR,
        )
    )


def _card(context: Context, statement: Statement) -> None:
    """A card that does not exist ("T1") in a section about one that does."""
    match = _STRANGE_CARD.search(statement.text)
    if match is None or match[1].upper() in _LETTERS_OF_CARDS or statement.place is None:
        return
    if statement.place[0] != match[1][0].upper():
        return
    context.ledger.find(
        Finding(
            statement.line,
            Kind.LABEL,
            match[1],
            statement.place,
            statement.place,
            f"the label names the card {match[1]}; the section is about {statement.place}",
            Severity.MAJOR,
        )
    )


def _against_tables(context: Context) -> None:
    """A value that the table has under another batch or another card, and not where its label puts it."""
    peers: dict[str, list[Statement]] = {}
    for statement in context.statements:
        device = context.device(statement)
        if device is not None and statement.value is not None:
            peers.setdefault(device, []).append(statement)
    for device, statements in peers.items():
        for statement in statements:
            if not statement.labelled or statement.line in context.batches or _value(statement) == 0:
                continue
            own = context.cells(device, batch=statement.batch)
            if not own or any(_is(statement, cell.number) for _, cell in own):
                continue
            elsewhere = {batch for batch, cell in context.cells(device) if _is(statement, cell.number)}
            if len(elsewhere) == 1 and _is_free(context, statement, statements, device, min(elsewhere)):
                batch = elsewhere.pop()
                context.batches[statement.line] = batch
                shown = statement.value.text if statement.value else ""
                _find_batch(context, statement, batch, f"the table has {shown} for {device} at batch {batch}")
                continue
            _card_by_table(context, statement, device)


def _is_free(context: Context, statement: Statement, peers: list[Statement], device: str, batch: int) -> bool:
    """Whether no other line states that batch already, or another line is right under the label of this one."""
    others = [other for other in peers if other is not statement]

    def right(other: Statement, size: int) -> bool:
        fits = (cell for _, cell in context.cells(device, batch=size) if _is(other, cell.number))
        return context.batch(other) == size and next(fits, None) is not None

    return any(right(other, statement.batch) for other in others) or not any(right(other, batch) for other in others)


def _card_by_table(context: Context, statement: Statement, device: str) -> None:
    if statement.device is None or statement.value is None:
        return
    others = {
        series.device for view in context.views for series in view.series if series.device not in {None, device, "NPU"}
    }
    fitting = [
        other
        for other in others
        if other is not None
        and any(_is(statement, cell.number) for _, cell in context.cells(other, batch=statement.batch))
    ]
    if len(fitting) != 1:
        return
    context.devices[statement.line] = fitting[0]
    context.ledger.find(
        Finding(
            statement.line,
            Kind.LABEL,
            device,
            fitting[0],
            statement.value.text,
            f"the label says {device}, but the table has {statement.value.text} for {fitting[0]}",
            Severity.MAJOR,
        )
    )


def _is(statement: Statement, number: Number) -> bool:
    return statement.value is not None and len(number.text.strip("0.")) >= 3 and same_number(statement.value, number)


def _find_batch(context: Context, statement: Statement, batch: int, why: str) -> None:
    context.ledger.find(
        Finding(
            statement.line,
            Kind.LABEL,
            _shown(statement),
            f"batch{batch}",
            statement.value.text if statement.value else "",
            f"the label says batch {statement.batch}, but {why}",
            Severity.MAJOR,
        )
    )


def _groups(context: Context) -> Iterator[list[Statement]]:
    """Statements of one device that follow each other in one section."""
    group: list[Statement] = []
    for statement in context.statements:
        if statement.value is None or not statement.labelled:
            continue
        if group and (
            statement.target != group[-1].target
            or context.document.section(statement.line) != context.document.section(group[-1].line)
        ):
            yield group
            group = []
        group.append(statement)
    if group:
        yield group


def _against_neighbours(context: Context) -> None:
    """Two lines for the same batch in a list that is in order once one of them gets the batch that is left out."""
    for group in _groups(context):
        fixed = _mend([context.batch(statement) for statement in group])
        if fixed is None:
            continue
        place, twin, batch = fixed
        statement = group[place]
        if _value(statement) == _value(group[twin]):
            continue
        context.batches[statement.line] = batch
        _find_batch(context, statement, batch, f"the list has batch {statement.batch} twice and lacks batch {batch}")


def _mend(labels: list[int]) -> tuple[int, int, int] | None:
    """Place of the wrong one of two equal labels, place of the other, and the right batch; None where it is open."""
    if len(labels) < 4 or len(set(labels)) != len(labels) - 1 or not set(labels) <= set(_SERIES):
        return None
    repeated = [place for place, label in enumerate(labels) if labels.count(label) == 2]
    options = [
        (place, other, left_out)
        for place, other in (repeated, repeated[::-1])
        for left_out in set(_SERIES) - set(labels)
        if (*labels[:place], left_out, *labels[place + 1 :]) == _SERIES[: len(labels)]
    ]
    return options[0] if len(options) == 1 else None


def _rows(context: Context) -> None:
    """Two rows of a table for the same batch, in an order that shows which is meant for another."""
    for view in context.views:
        rows = [record for record in view.records if not record.best and not record.accuracy and record.batch]
        fixed = _mend([record.batch or 0 for record in rows])
        if fixed is None or view.transposed:
            continue
        place, _, batch = fixed
        context.ledger.find(
            Finding(
                rows[place].line,
                Kind.LABEL,
                rows[place].label,
                f"bs{batch}",
                ", ".join(record.label for record in rows),
                f"two rows are labelled {rows[place].label}, and none batch {batch}",
                Severity.MAJOR,
            )
        )


def _odd_headings(context: Context) -> None:
    """A heading for a batch that nobody runs ("batch6") above a command and a result file of another."""
    for mark, after in pairwise([*context.marks, None]):
        if mark is None or mark.batch in _USUAL:
            continue
        until = min(mark.line + 10, after.line if after else mark.line + 10, len(context.document.lines))
        below = context.document.lines[mark.line : until]
        named = {int(match[1]) for text in below for match in _RUN_BATCH.finditer(text)}
        files = {batch for text in below if (batch := file_batch(text)) is not None}
        if len(named) == 1 and named == files:
            batch = named.pop()
            context.ledger.find(
                Finding(
                    mark.line,
                    Kind.LABEL,
                    f"batch{mark.batch}",
                    f"batch{batch}",
                    "command and result file below",
                    f"the heading says batch {mark.batch}, the command and the result file below are of batch {batch}",
                    Severity.MAJOR,
                )
            )


def _value(statement: Statement) -> float:
    return statement.value.value if statement.value else 0.0
