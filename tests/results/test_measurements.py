from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kit.results.measurements import Accuracy, Throughput, percent, plain, wilson


@pytest.mark.parametrize(
    ("rate", "factor", "batch", "per", "product"),
    [
        (678.142, 4, 1, "device", "2712.568"),
        (1311.7, 4, 4, "device", "5246.8"),  # the published list says 2712.568
        (35.9231, 64, 64, "enqueue", "2299.0784"),
        (333.879, 8, 8, "enqueue", "2671.032"),
        (1743.58, 1, 1, "device", "1743.58"),
    ],
)
def test_products_are_exact_in_the_printed_digits(rate: float, factor: int, batch: int, per: str, product: str) -> None:
    value = Throughput.model_validate({"batch": batch, "rate": rate, "factor": factor, "per": per, "mode": "dataset"})
    assert plain(value.value) == product
    assert value.formula == f"{plain(rate)} * {factor} = {product}"


@pytest.mark.parametrize(
    "wrong",
    [
        {"per": "enqueue", "factor": 4},
        {"per": "image", "factor": 2},
        {"rate": 0.0},
        {"rate": float("nan")},
        {"rate": float("inf")},
        {"repeats": (1.0, 2.0, 30.0)},
    ],
)
def test_a_throughput_that_contradicts_itself_is_refused(wrong: dict[str, object]) -> None:
    good = {"batch": 8, "rate": 10.0, "per": "image", "factor": 1, "mode": "dataset"}
    Throughput.model_validate(good)
    with pytest.raises(ValidationError):
        Throughput.model_validate(good | wrong)


def test_spread_is_over_repeats() -> None:
    one = Throughput(batch=1, rate=10.0, per="image", factor=1, mode="dataset", repeats=(9.0, 10.0, 12.0))
    assert one.spread == pytest.approx(0.3)
    assert Throughput(batch=1, rate=10.0, per="image", factor=1, mode="dataset").spread is None


def test_accuracy_prints_as_the_published_metric() -> None:
    value = Accuracy(n=50000, classes=1000, correct=(37100, 41000, 43000, 44000, 45970))
    assert percent(value.top(1)) == "74.2"
    assert percent(value.top(5)) == "91.94"
    assert value.formula(1) == "100 * 37100 / 50000 = 74.2 %"
    low, high = value.interval(1)
    assert low < 74.2 < high
    assert high - low == pytest.approx(0.767, abs=0.01)


@pytest.mark.parametrize("correct", [(5, 4, 4, 4, 4), (1, 2, 3, 4, 11), (-1, 0, 0, 0, 0)])
def test_counts_that_cannot_be_are_refused(correct: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError):
        Accuracy.model_validate({"n": 10, "classes": 10, "correct": correct})


def test_wilson_against_known_values() -> None:
    assert wilson(0, 10) == pytest.approx((0.0, 27.7533), abs=1e-3)
    assert wilson(10, 10) == pytest.approx((72.2467, 100.0), abs=1e-3)
    assert wilson(81, 263) == pytest.approx((25.53, 36.62), abs=1e-2)  # Newcombe 1998, example


@given(st.floats(min_value=1e-6, max_value=1e12), st.integers(min_value=0, max_value=12))
def test_plain_is_close_and_has_no_exponent(value: float, places: int) -> None:
    text = plain(value, places)
    assert "e" not in text.lower()
    assert abs(float(text) - value) <= 0.5 * 10**-places * 1.0001 + 1e-15 * value
    assert float(plain(value)) == value
