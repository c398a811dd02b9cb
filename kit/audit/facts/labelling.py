"""Labels of statements: the batch size and card that each names, and what its formula or list says about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from kit.audit.facts.expressions import Equation
from kit.audit.facts.printednumber import Printed
from kit.audit.facts.statements import DIVISION, Statement

__all__ = ["SERIES", "LabelCheck", "Labels", "divided_batch", "formula_batch", "missing_of_series"]

_TIMES_FOUR = re.compile(r"[0-9]\s{0,9}[x*]\s{0,9}4(?![0-9.])", re.IGNORECASE)
#: The batch sizes that these reports measure, in order.
SERIES = (1, 4, 8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class LabelCheck:
    """What was found about a label: ``cause`` is formula, table, list, heading or device.

    ``right`` is what it should be, or what confirmed it; ``inputs`` are what shows that it is wrong.
    """

    cause: str
    line: int
    stated: str
    right: str
    message: str
    inputs: str = ""


@dataclass(slots=True)
class Labels:
    """What is known about labels: the right ``batches`` and ``devices`` by line, wrong labels, and confirmed ones."""

    batches: dict[int, int] = field(default_factory=dict)
    devices: dict[int, str] = field(default_factory=dict)
    wrong: list[LabelCheck] = field(default_factory=list)
    confirmed: list[LabelCheck] = field(default_factory=list)
    faulty: set[int] = field(default_factory=set)

    def batch(self, statement: Statement) -> int:
        """The batch size of a statement, corrected if its label is wrong."""
        return self.batches.get(statement.line, statement.batch)

    def device(self, statement: Statement) -> str | None:
        """The device of a statement, corrected if its label is wrong."""
        return self.devices.get(statement.line, statement.target)

    def reject(self, check: LabelCheck) -> None:
        """Note a wrong label."""
        self.wrong.append(check)
        self.faulty.add(check.line)


def formula_batch(equation: Equation, device: str | None) -> int | None:
    """The batch size in a formula of throughput: the B of 1000/(mean/B), 1000*B/mean, or qps x B on a GPU."""
    operands = equation.formula.operands
    integers = [operand for operand in operands if operand.unit >= 1 and operand.value != 1000]
    measured = [operand for operand in operands if operand.unit < 1]
    if any(operand.value == 1000 for operand in operands):
        divided = DIVISION.findall(equation.formula.text)
        if len(divided) == 1:
            if device == "310" and divided == ["4"] and len(integers) == 1:
                return None  # 1000/(ms/4): 4 can be the devices of the card or the batch size
            return int(divided[0]) if 1 <= int(divided[0]) <= 1024 else None
        if device == "310" and len(integers) == 2 and integers[-1].value == 4:
            integers = integers[:1]  # the last factor is the devices of the card
        if len(integers) != 1 or len(measured) != 1 or (device == "310" and integers[0].value == 4):
            return None
        return _batch_size(integers[0])
    if device == "T4" and len(operands) == 2 and len(integers) == 1 and len(measured) == 1:
        return _batch_size(integers[0]) if any(sign in equation.formula.text for sign in "*xX") else None
    return None


def divided_batch(statement: Statement) -> int | None:
    """The batch size in a formula without a printed result, such as a comparison of two formulas."""
    divided = {int(batch) for batch in DIVISION.findall(statement.text)}
    if statement.batch in divided:
        return statement.batch
    if divided == {4} and statement.target != "T4" and not _TIMES_FOUR.search(statement.text):
        return None  # the devices of a 310 card
    return divided.pop() if len(divided) == 1 else None


def missing_of_series(labels: list[int]) -> tuple[int, int, int] | None:
    """The index of the wrong one of two equal labels, of the other, and the right batch size; None if unclear."""
    if not 4 <= len(labels) <= len(SERIES) or len(set(labels)) != len(labels) - 1 or not set(labels) <= set(SERIES):
        return None
    repeated = [place for place, label in enumerate(labels) if labels.count(label) == 2]
    options = [
        (place, other, left_out)
        for place, other in (repeated, repeated[::-1])
        for left_out in set(SERIES) - set(labels)
        if (*labels[:place], left_out, *labels[place + 1 :]) == SERIES[: len(labels)]
    ]
    return options[0] if len(options) == 1 else None


def _batch_size(number: Printed) -> int | None:
    return int(number.value) if 1 <= number.value <= 1024 else None
