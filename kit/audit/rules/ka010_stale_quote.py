"""A line repeats the rate of the run above it with a different number.

One of the two is left over from an earlier run, and the reader cannot tell which.
"""

from __future__ import annotations

import re

from kit.audit.facts.printednumber import number_from, same_number
from kit.audit.facts.valueindex import ValueIndex
from kit.audit.facts.vocabulary import batches_in
from kit.audit.rule import Facts, Held, Kind, Outcomes, Rule
from kit.audit.verdict import misprinted, severity_of

__all__ = ["RULE"]

_QUOTE = re.compile(
    r"^[^\[\]]{0,40}Interface\s{0,9}th ?rough?put ?Rate\W{0,4}[:=]\W{0,4}([0-9]+\.[0-9]+)(?![0-9.])(?!\s{0,9}/)",
    re.IGNORECASE,
)
#: A quote is at most so many lines below its run.
_NEAR = 5


def _check(facts: Facts) -> Outcomes:
    rates: ValueIndex[None] = ValueIndex()
    for rate in filter(None, (run.rate for run in facts.near.runs)):
        rates.add(rate[1], None)
        rates.add(rate[1].scaled(4), None)  # of the four devices of a card
    for line, text in enumerate(facts.document.lines, start=1):
        match = _QUOTE.match(text)
        number = number_from(match[1], start=match.start(1)) if match else None
        if number is None:
            continue
        above = facts.near.runs_above(line, ("benchmark", "pure", "ais"))
        shown = above[0].rate if above and line - above[0].end <= _NEAR else None
        if shown is None or facts.near.stated(above[0].end, line):
            continue
        if any(True for _ in rates.like(number)):
            if same_number(number, shown[1]):
                yield Held(line, number.text, shown[1].text, f"the rate of line {shown[0]}")
            continue
        mark = facts.near.mark_of(above[0])
        batches = batches_in(text)
        if mark is not None and batches and mark.batch not in batches:
            continue
        severity = severity_of(number, shown[1].value)
        message = f"{number.text} is quoted, but the rate of the run above (line {shown[0]}) is {shown[1].text}"
        yield misprinted(line, number, shown[1].text, f"line {shown[0]}", message, severity)


RULE = Rule(
    kind=Kind.CLAIM,
    bad="""\
```
[infer] throughputRate: 251.37, Interface throughputRate: 271.263, moduleLatency: 3.58
```

Interface throughputRate: 2013.05
""",
    corrections={"2013.05": "271.263"},
    check=_check,
)
