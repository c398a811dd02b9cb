"""A comparison of two numbers or formulas is false.

Such a line is offered as proof that the target was met, and nobody redoes the arithmetic.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

from kit.audit.facts.arithmetic import DEVICE_NUMBERS
from kit.audit.facts.printednumber import show
from kit.audit.facts.vocabulary import THROUGHPUT, batches_in, devices_in
from kit.audit.rule import Facts, Held, Kind, Outcomes, Rule, Unknown, Wrong

__all__ = ["RULE"]

_SIGNS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def _check(facts: Facts) -> Outcomes:
    for line, found in facts.comparisons.items():
        text = facts.document.lines[line - 1]
        spoken = bool(devices_in(text) or batches_in(text) or THROUGHPUT.search(text))
        for one in found:
            operands = (one.left, one.right)
            if not spoken and not any(operand.unit in {"fps", "qps"} or operand.compound for operand in operands):
                continue  # it may compare versions
            stated = f"{one.left.text} {one.sign} {one.right.text}"
            left, right = one.left.value, one.right.value
            if any(operand.number is not None and operand.value in DEVICE_NUMBERS for operand in operands):
                yield Unknown(line, stated)  # "710 > 1.2*310" compares devices
                continue
            shown = f"{show(left)} vs {show(right)}"
            if _SIGNS[one.sign](left, right) or abs(left - right) <= 1e-9 * abs(left):
                yield Held(line, stated, shown, "comparison holds")
                continue
            inputs, message = f"{show(left)}, {show(right)}", f"{stated} is false: it compares {shown}"
            yield Wrong(line, stated, shown, inputs, message, start=one.left.start, computation=shown)


RULE = Rule(
    kind=Kind.CLAIM,
    bad="310P vs 310: 1535.3fps > 1.2 * 1361.796fps\n",
    corrections={"1535.3fps": "1635.3fps"},
    check=_check,
)
