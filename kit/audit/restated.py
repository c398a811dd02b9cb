"""Measurements that a comparison or a product repeats: "batch1：91.86x4 > 1000/(2.9/1)", "Rate: 317.7，317.7x4=..."."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kit.audit.expressions import comparisons
from kit.audit.findings import Finding, Kind, Severity
from kit.audit.numbers import Agreement, Number, agree, number_from, same_number
from kit.audit.vocabulary import batches_in

if TYPE_CHECKING:
    from kit.audit.context import Context
    from kit.audit.expressions import Expression
    from kit.audit.statements import Statement

__all__ = ["check_restated"]

_QUOTE: Final = re.compile(
    r"Interface\s+th ?rough?put ?Rate\s*:\s*([0-9]+(?:\.[0-9]+)?)(?![0-9.])\s*(?:fps)?\s*[，,。;]", re.IGNORECASE
)


def check_restated(context: Context) -> None:
    """Compare what a line quotes with what it, or the statement of the same batch, works with."""
    for statement in context.statements:
        _quoted_beside(context, statement)
    measured: dict[tuple[str, int], list[Number]] = {}
    formulas: dict[int, list[Expression]] = {}
    for statement in context.statements:
        formula, device = statement.formula.formula if statement.formula else None, context.device(statement)
        number = _measured(formula) if formula else None
        if formula is None or number is None:
            continue
        if device is None:
            formulas.setdefault(statement.line, []).append(formula)  # in a section that compares devices
        else:
            measured.setdefault((device, context.batch(statement)), []).append(number)
    sizes: dict[tuple[str, float], set[int]] = {}
    for (device, size), numbers in measured.items():
        for number in numbers:
            sizes.setdefault((device, number.value), set()).add(size)
    rates = {block.rate[1].value for block in context.blocks if block.rate is not None}  # quoted from a run
    rates -= {value for _, value in sizes}
    for line, text in enumerate(context.document.lines, start=1):
        batches = set(batches_in(text))
        if len(batches) != 1 or context.document.in_table(line) or context.ledger.flagged(line, Kind.LABEL):
            continue
        batch = next(iter(batches))
        found = comparisons(text, decimal_comma=context.document.decimal_comma)
        sides = [side for one in found for side in (one.left, one.right)]
        for side in [*sides, *(formulas.get(line, []) if found else [])]:
            device, number = _device(side), _measured(side)
            if device is None or number is None or number.value in rates or (device, batch) not in measured:
                continue
            known = measured[device, batch]
            stated = sizes.get((device, number.value), set())
            if len(stated) == 1 and batch not in stated:
                _mislabelled(context, line, number, batch, next(iter(stated)), device)
            else:
                _compare(context, line, number, known, f"{device} batch {batch}")


def _measured(formula: Expression) -> Number | None:
    """The one measured number of a product with four or of 1000 / (mean / batch)."""
    decimals = [operand for operand in formula.operands if operand.unit < 1]
    return decimals[0] if len(decimals) == 1 and len(formula.operands) > 1 else None


def _device(side: Expression) -> str | None:
    """What such a formula is of: four devices make a 310 card, and a time is divided for the GPU."""
    values = [operand.value for operand in side.operands]
    if len(values) == 2 and values[1] == 4 and "/" not in side.text:
        return "310"
    return "T4" if 1000.0 in values and re.search(r"\(\s*[0-9.]+\s*/\s*[0-9]+\s*\)", side.text) else None


def _mislabelled(context: Context, line: int, number: Number, batch: int, right: int, device: str) -> None:
    message = f"the label says batch {batch}, but {number.text} is the measurement of {device} batch {right}"
    stated, meant = f"batch{batch}", f"batch{right}"
    context.ledger.find(Finding(line, Kind.LABEL, stated, meant, number.text, message, Severity.MAJOR))


def _compare(context: Context, line: int, number: Number, known: list[Number], what: str) -> None:
    if any(same_number(number, other) for other in known):
        context.ledger.hold(line, Kind.CLAIM, number.text, known[0].text, f"{what} as stated before")
        return
    message = f"{number.text} is compared, but the measurement of {what} is {known[-1].text}"
    # It may be of another run that the report does not show.
    context.ledger.find(Finding(line, Kind.CLAIM, number.text, known[-1].text, what, message, Severity.OPTIONAL))


def _quoted_beside(context: Context, statement: Statement) -> None:
    """Hold a quoted rate against the factor of the product behind it."""
    quote = _QUOTE.search(statement.text)
    number = _measured(statement.formula.formula) if statement.formula else None
    printed = number_from(quote[1]) if quote else None
    if printed is None or number is None or quote is None or statement.formula is None:
        return
    if "/" in statement.formula.formula.text or quote.end(1) > statement.formula.formula.start:
        return
    if same_number(number, printed) or agree(printed, 4 * number.value) is not Agreement.DIFFERENT:
        return
    if context.ledger.flagged(statement.line, Kind.CLAIM):
        return
    severity = Severity.MAJOR if agree(number, printed.value) is Agreement.DIFFERENT else Severity.DIGITS
    message = f"{printed.text} is quoted, but {number.text} is multiplied"
    context.ledger.find(Finding(statement.line, Kind.CLAIM, number.text, printed.text, printed.text, message, severity))
