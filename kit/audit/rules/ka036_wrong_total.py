"""A total is not the sum of its parts.

Either a part or the total is left over from an earlier measurement.
"""

from __future__ import annotations

from functools import partial

from kit.audit.rule import Kind, Rule
from kit.audit.summaryrows import check_summaries

__all__ = ["RULE"]


RULE = Rule(
    kind=Kind.ARITHMETIC,
    bad="""\
| layer | time (ms) | calls |
| --- | --- | --- |
| conv | 6.2 | 12 |
| gemm | 3.1 | 4 |
| relu | 0.4 | 13 |
| total | 11.7 | 29 |
""",
    corrections={"11.7": "9.7"},
    check=partial(check_summaries, averages=False),
)
