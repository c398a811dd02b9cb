"""Numbers that one line prints twice: "Rate: 317.7，317.7x4=...", "Rate: 65.53，710吞吐率为65.53fps"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kit.audit.findings import Finding, Kind, Severity
from kit.audit.numbers import Agreement, Number, agree, number_from, same_number
from kit.audit.vocabulary import batches_in, devices_in

if TYPE_CHECKING:
    from kit.audit.context import Context

__all__ = ["check_beside"]

_NUMBER: Final = (
    r"(?<![0-9.])(?<![0-9],)([0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?)(?![0-9.]|,[0-9]{3})"
)
_QUOTE: Final = re.compile(
    rf"(?:Interface|ave_?)\s*th ?rough?put ?Rate\s*[:=]\s*{_NUMBER}(?!\s*[*x/])\s*(?:fps)?", re.IGNORECASE
)
#: What is multiplied behind the quote, with or without a result, or is said to be the throughput.
_AGAIN: Final = re.compile(
    rf"{_NUMBER}\s*(?:[x*]|乘以)\s*4(?![0-9.])"
    rf"|^\s*[，,。;]\s*{_NUMBER}\s*(?:fps)?\s*[，,]?\s*(?:即是|既是|即为|就是)"
    rf"|吞吐[率量]\s*(?:为|是|:)\s*{_NUMBER}(?!\s*[*x/])",
    re.IGNORECASE,
)
#: "2.01x4=8.04即batch1 310单卡吞吐率为8.04": the result again, in the same clause: another may speak of another run.
_RESULT: Final = re.compile(
    rf"=\s*{_NUMBER}\s*(?:fps)?\s*[，,]?\s*[即既][^0-9=]{{0,4}}[^=。，；,;]{{0,40}}?吞吐[率量]\s*(?:为|是|:)\s*{_NUMBER}"
)


def check_beside(context: Context) -> None:
    """Hold the second of two numbers that must be one against the first."""
    if context.document.decimal_comma:
        return
    for line, text in enumerate(context.document.lines, start=1):
        if "put" not in text.lower() and "吞吐" not in text:
            continue
        quotes = list(_QUOTE.finditer(text))
        if len(set(batches_in(text))) > 1 or "T4" in {device.name for device in devices_in(text)}:
            continue  # one may be of something else than the other
        if len(quotes) == 1 and not context.document.in_table(line):
            again = _AGAIN.search(text[quotes[0].end() :])
            if again is not None:
                _compare(context, line, quotes[0][1], next(filter(None, again.groups())))
        for match in _RESULT.finditer(text):
            _compare(context, line, match[1], match[2])


def _compare(context: Context, line: int, first: str, second: str) -> None:
    printed, number = number_from(first), number_from(second)
    if printed is None or number is None or context.ledger.flagged(line, Kind.CLAIM):
        return
    if same_number(number, printed) or _times_four(printed, number) or _times_four(number, printed):
        context.ledger.hold(line, Kind.CLAIM, second, first, "as on the same line before")
        return
    severity = Severity.MAJOR if agree(number, printed.value) is Agreement.DIFFERENT else Severity.DIGITS
    message = f"{first} is quoted, but {second} is worked with"
    context.ledger.find(Finding(line, Kind.CLAIM, second, first, first, message, severity))


def _times_four(one: Number, other: Number) -> bool:
    return agree(other, 4 * one.value) is not Agreement.DIFFERENT
