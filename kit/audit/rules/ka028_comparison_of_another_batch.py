"""A comparison is labelled with one batch size but uses the numbers of another.

It is true for a batch size that it does not mention.
"""

from __future__ import annotations

from kit.audit.facts.restatements import restatements
from kit.audit.rule import Facts, Kind, Outcomes, Rule, Wrong

__all__ = ["RULE"]


def _check(facts: Facts) -> Outcomes:
    for one in restatements(facts):
        if one.meant is None:
            continue
        message = (
            f"the label says batch {one.batch},"
            f" but {one.number.text} is the measurement of {one.device} batch {one.meant}"
        )
        yield Wrong(one.line, f"batch{one.batch}", f"batch{one.meant}", one.number.text, message, subject="label")


RULE = Rule(
    kind=Kind.LABEL,
    bad="""\
### 7.1 310性能数据

batch1 310单卡吞吐率：91.86x4=367.44fps

batch16 310单卡吞吐率：95.31x4=381.24fps

### 7.4 性能对比

batch16：91.86x4 > 1000/(40.5/16)
""",
    corrections={"batch16：91.86x4 > 1000/(40.5/16)": "batch1：91.86x4 > 1000/(2.9/1)"},
    check=_check,
)
