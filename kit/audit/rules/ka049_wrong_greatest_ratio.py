"""A sentence claims "up to N times", and no row of the table reaches it.

It is the largest number in the report and the first to be quoted.
"""

from __future__ import annotations

import re
from itertools import islice

from kit.audit.facts.grids import Column, Grid, words_of
from kit.audit.facts.printednumber import Printed, show
from kit.audit.facts.quantities import Quantity
from kit.audit.rule import Facts, Held, Kind, Outcomes, Rule
from kit.audit.verdict import misprinted

__all__ = ["RULE"]

_NUMBER = r"(?P<value>[0-9]{1,4}(?:\.[0-9]{1,3})?)\s?(?:x|×|times|-fold|倍)"
_ENGLISH = re.compile(
    rf"(?P<one>[^.,;。\n]{{2,60}}?)\s(?:is|runs|are|was)\s(?:up\sto|as\smuch\sas)\s(?:a\s)?{_NUMBER}\s(?:as\s)?"
    r"(?:fast(?:er)?|higher|quicker)\s(?:than|as)\s(?P<other>[^.,;。\n]{2,60})",
    re.IGNORECASE,
)
_CHINESE = re.compile(
    rf"(?P<one>[^.,;，。\n]{{2,40}}?)(?:相比|较|比|相对)(?P<other>[^.,;，。\n]{{2,40}}?)[，,]?(?:最高|最多|最大)(?:可|能)?(?:加速|提速|快)"
    rf"{_NUMBER}",
    re.IGNORECASE,
)
#: A claim may exceed the greatest ratio by rounding.
_NEAR = 0.05
_IDLE = words_of("ms s us fps qps img images sec latency throughput time the with on of model inference")


def _check(facts: Facts) -> Outcomes:
    grids = [(grid, _named_columns(grid)) for grid in facts.grids if not grid.sideways]
    for line, match, number in facts.claimed([_ENGLISH, _CHINESE], ["up to", "as much as", "最"]) if grids else ():
        one, other = words_of(match["one"]), words_of(match["other"])
        pairs = ((grid, pair) for grid, columns in grids if (pair := _pair(columns, one, other)) is not None)
        found = list(islice(pairs, 2))
        if len(found) == 1:
            yield from _compared(line, number, *found[0])


def _named_columns(grid: Grid) -> list[tuple[Column, frozenset[str]]]:
    """The columns of rates and times, with the words that name them."""
    timed = [one for one in grid.columns if one.quantity in {Quantity.RATE, Quantity.TIME}]
    return [(one, words) for one in timed if (words := one.words - _IDLE)]


def _pair(
    columns: list[tuple[Column, frozenset[str]]], one: frozenset[str], other: frozenset[str]
) -> tuple[Column, Column] | None:
    """The columns that the words of two names mean, if each means one and they have the same quantity."""
    firsts, seconds = ([column for column, words in columns if words <= name] for name in (one, other))
    if len(firsts) != 1 or len(seconds) != 1:
        return None
    (first,), (second,) = firsts, seconds
    return (first, second) if first is not second and first.quantity is second.quantity else None


def _compared(line: int, number: Printed, grid: Grid, pair: tuple[Column, Column]) -> Outcomes:
    top, bottom = pair if pair[0].quantity is Quantity.RATE else pair[::-1]
    ratios = []
    for row in grid.measured_rows:
        first, second = top.positive(row), bottom.positive(row)
        if first is not None and second is not None and first.unit == second.unit:
            ratios.append((first.value / second.value, f"{first.number.text} / {second.number.text}"))
    if not ratios:
        return
    most, text = max(ratios)
    if number.value <= most * (1 + _NEAR) + number.unit / 2:
        yield Held(line, number.text, show(most), text)
        return
    how, what = f"{text} = {show(most)}", f"{pair[0].title} / {pair[1].title}"
    message = f"the greatest ratio in the table is {how}, but {number.text} is claimed"
    yield misprinted(line, number, show(most), text, message, how=how, subject=what)


RULE = Rule(
    kind=Kind.CLAIM,
    bad="""\
| Model | PyTorch (ms) | TensorRT (ms) |
| --- | --- | --- |
| net a | 7.21 | 2.40 |
| net b | 15.80 | 6.32 |

TensorRT is up to 4.0x faster than PyTorch.
""",
    corrections={"4.0x": "3.0x"},
    check=_check,
)
