"""Text to numbers: exact where it is a number, None where a stranger wants to break something."""

from __future__ import annotations

import math
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.toollogs.numbers import LARGEST, SMALLEST, decimal, finite, integer, load_json, real


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-7", -7), ("+7", 7), ("007", 7), ("1.50", 1.5), ("1e3", 1000.0), ("-2.5E-3", -0.0025), (".5", 0.5)],
)
def test_numbers_are_read(text: str, value: float) -> None:
    assert real(text) == value
    assert type(real(text)) is type(value)


STRANGE = [
    "", " 1", "1 ", "1_0", "0x10", "\u00b2", "1\u00b2", "\uff11", "\u0661", "inf", "-inf", "nan", "1e400", "-1e400",
    "1e-320", "1e101", "1e-101", "1e", "e1", "1.2.3", "--1", "1,5", "9" * 5000, "1" * 250, "1e999999", "1\n",
]  # fmt: skip


@pytest.mark.parametrize("text", STRANGE)
def test_strange_numbers_are_refused(text: str) -> None:
    assert real(text) is None
    assert decimal(text) is None
    assert integer(text) is None


@pytest.mark.parametrize("text", ["1.5", "1e3", "9" * 19, "\u00b2", ""])
def test_what_is_no_whole_number_of_64_bits(text: str) -> None:
    assert integer(text) is None


def test_a_decimal_keeps_its_digits() -> None:
    assert decimal("35.92310") == Decimal("35.92310")
    assert str(decimal("35.92310")) == "35.92310"


def test_finite_is_about_numbers_only() -> None:
    assert finite(0)
    assert finite(-1.5)
    assert not any(finite(value) for value in (True, "1", None, math.nan, math.inf, 5e-324, 10**400, LARGEST * 10))
    assert math.isfinite(LARGEST * LARGEST * LARGEST)
    assert SMALLEST * SMALLEST * SMALLEST > 0


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "[1e400]", "[NaN]", "[-Infinity]", "[" + "9" * 5000 + "]", "[", ""]
)
def test_json_of_strangers(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        load_json(text)


def test_usual_json_is_as_ever() -> None:
    assert load_json('{"a": [1, 2.5, -3e2, true, null, "1e999"]}') == {"a": [1, 2.5, -300.0, True, None, "1e999"]}


def test_a_megabyte_of_digits_costs_nothing() -> None:
    start = time.process_time()
    for text in ("9" * 1_000_000, "9" * 500_000 + "." + "9" * 500_000, "1e" + "9" * 1_000_000):
        assert real(text) is None
        assert integer(text) is None
        assert decimal(text) is None
    assert time.process_time() - start < 1


@given(st.text(max_size=30))
def test_no_text_breaks_it(text: str) -> None:
    for value in (integer(text), real(text)):
        assert value is None or finite(value)


@given(st.floats(min_value=1e-99, max_value=1e99) | st.integers(min_value=0, max_value=10**17))
def test_what_python_prints_comes_back(value: float) -> None:
    assert real(repr(value)) == value
