"""An average is not the mean of its values.

Models are ranked by their average.
"""

from __future__ import annotations

from collections.abc import Iterator

from kit.audit.diagnostic import Kind
from kit.audit.facts.facts import Facts
from kit.audit.rule import Outcome, Rule
from kit.audit.summaryrows import check_summaries

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Outcome]:
    for grid in facts.grids:
        yield from check_summaries(grid, averages=True)


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
    check=_check,
)
