"""The batch size in a label is not the one that its formula uses.

The throughput is read for a batch size at which it was not measured.
"""

from __future__ import annotations

from kit.audit.labelrules import label_check
from kit.audit.rule import Kind, Rule

__all__ = ["RULE"]

RULE = Rule(
    kind=Kind.LABEL,
    bad="batch1 T4单卡吞吐率：1000*16/24.3536=656.98fps\n",
    corrections={"batch1": "batch16"},
    check=label_check("formula"),
)
