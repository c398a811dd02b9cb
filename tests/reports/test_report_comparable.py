"""Comparable or not: what was not measured alike is not divided, unless the recipe accepts it by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kit.recipe.schema import Comparison, Recipe
from kit.reports.context import Report, build
from kit.reports.render import render
from kit.reports.tables import Refusal
from kit.reports.targetfacts import TargetFacts
from kit.results.measurements import Throughput
from kit.results.resultsfile import Results
from kit.verification.gate import GateInput, failures

ALIKE = {"precision": "fp32", "transfers": "none", "threads": 2}


def results(target: str, rates: Mapping[int, float], width: float | None = 0.01, **conditions: object) -> Results:
    throughput = tuple(
        Throughput.model_validate(
            {
                "batch": batch, "rate": rate, "per": "image", "factor": 1, "mode": "dataset",
                "interval": [rate * (1 - width), rate * (1 + width)] if width else None,
                "conditions": {**ALIKE, **conditions}, "unstable": [],
            }
        )
        for batch, rate in rates.items()
    )  # fmt: skip
    return Results(
        model="spnasnet_100", target=target, source="measured", toolchain=target, hardware="CPU", containerized=True,
        throughput=throughput,
    )  # fmt: skip


FACTS = {name: TargetFacts(name) for name in ("one", "other")}


def report(recipe: Recipe, one: Results, other: Results, accept: tuple[str, ...] = ()) -> Report:
    recipe = recipe.model_copy(update={"comparison": Comparison.model_validate({"accept": accept}), "subject": None})
    return build(recipe, {"one": one, "other": other}, ["one", "other"], FACTS)


def test_ratios_have_intervals_and_no_more_digits_than_these(seed_recipe: Recipe) -> None:
    made = report(seed_recipe, results("one", {1: 200.123456, 8: 300.0}), results("other", {1: 100.0, 8: 100.0}))
    number = made.numbers["one/other@bs1"]
    assert made.numbers["one/bs1"].text == "200.1"
    assert number.text == "2"
    assert number.half_width == pytest.approx(0.0141421, rel=1e-4)
    assert made.numbers["one/bs1/low"].text == "198.1"
    (table,) = made.tables
    assert table.intervals


@pytest.mark.parametrize("name", ["precision", "threads", "transfers"])
def test_measurements_that_differ_are_not_divided(seed_recipe: Recipe, name: str) -> None:
    changed: dict[str, Any] = {"precision": "bf16", "threads": 1, "transfers": "excluded"}
    one, other = results("one", {1: 200.0}), results("other", {1: 100.0}, **{name: changed[name]})
    made = report(seed_recipe, one, other)
    assert not any("/other@" in id_ for id_ in made.numbers)
    (table,) = made.tables
    assert not table.claims
    assert {refusal.batch for refusal in table.refusals} == {1, None}
    assert all(isinstance(row.cells[-1], Refusal) for row in table.rows)
    assert [one.name for one in table.refusals[0].differences] == [name]
    accepted = report(seed_recipe, one, other, (name,))
    assert accepted.numbers["one/other@bs1"].text == "2"
    assert [one.difference.name for one in accepted.tables[0].accepted] == [name]


def test_one_accepted_difference_does_not_excuse_another(seed_recipe: Recipe) -> None:
    one, other = results("one", {1: 200.0}), results("other", {1: 100.0}, precision="fp16", threads=1)
    (table,) = report(seed_recipe, one, other, ("threads",)).tables
    assert [each.name for each in table.refusals[0].differences] == ["precision"]


@pytest.mark.parametrize(("language", "words"), [("en", "Not comparable"), ("zh", "不可比")])
def test_the_report_gives_the_reason_and_no_number(seed_recipe: Recipe, language: str, words: str) -> None:
    recipe = seed_recipe.model_copy(update={"comparison": Comparison(), "subject": None})
    stored = {"one": results("one", {1: 200.0}), "other": results("other", {1: 100.0}, precision="bf16")}
    files = render(recipe, stored, ["one", "other"], languages=[language], facts=FACTS)
    text = files["README.md" if language == "zh" else "README.en.md"].decode()
    assert words in text
    assert "fp32" in text
    assert "bf16" in text
    row = next(line for line in text.splitlines() if line.startswith("| bs1 | 200 | 100 |"))
    assert "2" not in row.split("|")[4]


def test_unstable_batches_are_named_with_the_reason(seed_recipe: Recipe) -> None:
    stored = results("one", {1: 200.0, 8: 300.0})
    shaky = stored.throughput[0].model_copy(update={"unstable": ("other programs took 40% of the cores",)})
    stored = stored.model_copy(update={"throughput": (shaky, stored.throughput[1])})
    text = render(seed_recipe, {"one": stored}, ["one"], languages=["en"], facts=FACTS)["README.en.md"].decode()
    assert "- bs1: other programs took 40% of the cores" in text
    assert "- bs8: " not in text


def test_digits_follow_the_interval(seed_recipe: Recipe) -> None:
    made = report(
        seed_recipe, results("one", {1: 1560.123, 8: 2660.456}, 0.3), results("other", {1: 1.0, 8: 1.0}, None)
    )
    assert (made.numbers["one/bs1"].text, made.numbers["one/bs8"].text) == ("1560", "2660")
    assert made.numbers["one/bs1"].formula == "1560 * 1 = 1560"


def test_a_gate_refuses_what_is_unstable_unless_the_recipe_accepts_it(seed_recipe: Recipe) -> None:
    stored = results("one", {1: 200.0})
    shaky = stored.throughput[0].model_copy(update={"unstable": ("other programs took 40% of the cores",)})
    stored = stored.model_copy(update={"throughput": (shaky,)})

    def said(unstable: str) -> str:
        tolerance = seed_recipe.tolerance.model_copy(update={"unstable": unstable})
        recipe = seed_recipe.model_copy(update={"tolerance": tolerance})
        return "; ".join(failures(GateInput(build(recipe, {"one": stored}, ["one"], FACTS), ())))

    assert "one bs1 is unstable: other programs took 40% of the cores" in said("refuse")
    assert "unstable" not in said("accept")
