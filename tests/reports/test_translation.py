"""Sentences about a run that results hold in English, on a Chinese page."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kit.recipe.schema import Recipe
from kit.reports.render import render
from kit.reports.targetfacts import TargetFacts
from kit.reports.templates import environment
from kit.reports.translation import translated
from tests.reports.mixedreport import Make

#: Lists of sentences in the code that reach a report, and the modules that fill them.
_LISTS = {"notes", "reasons", "words"}
_MODULES = (
    "inside/throughput.py", "inside/disturbance.py", "targets/cards.py", "targets/batches.py",
    "targets/engine_target.py", "targets/openvino/target.py", "targets/ascend/results.py",
    "targets/tensorrt/results.py", "reports/figures.py",
)  # fmt: skip


def _pattern(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def _said(root: Path) -> Iterator[str]:
    """Sentences that the code appends to such a list."""
    for module in _MODULES:
        for node in ast.walk(ast.parse((root / "kit" / module).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
                name = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
                if name in _LISTS and (text := _pattern(node.args[0])):
                    yield text


def _sentences(language: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("words", "ascend/titles", "tensorrt/titles", "openvino/titles"):
        module: Any = environment().get_template(f"{language}/{name}.j2").make_module({"samples": False, "tools": []})
        found |= module.words.get("remarks", {})
    return found


def test_each_sentence_of_the_code_has_a_chinese_one(root: Path) -> None:
    sentences, said = _sentences("zh"), list(_said(root))
    assert len(said) > 15
    for text in said:
        filled = text.replace("{} the measurement", "after the measurement").replace("{}", "7")
        assert translated(filled, sentences) != filled, text


def test_an_english_page_says_it_as_it_is_and_a_chinese_one_in_chinese(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make
) -> None:
    one = make("310", {1: 700.5}, factor=4, notes=("npu-smi 22.0.3 and driver 21.0.4 have different versions", "new"))
    shaky = ("the interval is ±1.9%, wider than ±1.0%", "other programs took 40% of the cores")
    one = one.model_copy(update={"throughput": (one.throughput[0].model_copy(update={"unstable": shaky}),)})
    files = render(seed_recipe, {"310": one}, ["310"], facts=facts)
    english, chinese = (files[name].decode() for name in ("README.en.md", "README.md"))
    assert "- bs1: the interval is ±1.9%, wider than ±1.0%; other programs took 40% of the cores\n" in english
    assert "- bs1：置信区间为±1.9%，宽于±1.0%；其他程序占用了40%的CPU核\n" in chinese
    assert "- npu-smi 22.0.3与驱动21.0.4版本不同\n- new\n" in chinese
    assert "- npu-smi 22.0.3 and driver 21.0.4 have different versions\n- new\n" in english


def test_a_long_text_of_a_stranger_is_looked_at_once() -> None:
    sentences = {"batch {}: {} is {}, and {} at batch {}": "{4}"}
    assert translated("batch 8: mAP is 0.1, and 0.2 at batch 1", sentences) == "1"

    def seconds(times: int) -> float:
        text = "batch " + " is , and  at batch" * times
        begun = time.perf_counter()
        translated(text, sentences)
        return time.perf_counter() - begun

    assert seconds(100_000) < 2
