"""From one device to the card: x 4 for the 310, x 1 for the 310P; and products that are announced but not printed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kit.audit.findings import Finding, Kind, Severity
from kit.audit.numbers import number_from, same_number, show

if TYPE_CHECKING:
    from kit.audit.context import Context
    from kit.audit.statements import Statement

__all__ = ["check_cards"]

_NO_RESULT: Final = re.compile(
    r"(?<![0-9.])([0-9]+\.[0-9]+)\s*[x*]\s*4\s*[，,]?\s*(?:既是|即是|就是|即为|是)(?!\s*[0-9])", re.IGNORECASE
)
_TIMES_FOUR: Final = re.compile(r"[x*]\s*4(?![0-9.])|乘|times (?:4|four)", re.IGNORECASE)


def check_cards(context: Context) -> None:
    """Look for a 310 card that was given the throughput of one device, and a 310P that was given four times its own."""
    for line, text in enumerate(context.document.lines, start=1):
        for match in _NO_RESULT.finditer(text):
            number = number_from(match[1])
            if number is not None:
                product = show(4 * number.value)
                message = f"{match[1]} x 4 is announced, but its result {product} is not printed"
                context.ledger.find(
                    Finding(line, Kind.MISSING, match[0], product, f"{match[1]}, 4", message, Severity.OPTIONAL)
                )
    for statement in context.statements:
        if statement.line in context.devices:
            continue
        if statement.device == "310" and statement.formula is None:
            _not_multiplied(context, statement)
        elif statement.device == "310P" and statement.formula is not None:
            _multiplied(context, statement)


def _not_multiplied(context: Context, statement: Statement) -> None:
    """Find "310 card: X" where X is what the tool printed for one device just above."""
    value = statement.value
    if value is None or value.unit >= 1 or not re.search("单卡|card", statement.text, re.IGNORECASE):
        return
    if _TIMES_FOUR.search(statement.text):
        return
    rates = [
        block.rate
        for block in context.blocks
        if block.tool in {"benchmark", "pure"} and block.rate is not None and 0 < statement.line - block.end <= 12
    ]
    if not any(same_number(value, rate[1]) for rate in rates):
        return
    cells = [cell for _, cell in context.cells("310", batch=context.batch(statement))]
    if any(same_number(value, cell.number) for cell in cells):
        return  # the report counts in devices throughout
    context.ledger.find(
        Finding(
            statement.line,
            Kind.UNIT,
            value.text,
            show(4 * value.value),
            f"{value.text}, 4",
            f"{value.text} is the throughput of one device; a 310 card has four, which makes {show(4 * value.value)}",
            Severity.MAJOR,
        )
    )


def _multiplied(context: Context, statement: Statement) -> None:
    """Find "310P card: X * 4" where X is what the tool printed for the one device of the card."""
    formula = statement.formula
    if formula is None or len(formula.formula.operands) != 2:
        return
    one, factor = formula.formula.operands
    if factor.value != 4 or factor.unit < 1 or one.unit >= 1 or "/" in formula.formula.text:
        return
    quoted = any(block.rate is not None and same_number(one, block.rate[1]) for block in context.blocks)
    if not quoted and statement.batch == 4:
        return
    context.ledger.find(
        Finding(
            statement.line,
            Kind.UNIT,
            formula.stated.text,
            one.text,
            f"{one.text}, 4",
            f"a 310P card has one device, so its throughput is {one.text}, not {formula.formula.text}",
            Severity.MAJOR,
        )
    )
