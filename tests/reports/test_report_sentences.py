"""Sentences of a report that depend on the model, the target and the run: each is true of them."""

from __future__ import annotations

import json
import re

from kit.recipe.schema import Published, Recipe, TargetEntry
from kit.reports.render import render
from kit.reports.targetfacts import TargetFacts, describe_targets
from kit.results.comparison import Margins, compare
from kit.results.measurements import Accuracy
from kit.verification.gate import criteria
from tests.reports.mixedreport import Make


def test_simulated_numbers_say_so_in_every_table_and_line(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make
) -> None:
    rates = {1: 703.125, 4: 1303.125}
    made = make("310", rates, factor=4, source="simulated")
    files = render(seed_recipe, {"310": made}, facts=facts)
    for name in ("README.md", "README.en.md"):
        text = files[name].decode()
        assert text.index("SIMULATED") < text.index("## 1 ")
        for block in re.split(r"\n{2,}", text):
            for rate in rates.values():
                for number in (f"{rate:g}", f"{4 * rate:g}"):
                    if re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.])", block):
                        assert "SIMULATED" in block, block
        tables = [block for block in text.split("\n\n") if block.startswith("|")]
        mixed = [one for one in tables if "2812.5" in one and "2712.568" in one]
        assert len(mixed) == 1, "only the comparison with the published values may hold both"
        assert re.match(r"[^\n]*\(SIMULATED\)[^\n]*†", mixed[0]), mixed[0]
    for name in files:
        if name.startswith("plots/") and "simulated" in name:
            assert "SIMULATED" in files[name].decode()
    assert json.loads(files["report.json"])["simulated"] is True
    verdict = [line for line in files["README.en.md"].decode().splitlines() if "not comparable" in line]
    assert verdict
    assert all("SIMULATED" in line for line in verdict)


