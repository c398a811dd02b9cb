"""The batch size in a label contradicts the table or the order of its list.

Two lines claim the same batch size and another one is missing; the reader cannot tell which.
"""

from __future__ import annotations

from kit.audit.labelrules import label_check
from kit.audit.rule import Kind, Rule

__all__ = ["RULE"]

RULE = Rule(
    kind=Kind.LABEL,
    bad="""\
batch4 310P单卡吞吐率：1743.58 fps

batch4 310P单卡吞吐率：5244.27 fps

batch8 310P单卡吞吐率：7196.11 fps

batch16 310P单卡吞吐率：6367.69 fps
""",
    corrections={"batch4 310P单卡吞吐率：1743.58": "batch1 310P单卡吞吐率：1743.58"},
    check=label_check("table", "list"),
)
