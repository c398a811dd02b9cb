"""A line repeats the rate of the run above it with a different number.

One of the two is left over from an earlier run, and the reader cannot tell which.
"""

from __future__ import annotations

import re

from kit.audit.facts.printednumber import Agreement, Printed, agree, number_from, same_number
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
    rates = _Rates([rate[1] for run in facts.near.runs if (rate := run.rate) is not None])
    for line, text in enumerate(facts.document.lines, start=1):
        match = _QUOTE.match(text)
        number = number_from(match[1], start=match.start(1)) if match else None
        if number is None:
            continue
        above = facts.near.runs_above(line, ("benchmark", "pure", "ais"))
        rate = above[0].rate if above and line - above[0].end <= _NEAR else None
        if rate is None or facts.near.stated(above[0].end, line):
            continue
        if rates.has(number):
            if same_number(number, rate[1]):
                yield Held(line, number.text, rate[1].text, f"the rate of line {rate[0]}")
            continue
        mark = facts.near.mark_of(above[0])
        batches = batches_in(text)
        if mark is not None and batches and mark.batch not in batches:
            continue
        severity = severity_of(number, rate[1].value)
        message = f"{number.text} is quoted, but the rate of the run above (line {rate[0]}) is {rate[1].text}"
        yield misprinted(line, number, rate[1].text, f"line {rate[0]}", message, severity)


class _Rates:
    """The rates of all runs, to find one that a number prints: the rate itself or that of four devices."""

    def __init__(self, rates: list[Printed]) -> None:
        self._by_size: dict[int, list[Printed]] = {}
        for rate in rates:
            for value in (rate.value, 4 * rate.value):
                alike = self._by_size.setdefault(int(value), [])
                if rate not in alike[:32] and len(alike) < 32:
                    alike.append(rate)

    def has(self, number: Printed) -> bool:
        """Whether a run has this rate."""
        size = int(number.value)
        near = [rate for key in (size - 1, size, size + 1) for rate in self._by_size.get(key, ())]
        return any(same_number(number, one) or agree(number, 4 * one.value) is Agreement.SAME for one in near)


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
