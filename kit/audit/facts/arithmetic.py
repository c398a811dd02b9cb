"""The value of a formula with its result, as the printed unit wants it."""

from __future__ import annotations

from dataclasses import dataclass

from kit.audit.facts.expressions import Equation
from kit.audit.facts.printednumber import Agreement, Interval, Printed, agree

__all__ = ["DEVICE_NUMBERS", "Evaluated", "evaluated"]

#: "710/310=2.07" is a ratio of two devices, not of two numbers.
DEVICE_NUMBERS = {310.0, 710.0, 910.0}
_SIGNS = "*/xX"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What a formula gives in the unit of its result; ``doubtful`` where it may be no formula (a date, a range)."""

    stated: Printed
    value: float
    allowed: Interval
    doubtful: bool

    @property
    def agreement(self) -> Agreement:
        """How the printed result relates to the value."""
        return agree(self.stated, self.value, self.allowed)


def evaluated(equation: Equation) -> Evaluated | None:
    """The value of a formula; None where it is one of device names."""
    formula, stated = equation.formula, equation.stated
    if {operand.value for operand in formula.operands} <= DEVICE_NUMBERS:
        return None
    doubtful = not any(sign in formula.text for sign in _SIGNS) and all(one.unit >= 1 for one in formula.operands)
    plain = Evaluated(stated, formula.value, formula.allowed, doubtful)
    if equation.unit != "%" or plain.agreement is Agreement.SAME:
        return plain
    # 84.67%/85.27% = 99.30%: signs cancel out, or the operands have none.
    hundred = Evaluated(
        stated, formula.value * 100, Interval(formula.allowed.low * 100, formula.allowed.high * 100), doubtful
    )
    quotient = "/" in formula.text and abs(formula.value) < 10
    if hundred.agreement is Agreement.SAME or "%" not in formula.text or quotient:
        return hundred
    return plain
