"""A rate per card or per watt, or a scaling efficiency, does not follow from the columns beside it.

Systems of different sizes are compared by this number alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import truediv

from kit.audit.facts.grids import Column, Grid
from kit.audit.facts.printednumber import Bounded, exactly
from kit.audit.facts.quantities import Quantity
from kit.audit.readings import Candidate, check_column, of_columns
from kit.audit.rule import Facts, Kind, Outcomes, Rule

__all__ = ["RULE"]

_PER = re.compile(
    r"(?:\bper\b|/)\s{0,3}(?:gpu|npu|tpu|card|device|accelerator|chip|core|w(?:att)?|j(?:oule)?|卡|瓦)s?\b"
    r"|单卡|每卡|每瓦|能效",
    re.IGNORECASE,
)
_EFFICIENCY = re.compile(r"efficien|效率|线性度", re.IGNORECASE)
_POWER = re.compile(r"power|功耗|功率|\bwatts?\b|\(W\)", re.IGNORECASE)
_ENERGY = re.compile(r"(?:energy|能耗).{0,30}(?<![a-z])m?J(?![a-z])", re.IGNORECASE)
_PER_DOLLAR = re.compile(r"(?:\bper\b|/)\s?(?:\$|dollar|usd)", re.IGNORECASE)
_PRICE = re.compile(r"(?:\$|usd)\s?(?:/|per)\s?h", re.IGNORECASE)
_IDEAL = re.compile(r"\bideal|\blinear\b|理想|理论", re.IGNORECASE)
_CARDS_IN_TITLE = re.compile(
    r"(?<![0-9.])([2-9]|[1-9][0-9]{1,3})\s?-?\s?(?:卡|gpus?|npus?|cards?|devices?)(?![a-z])", re.IGNORECASE
)
_MOST = 8


def _check(facts: Facts) -> Outcomes:
    for grid in facts.grids:
        for column in grid.columns:
            efficiency = _EFFICIENCY.search(column.title) is not None
            if _ENERGY.search(column.title) or _PER_DOLLAR.search(column.title):
                yield from check_column(grid, column, list(_consumed(grid, column)))
                continue
            if not efficiency and not _PER.search(column.title):
                continue
            others = [one for one in grid.columns if one is not column and one.quantity is not Quantity.BATCH][:_MOST]
            counts = [one for one in others if one.quantity is Quantity.CARDS or _POWER.search(one.title)]
            counts += [one for one in others if efficiency and _IDEAL.search(one.title)]
            tops = [one for one in others if one not in counts]
            candidates = [_divided(column, top, [count], 1.0) for top in tops for count in counts]
            if efficiency:
                candidates += _of_titles(column, tops)
            yield from check_column(grid, column, candidates)


def _consumed(grid: Grid, column: Column) -> Iterator[Candidate]:
    """Energy per sample (power / rate), or samples per dollar (rate x 3600 s / price of an hour)."""
    rates = [one for one in grid.of(Quantity.RATE) if one is not column][:_MOST]
    energy = _ENERGY.search(column.title) is not None
    for one in grid.columns:
        if one is not column and (_POWER if energy else _PRICE).search(one.title):
            for rate in rates:
                if energy:
                    yield _divided(column, one, [rate], 1e-3 if "mj" in column.words else 1.0)
                else:
                    yield _divided(column, rate, [one], 1 / 3600)


def _of_titles(column: Column, tops: Sequence[Column]) -> Iterator[Candidate]:
    """Efficiencies whose number of cards is in a title: "8卡吞吐"."""
    for cards in dict.fromkeys(float(match[1]) for top in tops for match in _CARDS_IN_TITLE.finditer(top.title)):
        for top in tops:
            if top.quantity is Quantity.RATIO:
                yield _divided(column, top, [], cards)
            elif top.quantity is Quantity.RATE:
                below = [one for one in tops if one is not top and one.quantity is Quantity.RATE]
                yield from (_divided(column, top, [one], cards) for one in below)


def _divided(column: Column, top: Column, below: Sequence[Column], count: float) -> Candidate:
    """A column divided by other columns and by a number."""

    def quotient(own: Bounded, *divisors: Bounded) -> Bounded:
        return reduce(truediv, divisors, own / exactly(count))

    divisor = [] if count == 1 else [f"{count:g}"]
    meaning = " / ".join([top.title, *(one.title for one in below), *divisor])
    text = " / ".join(["{}"] * (1 + len(below)) + divisor)
    return of_columns(meaning, [top, *below], quotient, text, column.scale, sure=False)


RULE = Rule(
    kind=Kind.RATIO,
    bad="""\
| System | Samples/s | Accelerators | Samples/s per accelerator |
| --- | --- | --- | --- |
| A | 5230.0 | 1 | 5230.0 |
| B | 41520.0 | 8 | 5910.0 |
| C | 20640.0 | 4 | 5160.0 |
""",
    corrections={"5910.0": "5190.0"},
    check=_check,
)
