"""An F1, an error or an accuracy does not follow from the scores or counts beside it.

One of the numbers was copied from another run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from statistics import harmonic_mean

from kit.audit.facts.grids import Column, Grid
from kit.audit.facts.printednumber import Bounded, exactly
from kit.audit.facts.scores import complement
from kit.audit.readings import Candidate, check_column, of_columns
from kit.audit.rule import Facts, Kind, Outcomes, Rule

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


def _check(facts: Facts) -> Outcomes:
    for grid in facts.grids:
        for column in grid.columns:
            candidates = [*_harmonic(grid, column), *_complements(grid, column), *_counted(grid, column)]
            if candidates:
                yield from check_column(grid, column, candidates, alone=True)


def _scale(column: Column) -> float:
    """The scale of a column whose cells or numbers show that it is in per cent."""
    values = [entry.value for entry in column.entries if entry is not None]
    return 0.01 if any(value > 1 for value in values) else column.scale


def _harmonic(grid: Grid, column: Column) -> Iterator[Candidate]:
    """F1 from the precision and recall whose titles have the same other words."""
    if not _F1.search(column.title):
        return
    rest = _F1.sub("", column.title).lower().split()
    for precision in _same(grid, _PRECISION, rest):
        for recall in _same(grid, _RECALL, rest):
            scales = _scale(precision), _scale(recall)
            combine, text = partial(_f1, scales), "2 x {0} x {1} / ({0} + {1})"
            yield of_columns("2PR / (P + R)", [precision, recall], combine, text, _scale(column), sure=False)


def _same(grid: Grid, pattern: re.Pattern[str], rest: Sequence[str]) -> list[Column]:
    found = [one for one in grid.columns if pattern.search(one.title) and not _F1.search(one.title)]
    return [one for one in found if pattern.sub("", one.title).lower().split() == rest][:1]


def _complements(grid: Grid, column: Column) -> Iterator[Candidate]:
    """An error from the accuracy whose title has the same other words."""
    own = complement(column.title)
    if own is None or not own[0]:
        return
    for other in grid.columns:
        if complement(other.title) == (False, own[1]):
            whole = 1 / _scale(other)
            right = partial(_rest, _scale(other))
            yield of_columns("1 - accuracy", [other], right, f"{whole:g} - {{}}", _scale(column), sure=True)


def _counted(grid: Grid, column: Column) -> Iterator[Candidate]:
    """An accuracy from the number of hits and of all samples."""
    if not _ACCURACY.fullmatch(_bare(column)):
        return
    hits = [one for one in grid.columns if _HITS.fullmatch(_bare(one))]
    wholes = [one for one in grid.columns if _ALL.fullmatch(_bare(one))]
    if len(hits) == 1 and len(wholes) == 1:
        yield of_columns("hits / all", [hits[0], wholes[0]], _share, "{} / {}", _scale(column), sure=True)


def _bare(column: Column) -> str:
    return _NOTE.sub("", column.title.replace("_", " ")).strip(" :*%")


def _share(hits: Bounded, whole: Bounded) -> Bounded | None:
    return exactly(hits.value / whole.value) if hits.value <= whole.value else None


def _rest(scale: float, accuracy: Bounded) -> Bounded:
    return exactly(1) - accuracy.scaled(scale)


def _f1(scales: tuple[float, float], precision: Bounded, recall: Bounded) -> Bounded:
    """The harmonic mean; it rises with both, so its bounds are those of the bounds."""
    precision, recall = precision.scaled(scales[0]), recall.scaled(scales[1])
    return Bounded(
        harmonic_mean([precision.value, recall.value]),
        harmonic_mean([max(precision.low, 0), max(recall.low, 0)]),
        harmonic_mean([precision.high, recall.high]),
    )


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
