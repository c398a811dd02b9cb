"""A throughput is given in ms, or a latency in fps.

The number may be a time mistaken for a rate, and the reader cannot tell.
"""

from __future__ import annotations

import re

from kit.audit.rule import Facts, Kind, Outcomes, Rule, Wrong

__all__ = ["RULE"]

_NUMBER = r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?"
_RATE = re.compile(
    rf"(?:吞吐率|吞吐量|throu?ghput(?:Rate)?)\s{{0,9}}(?:约为|为|是|is|[:=])[^0-9，。;]{{0,12}}"
    rf"(?:[0-9./()*x\s]{{1,60}}=\s{{0,9}})?({_NUMBER})\s{{0,9}}(ms|毫秒)(?![A-Za-z])",
    re.IGNORECASE,
)
_TIME = re.compile(
    rf"(?:时延|延迟|latency)\s{{0,9}}(?:约为|为|是|is|[:=])[^0-9，。;]{{0,12}}"
    rf"({_NUMBER})\s{{0,9}}(fps|qps|samples/s)(?![A-Za-z])",
    re.IGNORECASE,
)


def _check(facts: Facts) -> Outcomes:
    for line, text in enumerate(facts.document.lines, start=1):
        for pattern, word, right in ((_RATE, "throughput", "fps"), (_TIME, "latency", "ms")):
            for match in pattern.finditer(text):
                stated = f"{match[1]} {match[2]}"
                message = f"a {word} is given in {match[2]}"
                yield Wrong(line, stated, f"{match[1]} {right}", match[0], message, start=match.start(1))


RULE = Rule(
    kind=Kind.UNIT,
    bad="batch1 310P 吞吐率：12.5 ms\n",
    corrections={"ms": "fps"},
    check=_check,
)
