"""A product (the rate of one device times the devices of its card) is announced without its result.

The reader has to multiply, and the list never states the throughput of the card.
"""

from __future__ import annotations

import re

from kit.audit.facts.printednumber import number_from, show
from kit.audit.rule import Facts, Kind, Outcomes, Rule, Severity, Wrong

__all__ = ["RULE"]

_NO_RESULT = re.compile(
    r"(?<![0-9.])([0-9]+\.[0-9]+)\s{0,9}[x*]\s{0,9}4\s{0,9}[，,]?\s{0,9}(?:既是|即是|就是|即为|是)(?!\s{0,9}[0-9])",
    re.IGNORECASE,
)


def _check(facts: Facts) -> Outcomes:
    for line, text in enumerate(facts.document.lines, start=1):
        if "是" not in text and "即为" not in text:
            continue
        for match in _NO_RESULT.finditer(text):
            number = number_from(match[1])
            if number is not None:
                product = show(4 * number.value)
                how, inputs = f"{match[1]} x 4 = {product}", f"{match[1]}, 4"
                message = f"{match[1]} x 4 is announced, but its result {product} is not printed"
                yield Wrong(line, match[0], product, inputs, message, Severity.OPTIONAL, match.start(), computation=how)


RULE = Rule(
    kind=Kind.MISSING,
    bad="Interface throughputRate: 304.088，304.088x4既是batch16 310单卡吞吐率。\n",
    corrections={"304.088，304.088x4既是batch16": "304.088，304.088x4=1216.352既是batch16"},
    check=_check,
    severity=Severity.OPTIONAL,
)
