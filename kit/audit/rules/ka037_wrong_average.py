"""An average is not the mean of its values.

Models are ranked by their average.
"""

from __future__ import annotations

from functools import partial

from kit.audit.rule import Kind, Rule
from kit.audit.summaryrows import check_summaries

__all__ = ["RULE"]


RULE = Rule(
    kind=Kind.ARITHMETIC,
    bad="""\
| run | FP32 | FP16 |
| --- | --- | --- |
| 1 | 10.2 | 20.4 |
| 2 | 10.4 | 20.8 |
| 3 | 10.3 | 20.9 |
| average | 10.3 | 21.9 |
""",
    corrections={"21.9": "20.7"},
    check=partial(check_summaries, averages=True),
)
