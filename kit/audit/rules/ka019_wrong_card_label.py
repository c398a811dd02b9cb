"""The card in a label does not exist, or the table lists the value under another card.

The throughput is read for a card on which it was not measured.
"""

from __future__ import annotations

import re

from kit.audit.labelrules import label_check
from kit.audit.rule import Facts, Kind, Outcomes, Rule, Wrong

__all__ = ["RULE"]

_STRANGE_CARD = re.compile(
    r"(?:batch|bs)\D{0,6}[0-9]{1,3}\D{0,3}?\b([TtPp][0-9]{1,2})(?=\s{0,9}(?:单卡|card|throughput))"
)
_KNOWN = {"T4", "P4"}


def _check(facts: Facts) -> Outcomes:
    yield from label_check("device")(facts)
    for statement in facts.near.statements:
        match = _STRANGE_CARD.search(statement.text)
        place = statement.place
        if match is None or match[1].upper() in _KNOWN or place is None or place[0] != match[1][0].upper():
            continue
        message = f"the label names the card {match[1]}, but the section is about {place}"
        yield Wrong(
            statement.line, match[1], place, place, message, start=match.start(1), replacement=place, subject="label"
        )


RULE = Rule(
    kind=Kind.LABEL,
    bad="""\
### 7.3 T4性能数据

batch4 T1单卡吞吐率：1766.07 * 1 = 1766.07 qps
""",
    corrections={"batch4 T1单卡吞吐率：1766.07": "batch1 T4单卡吞吐率：1766.07"},
    check=_check,
)
