"""Two results side by side: what is the same, faster, slower, and what nobody can say."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from kit.results.comparison import Compared, Margins, classify, compare, pairs
from kit.results.measurements import Accuracy, Throughput
from kit.results.metrics import Metric
from kit.results.resultsfile import Artifact, Results

DIGEST = "a" * 64


def throughput(rate: float, width: float | None = 0.01, **changes: Any) -> Throughput:
    tree: dict[str, Any] = {"batch": 1, "rate": rate, "per": "image", "factor": 1, "mode": "dataset", **changes}
    if width is not None:
        tree["interval"] = [rate * (1 - width), rate * (1 + width)]
    return Throughput.model_validate(tree)


def results(*measured: Throughput, target: str = "cpu", correct: int = 500, n: int = 1000, **changes: Any) -> Results:
    return Results(
        **{
            "model": "m", "target": target, "source": "measured", "toolchain": "t", "hardware": "h",
            "containerized": True, "throughput": measured,
            "accuracy": Accuracy(n=n, classes=10, correct=(correct, correct, correct, correct, n)), **changes,
        }
    )  # fmt: skip


def of_batch(one: Results, other: Results, **rule: Any) -> Compared:
    return next(line for line in compare("cpu", one, other, Margins(**rule)) if line.quantity == "bs1")


@pytest.mark.parametrize(
    ("rate", "width", "outcome"),
    [
        (102, 0.01, "same"), (96, 0.01, "same"), (120, 0.01, "faster"), (80, 0.01, "slower"),
        (104, 0.2, "not comparable"), (107, 0.03, "not comparable"), (112, 0.03, "faster"), (120, None, "faster"),
        (101, None, "same"),
    ],
)  # fmt: skip
def test_a_throughput(rate: float, width: float | None, outcome: str) -> None:
    found = of_batch(results(throughput(100, width)), results(throughput(rate, width)))
    assert found.outcome == outcome
    assert found.ratio == pytest.approx(rate / 100)
    if width is None:
        assert found.low is found.high is None
    else:
        assert found.low == pytest.approx(rate / 100 * (1 - width * 2**0.5))
    assert found.worse == (outcome == "slower")


def test_one_measurement_is_the_same_as_itself_however_wide_its_interval() -> None:
    one = results(throughput(100, 0.5))
    assert of_batch(one, one).outcome == "same"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"conditions": {"precision": "fp16"}}, "precision fp32 against fp16"), ({"mode": "synthetic"}, "data dataset"),
        ({"conditions": {"precision": "fp32", "threads": 1}}, "threads 2 against 1"),
    ],
)  # fmt: skip
def test_other_conditions(changes: dict[str, Any], reason: str) -> None:
    one = results(throughput(100, conditions={"precision": "fp32", "threads": 2}))
    found = of_batch(one, results(throughput(100, **changes)))
    assert found.outcome == "not comparable"
    assert found.ratio is None
    assert found.reasons[0].startswith(reason)
    name = reason.split(maxsplit=1)[0]
    assert of_batch(one, results(throughput(100, **changes)), accept={name}).outcome == "same"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source": "simulated"}, "SIMULATED"), ({"model": "other"}, "model m against other"),
        (
            {"artifacts": (Artifact(step="weights", path="w", sha256="b" * 64, md5=None, bytes=1),)}, "other weights"
        ),
    ],
)  # fmt: skip
def test_what_makes_all_numbers_not_comparable(changes: dict[str, Any], reason: str) -> None:
    artifact = Artifact(step="weights", path="w", sha256=DIGEST, md5=None, bytes=1)
    found = compare(
        "cpu", results(throughput(100), artifacts=(artifact,)), results(throughput(100), **changes), Margins()
    )
    assert {line.outcome for line in found} == {"not comparable"}
    assert {line.reasons for line in found} == {(reason,)}


@pytest.mark.parametrize(
    ("correct", "n", "outcome"), [(500, 1000, "same"), (496, 1000, "same"), (470, 1000, "same"), (400, 1000, "worse"),
                                  (600, 1000, "better"), (600, 1200, "not comparable")],
)  # fmt: skip
def test_an_accuracy(correct: int, n: int, outcome: str) -> None:
    found = compare("cpu", results(), results(correct=correct, n=n), Margins())
    assert found[0].quantity == "top1"
    assert found[0].outcome == outcome


def test_a_batch_of_one_side_only() -> None:
    found = of_batch(results(), results(throughput(100)))
    assert (found.outcome, found.reasons, found.one, found.other) == (
        "not comparable", ("only in one of the two",), None, 100,
    )  # fmt: skip


def test_targets_are_paired_by_name_or_because_there_is_no_choice() -> None:
    cpu, openvino = results(), results(target="openvino")
    matched, alone = pairs({"cpu": cpu, "T4": cpu}, {"cpu": cpu, "310": cpu})
    assert [name for name, *_ in matched] == ["cpu"]
    assert alone == ["T4", "310"]
    assert [name for name, *_ in pairs({"cpu": cpu}, {"openvino": openvino})[0]] == ["cpu / openvino"]
    assert pairs({"cpu": cpu, "T4": cpu}, {"openvino": openvino})[0] == []


def test_an_interval_beyond_the_margin_on_both_sides_says_nothing() -> None:
    assert classify(Decimal(100), (Decimal(80), Decimal(120)), Decimal(100), 10) == "unclear"
    assert classify(Decimal(100), (Decimal(95), Decimal(120)), Decimal(100), 10) == "same"


@pytest.mark.parametrize(
    ("unit", "better", "one", "other", "outcome"),
    [
        ("fraction", "higher", 0.371, 0.368, "same"), ("fraction", "higher", 0.371, 0.36, "worse"),
        ("percent", "higher", 37.1, 37.5, "same"), ("percent", "higher", 37.1, 39.0, "better"),
        ("px", "lower", 2.0, 2.05, "same"), ("px", "lower", 2.0, 2.5, "worse"), ("px", "lower", 2.0, 1.5, "better"),
        ("dB", "higher", 30.0, 25.0, "worse"),
    ],
)  # fmt: skip
def test_a_metric_of_any_task(unit: Any, better: Any, one: float, other: float, outcome: str) -> None:
    sides = [
        results(accuracy=None, metrics=(Metric(name="m", value=value, unit=unit, better=better, samples=10),))
        for value in (one, other)
    ]
    (found,) = compare("cpu", sides[0], sides[1], Margins())
    assert (found.quantity, found.outcome, found.worse) == ("m", outcome, outcome == "worse")
    fewer = results(accuracy=None, metrics=(Metric(name="m", value=other, unit=unit, better=better, samples=9),))
    assert compare("cpu", sides[0], fewer, Margins())[0].outcome == "not comparable"


def test_a_card_of_other_devices_or_another_unit_is_not_the_same_card() -> None:
    one = results(throughput(100, per="device", factor=4), target="310")
    other = results(throughput(100, per="device", factor=1), target="310")
    found = of_batch(one, other)
    assert found.outcome == "not comparable"
    assert found.reasons == ("fps per device times 4 against fps per device times 1",)
    counted = of_batch(results(throughput(100)), results(throughput(100, unit="qps")))
    assert counted.reasons == ("fps per image times 1 against qps per image times 1",)
    assert of_batch(one, results(throughput(100), target="310P")).outcome == "slower"  # another card has its own


def test_a_batch_has_one_throughput() -> None:
    with pytest.raises(ValidationError, match="a batch has two throughputs: 1, 1"):
        results(throughput(100), throughput(101))
