"""A sentence states two values and a change that does not lead from one to the other.

People quote the change, but it is the two values that were measured.
"""

from __future__ import annotations

from collections.abc import Iterator

from kit.audit.diagnostic import Kind, Severity
from kit.audit.facts.facts import Facts
from kit.audit.facts.printednumber import Agreement, agree, show
from kit.audit.facts.transitions import Transition, read_transitions
from kit.audit.rule import Held, Outcome, Rule, Wrong
from kit.audit.verdict import rounded

__all__ = ["RULE"]

#: People round such numbers freely: nearer than this is no finding.
_NEAR = 0.05


def _check(facts: Facts) -> Iterator[Outcome]:
    for one in read_transitions(facts.document):
        yield _compared(one)


def _compared(one: Transition) -> Outcome:
    for text, value, allowed in one.ways:
        if agree(one.stated, value, allowed) is Agreement.SAME or abs(one.stated.value / value - 1) <= _NEAR:
            return Held(one.line, one.text, show(value), text)
    text, value, _ = one.ways[0]
    return Wrong(
        one.line,
        one.stated.text,
        show(value),
        text,
        f"{text} = {show(value)}, but {one.text.strip()} is printed",
        Severity.MAJOR,
        one.stated.start,
        computation=f"{text} = {show(value)}",
        replacement=rounded(value, one.stated),
        subject=one.text.strip(),
    )


RULE = Rule(
    kind=Kind.CLAIM,
    bad="Quantization reduces the latency from 40.0 ms to 16.0 ms (3.5x faster).\n",
    corrections={"(3.5x": "(2.5x"},
    check=_check,
)
