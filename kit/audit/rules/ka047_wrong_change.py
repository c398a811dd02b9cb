"""A sentence states two values and a change that does not lead from one to the other.

People quote the change, but it is the two values that were measured.
"""

from __future__ import annotations

from kit.audit.facts.printednumber import Agreement, agree, show
from kit.audit.facts.transitions import Transition, read_transitions
from kit.audit.rule import Facts, Held, Kind, Outcome, Outcomes, Rule
from kit.audit.verdict import miscomputed

__all__ = ["RULE"]

#: People round such numbers freely; nearer than this is no finding.
_NEAR = 0.05


def _check(facts: Facts) -> Outcomes:
    for one in read_transitions(facts.document):
        yield _compared(one)


def _compared(one: Transition) -> Outcome:
    exact = [way for way in one.ways if agree(one.stated, way[1]) is Agreement.SAME]
    near = [way for way in one.ways if abs(one.stated.value / way[1].value - 1) <= _nearness(way[0])]
    for text, right in (exact or near)[:1]:
        return Held(one.line, one.text, show(right.value), text)
    text, right = one.ways[0]
    message = f"{text} = {show(right.value)}, but {one.text.strip()} is printed"
    return miscomputed(
        one.line,
        one.stated,
        right.value,
        text,
        message,
        Agreement.DIFFERENT,
        subject=one.text.strip(),
    )


def _nearness(way: str) -> float:
    """What is left, in per cent, is not rounded that freely: 98.3 % is not 99.3 %."""
    return _NEAR if "-" in way or not way.endswith("x 100") else _NEAR / 10


RULE = Rule(
    kind=Kind.CLAIM,
    bad="Quantization reduces the latency from 40.0 ms to 16.0 ms (3.5x faster).\n",
    corrections={"(3.5x": "(2.5x"},
    check=_check,
)
