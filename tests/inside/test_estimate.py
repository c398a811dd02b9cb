"""Median, interval and percentiles: against their definitions, and against what they claim of chance."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.inside.estimate import half_width, median_interval, nearest_rank, percentiles


@pytest.mark.parametrize(
    ("n", "expected"), [(1, None), (5, None), (6, (1, 6)), (9, (2, 8)), (10, (2, 9)), (20, (6, 15)), (30, (10, 21))]
)
def test_the_interval_lies_between_the_tabled_ranks(n: int, expected: tuple[int, int] | None) -> None:
    """Ranks of the sign test's interval, as tables of order statistics give them."""
    values = [float(value) for value in range(1, n + 1)]
    random.Random(n).shuffle(values)
    assert median_interval(values) == expected


def test_the_interval_holds_the_median_as_often_as_it_says() -> None:
    source = random.Random(0)
    draws: tuple[Callable[[], float], ...] = (
        lambda: source.gauss(100, 5),
        lambda: source.lognormvariate(0, 1),
        lambda: 1.0 + (source.random() < 0.5),
    )
    for draw in draws:
        population = statistics.median(draw() for _ in range(20001))
        held = 0
        for _ in range(1000):
            interval = median_interval([draw() for _ in range(12)])
            assert interval is not None
            held += interval[0] <= population <= interval[1]
        assert held >= 930


@given(st.lists(st.floats(1, 1e6), min_size=6, max_size=60))
def test_the_interval_holds_the_sample_median(values: list[float]) -> None:
    interval = median_interval(values)
    assert interval is not None
    assert min(values) <= interval[0] <= statistics.median(values) <= interval[1] <= max(values)
    assert half_width(values) == pytest.approx((interval[1] - interval[0]) / 2 / statistics.median(values))


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([5.0], 99, 5.0), ([1.0, 2.0, 3.0, 4.0], 50, 2.0), ([1.0, 2.0, 3.0, 4.0], 90, 4.0), (range(1, 101), 99, 99)],
)
def test_nearest_rank(values: list[float], percent: int, expected: float) -> None:
    assert nearest_rank(values, percent) == expected


@pytest.mark.parametrize(
    ("n", "names"),
    [(9, []), (10, ["p50"]), (49, ["p50"]), (50, ["p50", "p90"]), (499, ["p50", "p90"]), (500, ["p50", "p90", "p99"])],
)
def test_a_percentile_that_few_calls_decide_is_left_out(n: int, names: list[str]) -> None:
    values = [float(value) for value in range(1, n + 1)]
    random.Random(n).shuffle(values)
    found = percentiles(values)
    assert list(found) == names
    assert all(value == nearest_rank(sorted(values), int(name[1:])) for name, value in found.items())
