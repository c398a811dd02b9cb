"""Top1 is above Top5, a Top5 error above the Top1 error, or mAP50:95 above mAP50.

A hit among one is a hit among five. The columns are swapped, or one number belongs to another model.
"""

from __future__ import annotations

from itertools import pairwise

from kit.audit.facts.grids import Column, Grid
from kit.audit.facts.scores import Score, score_of
from kit.audit.rule import Facts, Kind, Outcomes, Rule
from kit.audit.verdict import ordered_row

__all__ = ["RULE"]


def _check(facts: Facts) -> Outcomes:
    for grid in facts.grids:
        groups: dict[tuple[str, str], list[tuple[Score, Column]]] = {}
        for column in grid.columns:
            score = score_of(column.title, grid.context)
            if score is not None:
                groups.setdefault((score.family, score.group), []).append((score, column))
        for group in groups.values():
            ranks = [score.rank for score, _ in group]
            if len(set(ranks)) != len(ranks) or len(group) < 2:
                continue  # the titles do not tell the columns apart
            group.sort(key=lambda one: one[0].rank)
            for (_, lower), (_, upper) in pairwise(group):
                yield from _ordered(grid, lower, upper)


def _ordered(grid: Grid, lower: Column, upper: Column) -> Outcomes:
    for row in grid.measured_rows:
        low, high = lower.positive(row), upper.positive(row)
        if low is None or high is None or max(high.value, low.value) > 100:
            continue
        if (low.value <= 1) != (high.value <= 1):
            continue  # one is a fraction, the other a percentage
        holds = low.number.bounds.low <= high.number.bounds.high
        fault = f"but {upper.title} {high.number.text}, which cannot be lower"
        yield ordered_row(grid.labels[row], (lower, low), (upper, high), holds=holds, fault=fault)


RULE = Rule(
    kind=Kind.CLAIM,
    bad="""\
| model | Top-1 (%) | Top-5 (%) |
| --- | --- | --- |
| net a | 74.2 | 91.9 |
| net b | 93.1 | 76.3 |
""",
    corrections={"93.1 | 76.3": "76.3 | 93.1"},
    check=_check,
)
