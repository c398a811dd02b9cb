"""Lines that quote the rate of the run above them and name no batch: "Interface throughputRate: 2013.05fps"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kit.audit.findings import Finding, Kind, Severity
from kit.audit.lines import Lines
from kit.audit.numbers import Agreement, agree, number_from, same_number
from kit.audit.vocabulary import batches_in

if TYPE_CHECKING:
    from kit.audit.context import Context

__all__ = ["check_quotes"]

_QUOTE: Final = re.compile(
    r"^[^\[\]]{0,40}Interface\s*th ?rough?put ?Rate\W{0,4}[:=]\W{0,4}([0-9]+\.[0-9]+)(?![0-9.])(?!\s*/)", re.IGNORECASE
)
#: A quote stands this near below the run.
_NEAR: Final = 5


def check_quotes(context: Context) -> None:
    """Hold each quote against the run just above, unless another run of the report has it."""
    lines = Lines.of(context)
    rates = [rate[1] for block in context.blocks if (rate := block.rate) is not None]
    for line, text in enumerate(context.document.lines, start=1):
        match = _QUOTE.match(text)
        number = number_from(match[1]) if match else None
        if number is None or context.ledger.flagged(line, Kind.CLAIM):
            continue
        above = lines.blocks_above(line, ("benchmark", "pure", "ais"))
        rate = above[0].rate if above and line - above[0].end <= _NEAR else None
        if rate is None or lines.stated(above[0].end, line):
            continue
        if any(same_number(number, one) or agree(number, 4 * one.value) is Agreement.SAME for one in rates):
            if same_number(number, rate[1]):
                context.ledger.hold(line, Kind.CLAIM, number.text, rate[1].text, f"the rate of line {rate[0]}")
            continue
        mark = lines.mark_of(above[0])
        batches = batches_in(text)
        if mark is not None and batches and mark.batch not in batches:
            continue
        severity = Severity.MAJOR if agree(number, rate[1].value) is Agreement.DIFFERENT else Severity.DIGITS
        message = f"{number.text} is quoted, but the rate of the run above (line {rate[0]}) is {rate[1].text}"
        context.ledger.find(Finding(line, Kind.CLAIM, number.text, rate[1].text, f"line {rate[0]}", message, severity))
