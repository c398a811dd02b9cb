"""Same, different, not comparable, and the gate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.errors import CheckFailedError
from kit.recipe.schema import Recipe
from kit.reports.compare import same_toolchain
from kit.reports.context import Report, build
from kit.reports.facts import Facts
from kit.reports.gate import check, failures
from kit.results.measurements import Accuracy
from kit.results.schema import Artifact, Results

Make = Callable[..., Results]
DIGEST = "0123456789abcdef" * 4

#: The published rates of the 310P at two batches.
PUBLISHED = {1: 1743.58, 4: 5244.27}


def outcomes(report: Report) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {one.quantity: (one.outcome, one.reasons) for one in report.verdicts}


@pytest.fixture
def judged(seed_recipe: Recipe, facts: dict[str, Facts], make: Make) -> Any:
    def judge(target: str = "310P", rates: dict[int, float] | None = None, **changes: Any) -> Report:
        return build(seed_recipe, {target: make(target, rates or PUBLISHED, **changes)}, [target], facts)

    return judge


def test_the_published_numbers_again_are_the_same(judged: Any) -> None:
    report = judged()
    assert {name: one[0] for name, one in outcomes(report).items()} == dict.fromkeys(
        ("top1", "top5", "bs1", "bs4"), "same"
    )
    assert failures(report) == []


def test_beyond_the_tolerance_is_different(judged: Any) -> None:
    found = outcomes(judged(rates={1: 1743.58 * 0.85, 4: 5244.27 * 1.2}))
    assert (found["bs1"], found["bs4"]) == (("different", ()), ("different", ()))


def test_a_spread_across_the_limit_decides_nothing(judged: Any) -> None:
    report = judged(rates={1: 1743.58 * 0.88}, spread=0.1)
    assert outcomes(report)["bs1"] == ("not comparable", ("spread",))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"toolchain": "CANN 6.0.RC1"}, "toolchain"),
        ({"toolchain": "another tool"}, "toolchain"),
        ({"mode": "synthetic"}, "mode"),
        ({"factor": 2, "rates": {1: 1743.58 / 2, 4: 5244.27 / 2}}, "unit"),
        ({"per": "image"}, "unit"),
        ({"source": "simulated"}, "simulated"),
        (
            {"artifacts": (Artifact(step="weights", path="other.pth", sha256=DIGEST, md5=DIGEST[:32], bytes=1),)},
            "weights",
        ),
    ],
)
def test_what_makes_two_throughputs_not_comparable(judged: Any, changes: dict[str, Any], reason: str) -> None:
    assert outcomes(judged(**changes))["bs4"] == ("not comparable", (reason,))


def test_accuracy_over_a_part_of_the_images_is_not_comparable(judged: Any) -> None:
    part = Accuracy(n=500, classes=1000, correct=(371, 430, 450, 455, 460))
    report = judged(accuracy=part)
    assert outcomes(report)["top1"] == ("not comparable", ("dataset",))
    assert not next(one for one in report.checks if one.k == 1).complete


def test_accuracy_beyond_tolerance_and_interval_is_different(judged: Any) -> None:
    near = Accuracy(n=50000, classes=1000, correct=(37300, 43000, 45000, 45500, 45970))
    far = Accuracy(n=50000, classes=1000, correct=(36700, 43000, 45000, 45500, 45970))
    assert outcomes(judged(accuracy=near))["top1"][0] == "same"
    assert outcomes(judged(accuracy=far))["top1"][0] == "different"


def test_a_gain_inside_its_interval_is_called_so(seed_recipe: Recipe, facts: dict[str, Facts]) -> None:
    report = build(seed_recipe, {}, ["310"], facts)
    first = report.checks[0]
    assert first.met
    assert first.inside
    assert (first.low.text, first.high.text) == ("73.81", "74.58")
    assert first.delta.text == "+0.116"


@pytest.mark.parametrize(
    ("stated", "real", "environment", "same"),
    [
        ("CANN 5.1.RC1", "CANN 5.1.RC1", {}, True),
        ("CANN 5.1.RC1", "cann 5.1.rc1", {}, True),
        ("CANN 5.1.RC1", "CANN 5.1.RC2", {}, False),
        ("TensorRT 7.2.3.4, CUDA 11.0, cuDNN 8.2", "TensorRT 7.2.3.4", {}, True),
        ("TensorRT 7.2.3.4, CUDA 11.0, cuDNN 8.2", "TensorRT 7.2.3.4", {"CUDA": "11.3.1"}, False),
        ("TensorRT 7.2.3.4, CUDA 11.0, cuDNN 8.2", "TensorRT 7.2.3.4", {"cuDNN": "8.2.1", "CUDA": "11.0.3"}, True),
        ("TensorRT 7.2.3.4", "ONNX Runtime 1.32.0", {}, False),
        ("TensorRT 7.2", "TensorRT 7.20", {}, False),
    ],
)
def test_toolchains(stated: str, real: str, environment: dict[str, str], same: bool) -> None:
    assert same_toolchain(stated, real, environment) is same


def test_gate(seed_recipe: Recipe, facts: dict[str, Facts], make: Make) -> None:
    def passes(results: dict[str, Results]) -> Report:
        return check(seed_recipe, results, facts=facts)

    assert not passes({}).ran
    passes({"310P": make("310P", PUBLISHED)})
    passes({"310P": make("310P", PUBLISHED, toolchain="CANN 6.0.RC1")})
    with pytest.raises(CheckFailedError, match="SIMULATED"):
        passes({"310P": make("310P", PUBLISHED, source="simulated")})
    with pytest.raises(CheckFailedError, match=r"310P bs1 is 1000 and not 1743\.58 as published"):
        passes({"310P": make("310P", {1: 1000.0})})
    low = Accuracy(n=50000, classes=1000, correct=(36000, 43000, 45000, 45500, 45970))
    with pytest.raises(CheckFailedError, match="below the reference") as failed:
        passes({"cpu": make("cpu", {1: 50.0}, accuracy=low)})
    assert failed.value.exit_code == 6
