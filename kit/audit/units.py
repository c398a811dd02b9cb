"""Units that contradict the quantity: a throughput in ms, a latency in fps."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kit.audit.findings import Finding, Kind, Severity

if TYPE_CHECKING:
    from kit.audit.context import Context

__all__ = ["check_units"]

_NUMBER: Final = r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?"
_RATE: Final = re.compile(
    rf"(?:吞吐率|吞吐量|throu?ghput(?:Rate)?)\s*(?:约为|为|是|is|[:=])[^0-9，。;]{{0,12}}(?:[0-9./()*x\s]+=\s*)?({_NUMBER})\s*(ms|毫秒)(?![A-Za-z])",
    re.IGNORECASE,
)
_TIME: Final = re.compile(
    rf"(?:时延|延迟|latency)\s*(?:约为|为|是|is|[:=])[^0-9，。;]{{0,12}}({_NUMBER})\s*(fps|qps|samples/s)(?![A-Za-z])",
    re.IGNORECASE,
)


def check_units(context: Context) -> None:
    """Find statements whose unit belongs to another quantity than the word before it."""
    for line, text in enumerate(context.document.lines, start=1):
        for pattern, word, right in ((_RATE, "throughput", "fps"), (_TIME, "latency", "ms")):
            for match in pattern.finditer(text):
                context.ledger.find(
                    Finding(
                        line,
                        Kind.UNIT,
                        f"{match[1]} {match[2]}",
                        f"{match[1]} {right}",
                        match[0],
                        f"a {word} is given in {match[2]}",
                        Severity.MAJOR,
                    )
                )
