"""The command and the file that are shown with a number are those that its evidence names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kit.recipe.schema import Recipe
from kit.reports.context import build
from kit.reports.explain import find, trace
from kit.reports.render import render
from kit.reports.targetfacts import TargetFacts
from kit.results.evidence import Evidence
from kit.results.resultsfile import Command, Results, Run

Make = Callable[..., Results]
DIGEST = "0123456789abcdef" * 4
DATASET, PURE = ("./benchmark.x86_64", "-input_text_path=x.info"), ("./benchmark.x86_64", "-round=50")


@pytest.fixture
def both(make: Make) -> Results:
    """A 310 that ran the data set and pure inference; its rate is that of the data set."""

    def stands(step: str, place: str) -> Evidence:
        return Evidence(step=step, fingerprint=DIGEST, file="out.txt", sha256=DIGEST, reader="text", place=place)

    made = make("310", {1: 500.5}, factor=4)
    rate = made.throughput[0].model_copy(
        update={
            "repeats": (),
            "latency_ms": None,
            "raw": {"pure inference (images/s)": 600.25},
            "evidence": {
                "rate": stands("310/infer-bs1", "line 4, columns 58-64"),
                'raw["pure inference (images/s)"]': stands("310/bench-bs1", "line 1, columns 24-30"),
            },
        }
    )
    commands = (
        Command(stage="infer", argv=DATASET, batch=1, step="310/infer-bs1"),
        Command(stage="bench", argv=PURE, batch=1, step="310/bench-bs1"),
    )
    runs = tuple(
        Run(step=one.step, fingerprint=DIGEST, image="sha256:1", started="2026-01-02T03:04:05Z", seconds=1.0)
        for one in commands
    )
    return made.model_copy(update={"throughput": (rate,), "commands": commands, "runs": runs})


def test_the_report_shows_the_command_of_the_rate(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], both: Results
) -> None:
    files = render(seed_recipe, {"310": both}, ["310"], facts=facts)
    for name in ("README.md", "README.en.md"):
        text = files[name].decode()
        assert "-input_text_path=x.info" in text
        assert "-round=50" not in text
    html = files["report.html"].decode()
    assert "310/infer-bs1/out.txt, line 4, columns 58-64" in html


def test_explain_names_the_same_run(seed_recipe: Recipe, facts: dict[str, TargetFacts], both: Results) -> None:
    report = build(seed_recipe, {"310": both}, ["310"], facts)
    found = trace(report, find(report, "310/bs1"))
    assert [one.step for one in found.commands] == ["310/infer-bs1"]
    assert [one.step for one in found.runs] == ["310/infer-bs1"]
    assert found.evidence["rate"].step == "310/infer-bs1"
    assert found.data(lambda evidence: f"at {evidence.place}")["evidence"][0]["line"] == "at line 4, columns 58-64"
