"""A formula is printed with the wrong result.

Readers copy the result, not the formula. One left over from another line ends up in tables.
"""

from __future__ import annotations

from kit.audit.facts.arithmetic import evaluated
from kit.audit.facts.printednumber import Agreement, show
from kit.audit.rule import Facts, Kind, Outcomes, Rule, Unknown
from kit.audit.verdict import compared

__all__ = ["RULE"]


def _check(facts: Facts) -> Outcomes:
    for line, equations in facts.formulas.items():
        for equation in equations:
            found = evaluated(equation)
            if found is None:
                continue
            if found.doubtful:
                yield Unknown(line, found.stated.text)  # it may be a date or a range
                continue
            text = equation.formula.text
            yield compared(
                line,
                found.stated,
                found.right,
                inputs=", ".join(operand.text for operand in equation.formula.operands),
                note=f"{text} = {show(found.right.value)}" if found.agreement is Agreement.SAME else text,
                subject=text,
            )


RULE = Rule(
    kind=Kind.ARITHMETIC,
    bad="batch4 310 card throughput: 1311.7 * 4 = 2712.568 fps\n",
    corrections={"2712.568": "5246.8"},
    check=_check,
)
