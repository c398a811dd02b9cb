"""The rate and the latency (or step time) of a row cannot come from the same run.

One of them was copied from another row or run, and both are used to size deployments.
"""

from __future__ import annotations

from collections.abc import Sequence

from kit.audit.facts.grids import Grid
from kit.audit.facts.printednumber import show
from kit.audit.facts.ratetimes import RateTime, RateTimeRow, rate_times
from kit.audit.rule import Facts, Held, Kind, Outcomes, Rule, Wrong
from kit.audit.verdict import digits_swapped, misprinted

__all__ = ["RULE"]

#: How far mean rate and mean latency of one run can differ; the mean of rates is not the rate of the mean.
_EQUAL = 0.03
#: A row that is further off than this comes from another run.
_WRONG = 0.12
_SHIFTED = 0.002
_CLOSE = 0.05


def _check(facts: Facts) -> Outcomes:
    for grid in facts.grids:
        readings = list(rate_times(grid))
        for key in dict.fromkeys((one.rate.place, one.rate.title, one.time.place) for one in readings):
            same = [one for one in readings if (one.rate.place, one.rate.title, one.time.place) == key]
            alone = [one for one in same if len(one.rows) == 1 and "batch" in one.meaning]
            if alone and not any(_fitting(one) for one in same):
                yield from (_finding(grid, one, one.rows[0]) for one in alone[:1] if _slipped(one.rows[0]))
                continue
            best = max(same, key=lambda one: len(_fitting(one)))
            yield from _compared(grid, best)


def _slipped(row: RateTimeRow) -> bool:
    """Whether the only rate has its decimal point one place off, or two digits swapped: the right one is then clear."""
    shifted = any(abs(row.share.value * factor - 1) < _SHIFTED for factor in (0.1, 10.0))
    return shifted or digits_swapped(row.rate.number, row.rate.value / row.share.value)


def _fitting(reading: RateTime) -> list[RateTimeRow]:
    return [row for row in reading.rows if _fits(row)]


def _fits(row: RateTimeRow) -> bool:
    return abs(row.share.value - 1) <= _EQUAL or row.share.low <= 1 <= row.share.high


def _compared(grid: Grid, reading: RateTime) -> Outcomes:
    right = _fitting(reading)
    # If the other rows match exactly, a smaller difference shows that a row comes from another run.
    limit = min(_WRONG, max(_CLOSE, 8 * max((abs(row.share.value - 1) for row in right), default=1.0)))
    wrong = [row for row in reading.rows if not _fits(row) and abs(row.share.value - 1) > limit]
    if not right:
        return
    for row in right:
        value = show(row.samples / row.share.value)
        yield Held(row.rate.line, row.rate.number.text, value, f"{row.text} = {reading.meaning}")
    if len(wrong) == 2 and _swapped(wrong):
        yield _swap(grid, reading, wrong)
    elif len(right) >= 2 and len(reading.rows) >= 3 * len(wrong):
        for row in wrong:
            yield _finding(grid, reading, row)


def _swapped(rows: Sequence[RateTimeRow]) -> bool:
    """Whether the times of two rows fit each other's rates."""
    one, other = rows
    first = one.share.value * other.time.value / one.time.value
    second = other.share.value * one.time.value / other.time.value
    return abs(first - 1) <= _EQUAL and abs(second - 1) <= _EQUAL


def _swap(grid: Grid, reading: RateTime, rows: Sequence[RateTimeRow]) -> Wrong:
    one, other = rows
    names = [grid.labels[row.row] or f"line {row.rate.line}" for row in rows]
    message = (
        f"{reading.time.title}: {one.time.number.text} of {names[0]} and {other.time.number.text} of {names[1]}"
        " are swapped: each fits the rate of the other row"
    )
    inputs = f"{one.rate.number.text}, {other.rate.number.text}"
    how = f"{one.text} = {show(one.share.value * one.samples)}, not {show(one.samples)}"
    subject, right = f"{names[0]} | {reading.time.title}", other.time.number.text
    return misprinted(one.time.line, one.time.number, right, inputs, message, how=how, subject=subject)


def _finding(grid: Grid, reading: RateTime, row: RateTimeRow) -> Wrong:
    subject = f"{grid.labels[row.row] or 'row'} | {reading.rate.title}"
    value = row.rate.value / row.share.value
    others = " as in the other rows" if len(reading.rows) > 1 else ""
    samples = show(row.share.value * row.samples)
    message = (
        f"{subject}: {row.text} gives {samples} samples, not {show(row.samples)} ({reading.meaning}){others};"
        f" {row.time.number.text} would be {show(value)} per second"
    )
    how = f"{row.text} = {samples}, not {show(row.samples)}"
    return misprinted(row.rate.line, row.rate.number, show(value), row.text, message, how=how, subject=subject)


RULE = Rule(
    kind=Kind.ARITHMETIC,
    bad="""\
| Model | Latency / Throughput |
| --- | --- |
| net n | 10.0 ms / 100.0 FPS (1 thread) |
| net m | 50.0 ms / 25.0 FPS (1 thread) |
| net l | 40.0 ms / 20.0 FPS (1 thread) |
""",
    corrections={"net m | 50.0": "net m | 40.0", "net l | 40.0": "net l | 50.0"},
    check=_check,
)
