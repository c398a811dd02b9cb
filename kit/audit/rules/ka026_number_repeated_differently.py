"""A line prints the same measurement twice with different values.

One of them is a typo, and the product computed from it is wrong too.
"""

from __future__ import annotations

import re

from kit.audit.facts.printednumber import Agreement, Printed, agree, number_from, same_number
from kit.audit.facts.vocabulary import batches_in, devices_in
from kit.audit.rule import Facts, Held, Kind, Outcomes, Rule, Wrong
from kit.audit.verdict import severity_of

__all__ = ["RULE"]

_NUMBER = r"(?<![0-9.])(?<![0-9],)([0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?)(?![0-9.]|,[0-9]{3})"
_QUOTE = re.compile(
    rf"(?:Interface|ave_?)\s{{0,9}}th ?rough?put ?Rate"
    rf"\s{{0,9}}[:=]\s{{0,9}}{_NUMBER}(?!\s{{0,9}}[*x/])\s{{0,9}}(?:fps)?",
    re.IGNORECASE,
)
#: A number after the quote that is multiplied, with or without a result, or called the throughput.
_AGAIN = re.compile(
    rf"{_NUMBER}\s{{0,9}}(?:[x*]|乘以)\s{{0,9}}4(?![0-9.])"
    rf"|^\s{{0,9}}[，,。;]\s{{0,9}}{_NUMBER}\s{{0,9}}(?:fps)?\s{{0,9}}[，,]?\s{{0,9}}(?:即是|既是|即为|就是)"
    rf"|吞吐[率量]\s{{0,9}}(?:为|是|:)\s{{0,9}}{_NUMBER}(?!\s{{0,9}}[*x/])",
    re.IGNORECASE,
)
#: "2.01x4=8.04即batch1 310单卡吞吐率为8.04": the result again in the same clause; another may be about another run.
_RESULT = re.compile(
    rf"=\s{{0,9}}{_NUMBER}\s{{0,9}}(?:fps)?\s{{0,9}}[，,]?\s{{0,9}}[即既][^0-9=]{{0,4}}[^=。，；,;]{{0,40}}?吞吐[率量]\s{{0,9}}(?:为|是|:)\s{{0,9}}{_NUMBER}"
)


def _check(facts: Facts) -> Outcomes:
    if facts.document.decimal_comma:
        return
    for line, text in enumerate(facts.document.lines, start=1):
        if "put" not in text.lower() and "吞吐" not in text:
            continue
        quotes = list(_QUOTE.finditer(text))
        if len(set(batches_in(text))) > 1 or "T4" in {device.name for device in devices_in(text)}:
            continue  # the two numbers may measure different things
        if len(quotes) == 1 and not facts.document.in_table(line):
            behind = quotes[0].end()
            again = _AGAIN.search(text[behind:])
            if again is not None:
                group = again.lastindex or 1
                yield from _compared(line, quotes[0][1], again[group], behind + again.start(group))
        for match in _RESULT.finditer(text):
            yield from _compared(line, match[1], match[2], match.start(2))


def _compared(line: int, first: str, second: str, start: int) -> Outcomes:
    printed, number = number_from(first), number_from(second)
    if printed is None or number is None:
        return
    if same_number(number, printed) or _times_four(printed, number) or _times_four(number, printed):
        yield Held(line, second, first, "as on the same line before")
        return
    severity = severity_of(number, printed.value)
    message = f"{first} is quoted, but {second} is used"
    yield Wrong(line, second, first, first, message, severity, start)


def _times_four(one: Printed, other: Printed) -> bool:
    return agree(other, 4 * one.value) is not Agreement.DIFFERENT


RULE = Rule(
    kind=Kind.CLAIM,
    bad="Interface throughputRate: 317.707，371.707x4=1486.828fps。\n",
    corrections={"317.707，371.707x4=1486.828fps。": "317.707，317.707x4=1270.828fps。"},
    check=_check,
)
