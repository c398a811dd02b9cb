"""An F1, an error or an accuracy does not follow from the scores or counts beside it.

One of the numbers was copied from another run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kit.audit.diagnostic import Kind
from kit.audit.facts.facts import Facts
from kit.audit.facts.grids import Column, Grid
from kit.audit.facts.printednumber import Interval, exactly
from kit.audit.facts.scores import complement
from kit.audit.readings import Candidate, Computed, allowed_values, check_column
from kit.audit.rule import Outcome, Rule

__all__ = ["RULE"]

_PRECISION = re.compile(r"\bprecision\b|\bP\b|精确率|查准率|精准率", re.IGNORECASE)
_RECALL = re.compile(r"\brecall\b|\bR\b|召回率?|查全率", re.IGNORECASE)
_F1 = re.compile(r"\bh-?mean\b|\bf-?1(?:[\s-]?score)?\b|\bf-(?:score|measure)\b", re.IGNORECASE)
_HITS = re.compile(
    r"(?:(?:num(?:ber)?|#)\s?(?:of\s)?)?(?:correct|hits|passed)(?:\s(?:images|samples|predictions))?|正确数|正确样本数?",
    re.IGNORECASE,
)
_ALL = re.compile(
    r"(?:(?:num(?:ber)?|#)\s?(?:of\s)?|total\s)?(?:images|samples|examples|total|pictures)|总数|样本数|图片数|样本总数|图片总数",
    re.IGNORECASE,
)
_ACCURACY = re.compile(r"acc(?:uracy)?|top-?\s?1(?:\sacc(?:uracy)?)?|准确率|正确率|精度", re.IGNORECASE)
_NOTE = re.compile(r"\s?\([^()]{0,20}\)")


def _check(facts: Facts) -> Iterator[Outcome]:
    for grid in facts.grids:
        for column in grid.columns:
            candidates = [
                *_harmonic(grid, column),
                *_complements(grid, column),
                *_counted(grid, column),
            ]
            if candidates:
                yield from check_column(grid, column, candidates, alone=True)


def _scale(column: Column) -> float:
    """What one of a column is as a part of one: its cells say per cent, or its numbers do."""
    values = [entry.value for entry in column.entries if entry is not None]
    return 0.01 if column.factor == 0.01 or any(value > 1 for value in values) else 1.0


def _harmonic(grid: Grid, column: Column) -> Iterator[Candidate]:
    """F1 of the precision and recall whose headers have the same other words."""
    if not _F1.search(column.title):
        return
    rest = _F1.sub("", column.title).lower().split()
    for precision in _same(grid, _PRECISION, rest):
        for recall in _same(grid, _RECALL, rest):
            yield _combined("2PR / (P + R)", column, [precision, recall])


def _same(grid: Grid, pattern: re.Pattern[str], rest: Sequence[str]) -> list[Column]:
    found = [one for one in grid.columns if pattern.search(one.title) and not _F1.search(one.title)]
    return [one for one in found if pattern.sub("", one.title).lower().split() == rest][:1]


def _complements(grid: Grid, column: Column) -> Iterator[Candidate]:
    """An error of the accuracy that has the same other words."""
    own = complement(column.title)
    if own is None or not own[0]:
        return
    for other in grid.columns:
        if complement(other.title) == (False, own[1]):
            yield _combined("1 - accuracy", column, [other])


def _counted(grid: Grid, column: Column) -> Iterator[Candidate]:
    """An accuracy of the hits among all."""
    if not _ACCURACY.fullmatch(_bare(column)):
        return
    hits = [one for one in grid.columns if _HITS.fullmatch(_bare(one))]
    wholes = [one for one in grid.columns if _ALL.fullmatch(_bare(one))]
    if len(hits) == 1 and len(wholes) == 1:
        yield _combined("hits / all", column, [hits[0], wholes[0]])


def _bare(column: Column) -> str:
    return _NOTE.sub("", column.title.replace("_", " ")).strip(" :*%")


def _combined(way: str, column: Column, parts: Sequence[Column]) -> Candidate:
    scales = [1.0 if way == "hits / all" else _scale(part) for part in parts]

    def compute(row: int) -> Computed | None:
        entries = [part.entries[row] for part in parts]
        found = [entry for entry in entries if entry is not None and entry.value > 0]
        if len(found) != len(parts):
            return None
        values = [entry.value * scale for entry, scale in zip(found, scales, strict=True)]
        ranges = [allowed_values(entry).scaled(scale) for entry, scale in zip(found, scales, strict=True)]
        texts = [entry.number.text for entry in found]
        if way == "hits / all":
            value, text = values[0] / values[1], f"{texts[0]} / {texts[1]}"
            return Computed(value, exactly(value), text) if value <= 1 else None
        if way == "1 - accuracy":
            whole = "1" if scales[0] == 1 else "100"
            return Computed(1 - values[0], exactly(1) - ranges[0], f"{whole} - {texts[0]}")
        low, high = (_f1(ranges[0].low, ranges[1].low), _f1(ranges[0].high, ranges[1].high))
        text = f"2 x {texts[0]} x {texts[1]} / ({texts[0]} + {texts[1]})"
        return Computed(_f1(values[0], values[1]), Interval(low, high), text)

    return Candidate(way, compute, sure=way != "2PR / (P + R)", scale=_scale(column))


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


RULE = Rule(
    kind=Kind.ARITHMETIC,
    bad="""\
| model | precision | recall | Hmean | Top-1 | Top-1 error |
| --- | --- | --- | --- | --- | --- |
| net a | 85.80% | 86.71% | 86.25% | 76.1 | 23.9 |
| net b | 86.41% | 78.72% | 83.28% | 78.0 | 22.0 |
| net c | 91.39% | 83.77% | 87.42% | 80.3 | 19.7 |
""",
    corrections={"83.28%": "82.38%"},
    check=_check,
)
