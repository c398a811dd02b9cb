"""A speed-up, scaling factor or ratio does not follow from the columns beside it.

The speed-up is the result that people quote, and nobody divides again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

from kit.audit.facts.grids import Column, Entry, Grid, words_of
from kit.audit.facts.printednumber import exactly
from kit.audit.facts.quantities import Quantity, factor_of_unit, unit_of
from kit.audit.readings import Candidate, Computed, allowed_values, check_column
from kit.audit.rule import Facts, Kind, Outcomes, Rule

__all__ = ["RULE"]

_BETWEEN = re.compile(
    r"\s{0,3}(?:/|÷|→|->|\bvs\b\.?|\bversus\b|\bover\b|\bto\b|\brelative to\b|\bcompared (?:to|with)\b|\s-\s|:"
    r"|比|相对于?)\s{0,3}",
    re.IGNORECASE,
)
_SCALING = re.compile(r"scaling|speed-?\s?up|加速|扩展|线性度|relative", re.IGNORECASE)
_GAIN = re.compile(r"\bgain\b|\bimprovement\b|提升|提高", re.IGNORECASE)
_EFFICIENCY = re.compile(r"efficien|效率|线性度", re.IGNORECASE)
#: Words that only say that a column is a ratio.
_IDLE = words_of(
    "speed up speedup speedups scaling ratio ratios relative weak strong the of in x a an and by with performance gain"
) | {"加速比", "倍率", "加速", "比值", "比率", "倍数", "性能比", "扩展比"}
_SPOKEN = frozenset({"throughput", "time"})
_RELATIVE = re.compile(r"\brelative\b", re.IGNORECASE)
_AGAINST = re.compile(r"\bvs\b|\bversus\b", re.IGNORECASE)
#: What may replace the 1.0 of the row that the others are compared with.
_BASE = frozenset({"", "-", "--", "—", "–", "/", "baseline", "base", "ref", "reference", "基准"})
_MOST = 10
_BASES = 4


def _check(facts: Facts) -> Outcomes:
    devices = {(one.view.header_line, one.view.series[one.place].header) for one in facts.ratios if one.reading}
    for grid in facts.grids:
        pool = [column for column in grid.columns if column.measured][:_MOST]
        for column in grid.columns:
            if (column.line, column.title) in devices:
                continue  # KA012 checks quotients of devices
            named = _named(column, pool)
            if column.quantity is Quantity.RATIO or named:
                candidates = [*named, *_scalings(grid, column, pool)]
                if column.quantity is Quantity.RATIO:
                    candidates += _pairs(column, pool)
                if column.quantity is Quantity.RATIO and column.scale != 1:
                    candidates += _pairs(column, pool, gain=True)
                yield from check_column(grid, column, candidates, alone=True)


def _scales(top: Column, bottom: Column, one: Entry, other: Entry) -> float | None:
    """The factor that the units of two cells give their quotient ("2 h" / "25 min"); None for "ms" and "ms/step"."""
    if one.unit == other.unit:
        return 1.0 if one.unit else top.factor / bottom.factor
    units = unit_of(one.unit), unit_of(other.unit)
    if not all(units) or ("rate" not in units and "/" in one.unit + other.unit):
        return None
    return factor_of_unit(units[0]) / factor_of_unit(units[1])


def _quotient(top: Column, bottom: Column, row: int) -> Computed | None:
    one, other = top.positive(row), bottom.positive(row)
    factor = _scales(top, bottom, one, other) if one is not None and other is not None else None
    if one is None or other is None or factor is None:
        return None
    right = allowed_values(one) / allowed_values(other)
    return Computed(right.scaled(factor), f"{one.number.text} / {other.number.text}")


def _pair(column: Column, top: Column, bottom: Column, *, sure: bool, gain: bool = False) -> Candidate:
    def compute(row: int) -> Computed | None:
        found = _quotient(top, bottom, row)
        if found is None or not gain:
            return found
        return Computed(found.right - exactly(1), f"{found.text} - 1")

    meaning = f"{top.title} / {bottom.title}" + (" - 1" if gain else "")
    return Candidate(meaning, compute, sure, column.scale, operands=frozenset({top.place, bottom.place}))


def _has(column: Column, word: str) -> bool:
    """Whether a title contains a word; Chinese words are not separated from each other ("实测" in "实测精度")."""
    return word in column.words or (not word.isascii() and any(word in other for other in column.words))


def _operands(words: frozenset[str], pool: Sequence[Column]) -> list[Column]:
    """The columns that an operand in a title means: those with all of its words and the fewest others."""
    words = words - _IDLE or words
    fitting = [column for column in pool if words and all(_has(column, word) for word in words)]
    fewest = min((len(column.words) for column in fitting), default=0)
    exact = [column for column in fitting if (column.words - _IDLE or column.words) == words]
    return exact or [column for column in fitting if len(column.words) <= fewest + 1]


def _named(column: Column, pool: Sequence[Column]) -> list[Candidate]:
    """Quotients of the two columns that a title names: "A/B", "speedup (A to B)"."""
    parts = _BETWEEN.split(column.title, maxsplit=1)
    if len(parts) != 2:
        return []
    pool = [one for one in pool if one is not column]
    left, right = (_operands(words_of(part), pool) for part in parts)
    pairs = [(one, other) for one in left for other in right if one is not other and one.quantity is other.quantity]
    if not pairs:
        left_words = words_of(parts[0])
        # "Throughput speedup (TF32 - mixed precision)": "throughput" applies to both.
        pairs = [
            (one, other)
            for one in left
            for other in pool
            if one is not other
            and words_of(parts[1]) - _IDLE
            and words_of(parts[1]) - _IDLE <= other.words
            and left_words
            and one.quantity is other.quantity
        ]
    if len(pairs) > 1:
        # "H100 / A100" beside both at batch 1 and at batch 32: the rows show which pair is meant.
        ends = words_of(parts[0]), words_of(parts[1])
        alike = [pair for pair in pairs if pair[0].words - ends[0] == pair[1].words - ends[1]]
        return [_pair(column, top, bottom, sure=False) for top, bottom in alike[:_BASES]]
    if not pairs:
        return []
    one, other = pairs[0]
    if "/" in column.title and column.quantity is not Quantity.TIME:
        return [_pair(column, one, other, sure=True)]
    if column.quantity is not Quantity.RATIO and not _AGAINST.search(column.title):
        return []
    return [_pair(column, other, one, sure=True), _pair(column, one, other, sure=True)]


def _pairs(column: Column, pool: Sequence[Column], *, gain: bool = False) -> Iterator[Candidate]:
    for top in pool:
        for bottom in pool:
            if top is not bottom and top.quantity is bottom.quantity:
                yield _pair(column, top, bottom, sure=False, gain=gain)


def _scalings(grid: Grid, column: Column, pool: Sequence[Column]) -> Iterator[Candidate]:
    """Each row divided by one of the nearest rows above that print 1.0."""
    bases = _bases(column)
    if not (
        _SCALING.search(column.title) or (any(bases) and (_GAIN.search(column.title) or _AGAINST.search(column.title)))
    ):
        return
    cards = next(iter(grid.of(Quantity.CARDS)), None)
    timed = [one for one in pool if one.quantity in {Quantity.RATE, Quantity.TIME}]
    words = column.words - _IDLE
    meant = [one for one in timed if words and words <= one.words | _SPOKEN] or timed
    meant = [one for one in meant if one.quantity is Quantity.RATE] or meant
    open_meaning = any(words.search(column.title) for words in (_EFFICIENCY, _RELATIVE, _AGAINST))
    for one in timed:
        sure = len(meant) == 1 and one is meant[0] and any(bases) and not open_meaning
        yield _scaling(column, one, bases, None, sure=sure)
        if open_meaning:
            yield _scaling(column, one, bases, None, sure=False, inverse=True)
        if cards is not None:
            yield _scaling(column, one, bases, cards, sure=False)


def _bases(column: Column) -> list[tuple[int, ...]]:
    """For each row, the rows it can be compared with: the nearest that print 1.0, or a first row without a ratio."""
    one = 1 / column.scale
    bases: list[tuple[int, ...]] = []
    block: list[int] = []
    for row, entry in enumerate(column.entries):
        unsaid = row == 0 and entry is None and column.texts[0].strip().lower() in _BASE
        if unsaid or (entry is not None and entry.value == one):
            if block and block[-1] != row - 1:
                block = []
            block.append(row)
        bases.append(tuple(block[-_BASES:]))
    return bases


def _scaling(
    column: Column,
    measured: Column,
    bases: Sequence[tuple[int, ...]],
    cards: Column | None,
    *,
    sure: bool,
    inverse: bool = False,
) -> Candidate:
    upward = (measured.quantity is Quantity.TIME) == inverse

    def compute(row: int) -> Computed | None:
        printed = column.entries[row]
        if printed is None or not printed.value:
            return None
        wanted = abs(printed.value * column.scale)
        found = [one for base in bases[row] if (one := _against(measured, row, base, cards, upward=upward)) is not None]
        # With several rows of 1.0 (with and without a compiler) the one that fits best is meant.
        return min(found, key=lambda one: abs(math.log(abs(one.right.value) / wanted)), default=None)

    return Candidate(f"{measured.title} against the row of 1.0", compute, sure, column.scale)


def _against(measured: Column, row: int, base: int, cards: Column | None, *, upward: bool) -> Computed | None:
    """A row divided by another, per card if there are cards; None if a number is missing or the units do not match."""
    own, first = measured.positive(row), measured.positive(base)
    if own is None or first is None:
        return None
    factor = _scales(measured, measured, own, first)
    share = _share_of_cards(cards, row, base) if cards is not None else 1.0
    if factor is None or share is None:
        return None
    top, bottom = (own, first) if upward else (first, own)
    right = allowed_values(top) / allowed_values(bottom)
    text = f"{top.number.text} / {bottom.number.text}" + (f" x {share:g}" if cards is not None else "")
    return Computed(right.scaled((factor if upward else 1 / factor) * share), text, trivial=row == base)


def _share_of_cards(cards: Column, row: int, base: int) -> float | None:
    here, there = cards.positive(row), cards.positive(base)
    return there.value / here.value if here and there else None


RULE = Rule(
    kind=Kind.RATIO,
    bad="""\
| GPUs | Throughput - mixed | Throughput - TF32 | Throughput speedup (TF32 - mixed) | Weak scaling - TF32 |
| --- | --- | --- | --- | --- |
| 1 | 3400.0 | 1000.0 | 2.40 | 1.00 |
| 8 | 26000.0 | 8000.0 | 3.25 | 8.50 |
""",
    corrections={"2.40": "3.40", "8.50": "8.00"},
    check=_check,
)
