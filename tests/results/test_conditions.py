"""What was inside the clock: what differs, what is unknown, and what only looks different."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from kit.results.conditions import CONDITIONS, Conditions
from kit.results.differences import differences, unknown
from kit.results.measurements import Mode, Throughput


def measured(mode: Mode = "dataset", /, **conditions: object) -> Throughput:
    return Throughput(
        batch=1, rate=10.0, per="image", factor=1, mode=mode, conditions=Conditions.model_validate(conditions)
    )


def test_equal_conditions_do_not_differ() -> None:
    one = measured(precision="fp32", threads=2)
    assert differences(one, one) == ()
    assert unknown(one, one) == ()


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("precision", "fp32", "fp16"), ("preprocessing", "included", "excluded"),
        ("transfers", "included", "excluded"), ("transfers", "excluded", "none"), ("warm_up", "included", "excluded"),
        ("graph", "on", "off"), ("wait", "spin", "block"), ("threads", 1, 2), ("streams", 1, 2),
        ("clocks", "locked", "free"),
    ],
)  # fmt: skip
def test_each_condition_is_compared(name: str, one: object, other: object) -> None:
    (found,) = differences(measured("dataset", **{name: one}), measured("dataset", **{name: other}))
    assert found == (name, str(one), str(other))
    assert str(found) == f"{name.replace('_', '-')} {one} against {other}"
    assert unknown(measured("dataset", **{name: one}), measured()) == (name,)
    assert differences(measured("dataset", **{name: one}), measured()) == ()


def test_data_set_and_synthetic_input_differ() -> None:
    assert [one.name for one in differences(measured("dataset"), measured("synthetic"))] == ["data"]


def test_an_engine_in_host_memory_has_all_its_copies_inside_the_clock() -> None:
    assert differences(measured(transfers="none"), measured(transfers="included")) == ()


def test_differences_come_in_one_order() -> None:
    found = differences(
        measured("dataset", threads=1, precision="fp32"), measured("synthetic", threads=2, precision="bf16")
    )
    names = [one.name for one in found]
    assert names == ["data", "precision", "threads"] == [name for name in CONDITIONS if name in names]


def test_a_rate_lies_in_its_interval() -> None:
    one = Throughput(batch=1, rate=10.0, interval=(9.5, 10.7), per="image", factor=1, mode="dataset")
    assert one.half_width == pytest.approx(0.06)
    assert [float(end) for end in one.extent] == [9.5, 10.7]
    with pytest.raises(ValidationError, match="outside of its interval"):
        Throughput(batch=1, rate=10.0, interval=(10.5, 10.7), per="image", factor=1, mode="dataset")