def test_a_run_outside_containers_is_announced(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    stored = {"cpu": make("cpu", {1: 50.0}, containerized=False)}
    files = render(seed_recipe, stored, facts=facts)
    assert files["README.en.md"].decode().index("Not in containers") < files["README.en.md"].decode().index("## 1 ")
    assert "未使用容器" in files["README.md"].decode()
    contained = {"cpu": make("cpu", {1: 50.0})}
    assert "未使用容器" not in render(seed_recipe, contained, facts=facts)["README.md"].decode()


def test_commands_and_environment_are_those_of_the_run(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make
) -> None:
    text = render(seed_recipe, {"cpu": make("cpu", {1: 50.0})}, ["cpu"], facts=facts)["README.en.md"].decode()
    assert "\npython3 -m inside.export --opset 11\n" in text
    assert "\ninfer 'a b'\n" in text, "a word with a blank must be quoted, or the command cannot be pasted"
    assert "\nONNX Runtime 1.32.0\nonnx 1.17.0\n" in text
    assert "pthtar2onnx" not in text, "what did not run must not look as if it had"
    assert "inference uses the model code of this commit" not in text, "the run installed what its environment says"


def test_the_ascend_sections_are_about_the_tool_that_ran(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make
) -> None:
    newer = make("310P", {1: 1800.5}, environment={"inference tool": "ais_bench"})
    older = make("310", {1: 700.5}, factor=4, environment={"inference tool": "benchmark"})
    alone = render(seed_recipe, {"310P": newer}, ["310P"], facts=facts)
    both = render(seed_recipe, {"310": older, "310P": newer}, ["310", "310P"], facts=facts)
    text = alone["README.en.md"].decode()
    assert "### 5.1 The ais_bench tool\n\nais_bench is" in text
    assert "benchmark" not in text.partition("## 6 ")[0].replace("ais_bench", "")
    assert "arch=" not in text
    assert "### 5.1 ais_bench工具概述" in alone["README.md"].decode()
    assert "### 5.1 The benchmark and ais_bench tools\n\n310: benchmark is" in both["README.en.md"].decode()
    assert "\n310P: ais_bench is" in both["README.en.md"].decode()
    assert "arch=" in render(seed_recipe, {}, facts=facts)["README.en.md"].decode()


def test_numbers_from_random_input_say_so(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    made = make("310P", {1: 1800.5}, mode="synthetic")
    real = make("310P", {16: 6400.25})
    mixture = made.model_copy(update={"throughput": (*made.throughput, *real.throughput)})
    for results, said in ((made, "measured, synthetic input"), (mixture, "bs1 synthetic input, bs16 images of")):
        text = render(seed_recipe, {"310P": results}, ["310P"], facts=facts)["README.en.md"].decode()
        assert said in text
        assert "pure inference: the engine alone" in text
        assert "are those of real input" not in text


def test_a_model_without_images_has_samples(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    texts = seed_recipe.model_copy(update={"preprocess": None})
    files = render(texts, {"cpu": make("cpu", {1: 50.0}, per="image")}, ["cpu"], facts=facts)
    for name, words in (("README.en.md", "samples per second"), ("README.md", "每秒样本数")):
        text = files[name].decode()
        assert words in text
        assert not re.search(r"images (of|per)|images/s|图片/秒|张图片进行", text)


def test_three_classes_have_no_top5(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    few = seed_recipe.model_copy(update={"model": seed_recipe.model.model_copy(update={"classes": 3})})
    counted = Accuracy(n=50000, classes=3, correct=(37100, 43000, 50000, 50000, 50000), ties=7)
    stored = {"cpu": make("cpu", {1: 50.0}, accuracy=counted)}
    files = render(few, stored, facts=facts)
    for name in ("README.en.md", "README.md", "report.html"):
        text = files[name].decode()
        assert "Top3" in text
        assert not re.search("Top[45]", re.sub("Top1(?: to |到)Top5", "", text)), name
    assert "top5" not in files["report.json"].decode()
    assert "Among the scores of 7 images some are equal" in files["README.en.md"].decode()
    assert "Top5" not in criteria(few)
    rule = Margins(0.5, 10.0, ())
    assert [one.quantity for one in compare("cpu", stored["cpu"], stored["cpu"], rule)] == ["top1", "bs1"]


def test_without_a_run_the_tool_is_that_of_the_toolchain(seed_recipe: Recipe) -> None:
    newer = {"310P": TargetEntry(toolchain="CANN 9.0.1"), "310": TargetEntry(), "cpu": TargetEntry()}
    told = seed_recipe.model_copy(update={"published": Published(), "targets": newer})
    text = render(told, {}, ["310P"])["README.en.md"].decode()
    assert "### 5.1 The ais_bench tool\n\nais_bench is" in text
    assert "benchmark" not in text.replace("ais_bench", "")
    both = describe_targets(["310P", "310", "cpu"], told, {})
    assert {name: one.tool for name, one in both.items()} == {"310P": "ais_bench", "310": "benchmark", "cpu": ""}
    stated = told.model_copy(update={"published": seed_recipe.published})
    assert describe_targets(["310P"], stated, {})["310P"].tool == "benchmark", "what was published ran on CANN 5.1"


def test_scripts_are_those_of_a_published_report_alone(seed_recipe: Recipe, facts: dict[str, TargetFacts]) -> None:
    for name in ("report", "python"):
        published = seed_recipe.published.model_copy(update={name: None})
        files = render(seed_recipe.model_copy(update={"published": published}), {}, facts=facts)
        for readme in ("README.md", "README.en.md"):
            assert not re.search("pth2onnx|pthtar2onnx|get_info|vision_metric|-om_path", files[readme].decode())


def test_accuracies_that_are_not_met_are_listed(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    low = {"n": 50000, "classes": 1000, "correct": [36000, 43000, 45000, 45500, 45970]}
    files = render(seed_recipe, {"cpu": make("cpu", {1: 50.0}, accuracy=low)}, facts=facts)
    assert "> Not met, and in need of work: cpu Top1." in files["README.en.md"].decode()
    assert "| cpu | Top1 | 72% | 74.084% | -2.084 | 71.60%–72.39% | not met |" in files["README.en.md"].decode()
    assert "> 各项精度均达标" in render(seed_recipe, {}, facts=facts)["README.md"].decode()


def test_nothing_measured_and_nothing_published(seed_recipe: Recipe, facts: dict[str, TargetFacts]) -> None:
    text = render(seed_recipe, {}, ["cpu"], facts=facts)["README.en.md"].decode()
    assert "kit reproduce --target cpu" in text
    assert "There is no throughput of this target yet" in text
    assert "### 6.1 cpu offline inference TopN accuracy" in text
