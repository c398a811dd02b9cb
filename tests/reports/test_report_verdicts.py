"""Same, different, not comparable, and the gate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.recipe.schema import Recipe, load_recipe
from kit.reports.compare import same_toolchain
from kit.reports.context import Report, build
from kit.reports.targetfacts import TargetFacts, reported_targets
from kit.results.measurements import Accuracy
from kit.results.resultsfile import Artifact, Results
from kit.verification.gate import GateInput, failures
from kit.verification.link import Link

Make = Callable[..., Results]
DIGEST = "0123456789abcdef" * 4

#: The published rates of the 310P at two batches.
PUBLISHED = {1: 1743.58, 4: 5244.27}
#: All of them, as the recipe of the seed states them.
FULL: dict[int, float] = dict(load_recipe(Path(__file__).parents[2]).published.throughput["310P"].rates)


def outcomes(report: Report) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {one.quantity: (one.outcome, one.reasons) for one in report.verdicts}


@pytest.fixture
def judged(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> Any:
    def judge(target: str = "310P", rates: dict[int, float] | None = None, **changes: Any) -> Report:
        return build(seed_recipe, {target: make(target, rates or PUBLISHED, **changes)}, [target], facts)

    return judge


def test_the_published_numbers_again_are_the_same(judged: Any) -> None:
    report = judged()
    assert {name: one[0] for name, one in outcomes(report).items()} == dict.fromkeys(
        ("top1", "top5", "bs1", "bs4"), "same"
    )


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


def test_a_gain_inside_its_interval_is_called_so(seed_recipe: Recipe, facts: dict[str, TargetFacts]) -> None:
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


@pytest.fixture
def closed(seed_recipe: Recipe, facts: dict[str, TargetFacts]) -> Callable[..., str]:
    """Why the gate is closed on these results, all reasons in one text."""

    def reasons(results: dict[str, Results], recipe: Recipe = seed_recipe, **judged: Any) -> str:
        report = build(recipe, results, reported_targets(recipe, results), facts)
        return "; ".join(failures(GateInput(report, judged.pop("links", ()), **judged)))

    return reasons


def test_the_gate_opens_for_what_was_published(make: Make, closed: Callable[..., str]) -> None:
    assert closed({"310P": make("310P", FULL)}, required=("310P",)) == ""


def test_the_gate_is_closed_where_nothing_was_measured(closed: Callable[..., str]) -> None:
    assert "nothing was measured" in closed({})


def test_the_gate_names_what_is_simulated_different_or_below(make: Make, closed: Callable[..., str]) -> None:
    assert "310P is SIMULATED" in closed({"310P": make("310P", FULL, source="simulated")})
    assert "310P bs1 is 1000 and not 1743.58 as published" in closed({"310P": make("310P", {1: 1000.0})})
    low = Accuracy(n=50000, classes=1000, correct=(36000, 43000, 45000, 45500, 45970))
    assert "below the reference" in closed({"cpu": make("cpu", {1: 50.0}, accuracy=low)})


def test_the_gate_names_what_cannot_be_compared(make: Make, closed: Callable[..., str]) -> None:
    said = closed({"310P": make("310P", FULL, toolchain="CANN 6.0.RC1")}, required=("310P",))
    assert "310P bs1 cannot be compared with the published value: toolchain" in said
    said = closed({"310P": make("310P", FULL, per="enqueue")}, required=("310P",))
    assert "cannot be compared with the published value: unit" in said


def test_the_gate_names_what_is_missing(make: Make, closed: Callable[..., str], seed_recipe: Recipe) -> None:
    some = {1: FULL[1]}
    said = closed({"310P": make("310P", some)}, required=("310P", "T4"))
    assert "incomplete: 310P lacks bs4" in said
    assert "incomplete: target T4 of the recipe was not measured" in said
    assert "310P: bs4, bs8" in said
    assert "was published and not measured" in said
    few = Accuracy(n=500, classes=1000, correct=(371, 430, 450, 455, 460))
    said = closed({"310P": make("310P", FULL, accuracy=few)}, required=("310P",))
    assert "incomplete: 310P counted 500 of 50000 images" in said


def test_the_gate_names_links_that_break(make: Make, closed: Callable[..., str]) -> None:
    links = (
        Link("results/310P.json: throughput[0].rate", "wrong", "it says 2"),
        Link("310P: 310P/infer-bs1", "unproven", "its record is not here"),
        Link("310P: export/model.onnx", "absent", "it is not in this store"),
    )
    said = closed({"310P": make("310P", FULL)}, links=links, required=("310P",))
    assert said == (
        "edited: results/310P.json: throughput[0].rate: it says 2;"
        " unproven: 310P: 310P/infer-bs1: its record is not here"
    )


def test_the_gate_names_rates_that_are_not_to_be_relied_on(make: Make, closed: Callable[..., str]) -> None:
    good = make("310P", FULL)
    shaky = good.throughput[0].model_copy(update={"unstable": ("the interval is wide",)})
    results = good.model_copy(update={"throughput": (shaky, *good.throughput[1:])})
    assert "310P bs1 is unstable: the interval is wide" in closed({"310P": results}, required=("310P",))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tolerance": {"accuracy_points": 1e9}}, "tolerance -> accuracy_points: 1e+09 admits anything"),
        ({"tolerance": {"throughput_percent": 100}}, "tolerance -> throughput_percent: 100 admits anything"),
        ({"tolerance": {"parity_max_abs": 10}}, "tolerance -> parity_max_abs: 10 admits anything"),
        ({"tolerance": {"parity_cosine": 0.1}}, "tolerance -> parity_cosine: 0.1 admits anything"),
        ({"tolerance": {"parity_top1": 0.01}}, "tolerance -> parity_top1: 0.01 admits anything"),
        (
            {"published": {"reference": {"top1": 0.998, "top5": 1}}},
            "published -> reference -> top1: 0.998 is a fraction",
        ),
        (
            {"published": {"accuracy": {"310P": {"top1": 0.742, "top5": 0.92}}}},
            "published -> accuracy -> 310P -> top1: 0.742 is a fraction",
        ),
        ({"targets": {"310P": {"toolchain": "CANN 9.0.1"}}}, "310P ran CANN 5.1.RC1, the recipe states CANN 9.0.1"),
    ],
)
def test_the_gate_cannot_be_talked_round_by_the_recipe(
    seed_recipe: Recipe, make: Make, closed: Callable[..., str], changes: dict[str, Any], said: str
) -> None:
    assert said in closed({"310P": make("310P", FULL)}, merged(seed_recipe, changes), required=("310P",))


def merged(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """The recipe with settings changed, at any depth."""

    def merge(tree: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
        return tree | {
            name: merge(tree[name], one) if isinstance(one, dict) and isinstance(tree.get(name), dict) else one
            for name, one in other.items()
        }

    return Recipe.model_validate(merge(recipe.model_dump(exclude_unset=True), changes))


def without(recipe: Recipe, *place: str) -> Recipe:
    """The recipe without one setting."""
    tree = recipe.model_dump(exclude_unset=True)
    part = tree
    for key in place[:-1]:
        part = part[key]
    del part[place[-1]]
    return Recipe.model_validate(tree)


def test_the_gate_compares_with_the_base_revision(seed_recipe: Recipe, make: Make, closed: Callable[..., str]) -> None:
    measured = {"310P": make("310P", FULL)}

    def said(recipe: Recipe, base: Recipe = seed_recipe) -> str:
        return closed(measured, recipe, base=base, required=("310P",))

    assert said(seed_recipe) == ""
    gone = said(without(seed_recipe, "published", "throughput", "310P"))
    assert "published -> throughput -> 310P of the base revision was removed" in gone
    assert "published -> reference" in said(without(seed_recipe, "published", "reference"))
    lower = merged(seed_recipe, {"published": {"reference": {"top1": 10}}})
    assert "published -> reference is not that of the base revision" in said(lower)
    wider = merged(seed_recipe, {"tolerance": {"accuracy_points": 4}})
    assert "tolerance -> accuracy_points was 0.5 at the base revision and is 4" in said(wider)
    more = merged(seed_recipe, {"batches": [*seed_recipe.batches, 128]})
    assert "310P lacks bs128 of the recipe at the base revision" in said(seed_recipe, more)
