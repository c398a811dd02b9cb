"""The measuring protocol: turns, when it stops, what it says of a rate that does not hold still."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from kit.inside.rounds import Rules, Series, measure, timed


def wait(seconds: float) -> Callable[[], None]:
    """A call that takes this long, as steadily as the machine allows."""

    def call() -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    return call


def test_each_call_is_counted_and_calls_take_turns() -> None:
    called = []
    result = timed([lambda: called.append(0), lambda: called.append(1)], 4, 0.001)
    assert len(result.calls_ns) == len(called) > 10
    assert called[:4] == [0, 1, 0, 1]
    assert result.images == 4 * len(called)
    assert sum(result.calls_ns) / 1e9 == pytest.approx(result.wall_s)


def test_at_least_one_call_however_long_it_takes() -> None:
    assert len(timed([lambda: None], 1, 1e-9).calls_ns) == 1


def test_rounds_go_through_all_batches_to_and_fro() -> None:
    order: list[int] = []
    series = [Series(batch, [lambda batch=batch: order.append(batch)], batch) for batch in (1, 2, 3)]  # type: ignore[misc]
    measure(series, Rules(0, 2, 1e-9, 1e-9, 0.01), lambda _: None)
    assert [len(one.rounds) for one in series] == [2, 2, 2]
    # One call that is not timed and one that is, for each batch of each round.
    assert order[-12:] == [1, 1, 2, 2, 3, 3, 3, 3, 2, 2, 1, 1]


def test_a_steady_rate_ends_early_and_after_the_least_number_of_rounds() -> None:
    series = [Series(1, [wait(0.002)], 1)]
    told: list[float] = []
    elapsed = measure(series, Rules(3, 10, 0.02, 60, 0.2), told.append)
    assert 10 <= len(series[0].rounds) == len(told)
    assert elapsed < 30
    assert series[0].half_width is not None
    assert series[0].half_width <= 0.2
    assert series[0].warm_calls >= 3
    assert 0 < series[0].rate <= 500


@pytest.mark.slow
def test_a_model_of_microseconds_ends_at_the_number_of_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kit.inside.rounds._CALLS", 200)
    series = [Series(1, [lambda: None], 1)]
    elapsed = measure(series, Rules(0, 2, 0.001, 60, 1e-9), lambda _: None)
    assert elapsed < 30
    assert len(series[0].rounds) == 2
    assert sum(len(one.calls_ns) for one in series[0].rounds) >= 200


def test_a_rate_that_jumps_goes_on_until_the_time_is_up() -> None:
    state = {"calls": 0}

    def call() -> None:
        state["calls"] += 1
        wait(0.001 if state["calls"] // 10 % 2 else 0.004)()

    series = [Series(1, [call], 1)]
    elapsed = measure(series, Rules(0, 6, 0.005, 0.4, 0.0001), lambda _: None)
    assert elapsed >= 0.4
    assert len(series[0].rounds) >= 6  # a busy machine has no time for more
    assert series[0].half_width is not None
    assert series[0].half_width > 0.0001


def test_the_warm_up_makes_its_calls_even_where_its_time_is_short() -> None:
    series = [Series(1, [lambda: None], 1)]
    measure(series, Rules(100_000, 1, 1e-9, 1e-6, 0.5), lambda _: None)
    assert series[0].warm_calls >= 100_000
