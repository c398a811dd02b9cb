"""Batches of labels: the batch of a label is not the batch that its own formula uses."""

from __future__ import annotations

from kit.audit.diagnostic import Kind
from kit.audit.labelrules import label_check
from kit.audit.rule import Rule

__all__ = ["RULE"]

RULE = Rule(
    id="KA016",
    name="batch-not-of-formula",
    kind=Kind.LABEL,
    summary="The batch of a label is not the batch that its own formula uses.",
    why="The throughput is read for a batch that it was not measured with.",
    bad="""\
batch1 T4单卡吞吐率：1000*16/24.3536=656.98fps
""",
    corrections={"batch1": "batch16"},
    check=label_check("formula"),
)
