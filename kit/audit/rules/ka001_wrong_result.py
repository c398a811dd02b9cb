"""Formulas with a printed result, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator

from kit.audit.diagnostic import Kind
from kit.audit.facts.arithmetic import evaluated
from kit.audit.facts.facts import Facts
from kit.audit.facts.printednumber import Agreement, show
from kit.audit.rule import Outcome, Rule, Unknown
from kit.audit.verdict import compared

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Outcome]:
    for line, equations in facts.formulas.items():
        for equation in equations:
            found = evaluated(equation)
            if found is None:
                continue
            if found.doubtful:
                yield Unknown(line, found.stated.text)  # a date or a range reads like this
                continue
            text = equation.formula.text
            yield compared(
                line,
                found.stated,
                found.value,
                found.allowed,
                inputs=", ".join(operand.text for operand in equation.formula.operands),
                note=f"{text} = {show(found.value)}" if found.agreement is Agreement.SAME else text,
                start=found.stated.start,
                subject=text,
            )


RULE = Rule(
    id="KA001",
    name="wrong-result",
    kind=Kind.ARITHMETIC,
    summary="A formula is printed with a result that it does not have.",
    why="The product or quotient is what readers copy. A result left over from another line is repeated in tables.",
    bad="""\
batch4 310 card throughput: 1311.7 * 4 = 2712.568 fps
""",
    corrections={"2712.568": "5246.8"},
    check=_check,
)
