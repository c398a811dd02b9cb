"""Formulas with a printed result, wherever they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kit.audit.expressions import Equation, equations
from kit.audit.findings import Kind
from kit.audit.numbers import Agreement, agree, show

if TYPE_CHECKING:
    from kit.audit.context import Context

__all__ = ["DEVICE_NUMBERS", "check_products", "input_slack"]

#: "710/310=2.07" is a ratio of two devices, not of two numbers.
DEVICE_NUMBERS: Final = {310.0, 710.0, 910.0}


def check_products(context: Context) -> None:
    """Recompute every formula and compare it with the result that stands behind its equals sign."""
    for line, text in enumerate(context.document.lines, start=1):
        if "=" not in text and "约等于" not in text and "倍" not in text:
            continue
        if context.document.is_command(line) and "吞吐" not in text:
            continue
        for equation in equations(text, decimal_comma=context.document.decimal_comma):
            _check(context, line, equation)


def _check(context: Context, line: int, equation: Equation) -> None:
    formula, stated = equation.formula, equation.stated
    values = {operand.value for operand in formula.operands}
    if values <= DEVICE_NUMBERS:
        return
    plain_sum = not any(sign in formula.text for sign in "*/xX")
    if plain_sum and all(operand.unit >= 1 for operand in formula.operands):
        context.ledger.skip(line, Kind.ARITHMETIC, stated.text)  # a date or a range reads like this
        return
    value = formula.value
    if equation.unit == "%" and "%" not in formula.text and agree(stated, value) is not Agreement.SAME:
        value *= 100
    context.compare(
        line,
        Kind.ARITHMETIC,
        stated,
        value,
        inputs=", ".join(operand.text for operand in formula.operands),
        note=f"{formula.text} = {show(value)}" if agree(stated, value) is Agreement.SAME else formula.text,
        loose=input_slack(equation),
    )


def input_slack(equation: Equation) -> float:
    """How far the result can move when each operand with decimals was itself rounded."""
    relative = sum(
        operand.unit / 2 / abs(operand.value)
        for operand in equation.formula.operands
        if operand.unit < 1 and operand.value
    )
    return relative * abs(equation.formula.value)
