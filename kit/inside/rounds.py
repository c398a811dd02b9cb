"""The measuring protocol: warm-up until the rate is steady, then rounds that go through all batches in turn.

A round gives each batch the same short time, so that a drift of the machine affects each alike. Rounds go on until the
confidence interval of each batch's median rate is narrow enough, or the time is up.
"""

from __future__ import annotations

import statistics
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .estimate import half_width, median_interval

__all__ = ["Round", "Rules", "Series", "measure", "timed"]

#: The warm-up is steady when the rates of two windows in a row differ by less than this.
_STEADY = 0.02
#: Seconds of such a window.
_WINDOW = 0.25
#: Calls after which no further round begins: a model of microseconds would fill memory and disk with its times.
_CALLS = 5_000_000


@dataclass(frozen=True)
class Rules:
    """How long to measure."""

    warmup: int  # calls of warm-up for each batch, at least
    rounds: int  # at least
    seconds: float  # of each batch in each round
    limit: float  # seconds of all rounds together; warm-up may take a quarter as much
    precision: float  # stop when half of each interval is below this share of the rate


class Round:
    """One uninterrupted run of calls: nanoseconds of each, and of all of them together."""

    def __init__(self, calls_ns: Sequence[int], wall_ns: int, images: int) -> None:
        self.calls_ns = calls_ns
        self.wall_s = wall_ns / 1e9
        self.images = images
        #: Images per second.
        self.rate = images / self.wall_s

    def as_json(self) -> dict[str, Any]:
        """For ``bench.json``."""
        return {"calls": len(self.calls_ns), "wall_s": self.wall_s, "images": self.images, "rate": self.rate}


@dataclass
class Series:
    """All rounds of one batch."""

    batch: int
    calls: list[Callable[[], None]]
    per_call: int | Sequence[int]  # images of one call, or of each: the batch, times the calls that run side by side
    rounds: list[Round] = field(default_factory=list)
    warm_calls: int = 0
    warm_seconds: float = 0.0
    settled: bool = False

    @property
    def rates(self) -> list[float]:
        return [one.rate for one in self.rounds]

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    @property
    def interval(self) -> tuple[float, float] | None:
        return median_interval(self.rates)

    @property
    def half_width(self) -> float | None:
        return half_width(self.rates)

    def run(self, seconds: float) -> Round:
        """One round of this batch."""
        return timed(self.calls, self.per_call, seconds)


def timed(calls: Sequence[Callable[[], None]], per_call: int | Sequence[int], seconds: float) -> Round:
    """Call in turn for at least `seconds`, and at least once; nothing but the call and the clock is in the loop."""
    clock = time.perf_counter_ns
    marks: list[int] = []
    add = marks.append
    turn, turns = 0, len(calls)
    start = clock()
    end = start + int(seconds * 1e9)
    while True:
        calls[turn % turns]()
        now = clock()
        add(now)
        turn += 1
        if now >= end:
            break
    spans = array("q", (after - before for before, after in zip([start, *marks], marks, strict=False)))
    each = [per_call] * turns if isinstance(per_call, int) else per_call
    return Round(spans, now - start, sum(each) * (turn // turns) + sum(each[: turn % turns]))


def measure(series: Sequence[Series], rules: Rules, tell: Callable[[float], None]) -> float:
    """Warm up, then measure all series; returns the seconds that the rounds took.

    Args:
        series: one for each batch; they are filled.
        rules: how long.
        tell: called after each round with the seconds since the first one began.
    """
    for one in series:
        _warm_up(one, rules, rules.limit / 4 / len(series))
    start = time.monotonic()
    while True:
        # Forwards and backwards, so that a steady drift within a round affects each batch alike.
        for one in series if len(series[0].rounds) % 2 == 0 else reversed(series):
            one.calls[0]()  # the caches still hold the data of another batch
            one.rounds.append(one.run(rules.seconds))
        elapsed = time.monotonic() - start
        tell(elapsed)
        if len(series[0].rounds) < rules.rounds:
            continue
        if elapsed >= rules.limit or _narrow(series, rules.precision) or _calls(series) >= _CALLS:
            return elapsed


def _calls(series: Sequence[Series]) -> int:
    return sum(len(part.calls_ns) for one in series for part in one.rounds)


def _narrow(series: Sequence[Series], precision: float) -> bool:
    widths = [one.half_width for one in series]
    return all(width is not None and width <= precision for width in widths)


def _warm_up(one: Series, rules: Rules, limit: float) -> None:
    """Call until two windows in a row have the same rate, or the time is up."""
    start = time.monotonic()
    last = 0.0
    window = min(_WINDOW, limit / 4)
    while True:
        made = one.run(window)
        one.warm_calls += len(made.calls_ns)
        one.settled = abs(made.rate - last) < _STEADY * made.rate
        last = made.rate
        one.warm_seconds = time.monotonic() - start
        if (one.settled and one.warm_calls >= rules.warmup) or one.warm_seconds >= limit:
            break
    while one.warm_calls < rules.warmup:
        one.calls[one.warm_calls % len(one.calls)]()
        one.warm_calls += 1
