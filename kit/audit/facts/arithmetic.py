"""The value of a formula in the unit of its printed result."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from kit.audit.facts.expressions import Equation
from kit.audit.facts.printednumber import Agreement, Bounded, Printed, agree

__all__ = ["DEVICE_NUMBERS", "Evaluated", "evaluated"]

#: "710/310=2.07" is a ratio of two devices, not of two numbers.
DEVICE_NUMBERS = {310.0, 710.0, 910.0}
_SIGNS = "*/xX"
_MILLISECONDS = re.compile(r"(?<![a-z])ms(?![a-z])|毫秒", re.IGNORECASE)
_PER_SECOND = re.compile(r"(?:/|per)\s?s|[fq]ps|/\s?秒", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A formula in the unit of its result; ``doubtful`` if it may be something else (a date, a range)."""

    stated: Printed
    right: Bounded
    doubtful: bool

    @property
    def agreement(self) -> Agreement:
        """How the printed result compares with the value."""
        return agree(self.stated, self.right)


def evaluated(equation: Equation) -> Evaluated | None:
    """The value of a formula; None if its operands are names of devices."""
    formula, stated = equation.formula, equation.stated
    if {operand.value for operand in formula.operands} <= DEVICE_NUMBERS:
        return None
    doubtful = not any(sign in formula.text for sign in _SIGNS) and all(one.unit >= 1 for one in formula.operands)
    plain = Evaluated(stated, formula.right, doubtful)
    if _MILLISECONDS.search(formula.text) and _PER_SECOND.search(formula.text + equation.unit):
        return _of_one_second(plain)
    if equation.unit != "%" or plain.agreement is Agreement.SAME:
        return plain
    # 84.67%/85.27% = 99.30%: signs cancel out, or the operands have none.
    hundred = Evaluated(stated, formula.right.scaled(100), doubtful)
    quotient = "/" in formula.text and abs(formula.right.value) < 10
    if hundred.agreement is Agreement.SAME or "%" not in formula.text or quotient:
        return hundred
    return plain


def _of_one_second(plain: Evaluated) -> Evaluated:
    """The formula with its milliseconds in seconds, if that is nearer: "1840.2 images/s x 34.78 ms = 64"."""
    right, stated = abs(plain.right.value), abs(plain.stated.value)
    if not right or not stated:
        return plain
    factor = min((1.0, 1e-3, 1e3), key=lambda one: abs(math.log(right * one / stated)))
    return replace(plain, right=plain.right.scaled(factor))
