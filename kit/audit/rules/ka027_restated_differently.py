"""A comparison uses a different number from the one stated for its device and batch size.

It proves something about a run that the report does not show.
"""

from __future__ import annotations

from kit.audit.facts.printednumber import same_number
from kit.audit.facts.restatements import restatements
from kit.audit.rule import Facts, Held, Kind, Outcomes, Rule, Severity
from kit.audit.verdict import misprinted

__all__ = ["RULE"]


def _check(facts: Facts) -> Outcomes:
    for one in restatements(facts):
        if one.meant is not None:
            continue
        what = f"{one.device} batch {one.batch}".strip()
        if not one.known or any(same_number(one.number, other) for other in one.known):
            yield Held(one.line, one.number.text, one.known[0].text if one.known else "", f"{what} as stated before")
            continue
        right = one.known[-1].text
        message = f"{one.number.text} is used, but the measurement of {what} is {right}"
        # It may come from a run that the report does not show.
        yield misprinted(one.line, one.number, right, what, message, Severity.OPTIONAL, subject=what)


RULE = Rule(
    kind=Kind.CLAIM,
    bad="""\
### 7.1 310性能数据

batch1 310单卡吞吐率：91.86x4=367.44fps

### 7.4 性能对比

batch1：95.86x4 > 1000/(2.9/1)
""",
    corrections={"batch1：95.86x4": "batch1：91.86x4"},
    check=_check,
    severity=Severity.OPTIONAL,
)
