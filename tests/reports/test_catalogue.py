"""``reports/index.html``: what it lists, what it marks as failing or stale, and what it survives."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.recipe.schema import Recipe
from kit.reports.catalogue import catalogue, write_index
from kit.reports.folder import update_index, write
from kit.reports.render import render
from kit.reports.targetfacts import TargetFacts
from kit.results.resultsfile import Planned, Results, results_text

Make = Callable[..., Results]


def add(folder: Path, recipe: Recipe, facts: dict[str, TargetFacts], **results: Results) -> None:
    (folder / "results").mkdir(parents=True)
    for name, one in results.items():
        (folder / "results" / f"{name}.json").write_text(results_text(one), encoding="utf-8")
    write(folder, render(recipe, results, facts=facts))


def tags(page: str) -> list[str]:
    return re.findall(r'<span class="tag (\w+)">', page)


def test_the_committed_index_is_what_the_folder_says(root: Path) -> None:
    assert (root / "reports" / "index.html").read_text(encoding="utf-8") == catalogue(root / "reports")


def test_failing_and_stale_targets_are_marked(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make, tmp_path: Path
) -> None:
    add(tmp_path / "toy", seed_recipe, facts, cpu=make("cpu", {1: 50.0, 8: 70.0}))
    page = catalogue(tmp_path)
    assert tags(page) == ["published", "published", "published", "holds"]
    assert "70 images/s" in re.sub(r"<[^>]*>", "", page.replace("图片/秒", ""))
    assert 'aria-label="bs1 50, bs8 70"' in page
    path = tmp_path / "toy" / "results" / "cpu.json"
    path.write_text(results_text(make("cpu", {1: 51.0})), encoding="utf-8")
    assert tags(catalogue(tmp_path)) == ["published", "published", "published", "holds", "stale"]
    path.write_text(results_text(make("cpu", {1: 50.0, 8: 70.0})), encoding="utf-8")
    (tmp_path / "toy" / "results" / "torch.json").write_text(results_text(make("torch", {1: 9.0})), encoding="utf-8")
    assert tags(catalogue(tmp_path)).count("stale") == 4, "results that the report does not show"


def test_a_rate_is_that_of_what_the_model_takes(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make, tmp_path: Path
) -> None:
    texts = seed_recipe.model_copy(update={"preprocess": None})
    add(tmp_path / "toy", texts, facts, cpu=make("cpu", {1: 50.0, 8: 70.0}))
    page = catalogue(tmp_path)
    assert '<span class="say-en" lang="en">samples/s</span><span class="say-zh" lang="zh-CN">样本/秒</span>' in page
    assert "images/s" not in page


def test_a_recipe_that_changed_since_the_run_makes_a_target_stale(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make, tmp_path: Path
) -> None:
    planned = Planned(recipe={"batches": [1]}, recipe_sha256="0" * 64, batches=(1,))
    add(tmp_path / "toy", seed_recipe, facts, cpu=make("cpu", {1: 50.0}, planned=planned))
    page = catalogue(tmp_path)
    assert tags(page)[-2:] == ["holds", "stale"]
    assert "the recipe has changed" in page
    assert "The recipe has changed since this was measured</b>: cpu" in (tmp_path / "toy" / "report.html").read_text()


def test_a_rehearsal_is_simulated_and_what_this_machine_measured_is_not_listed(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make, tmp_path: Path
) -> None:
    add(tmp_path / "toy" / "simulated", seed_recipe, facts, T4=make("T4", {1: 9.0}, per="enqueue", source="simulated"))
    add(tmp_path / "toy" / "here", seed_recipe, facts, cpu=make("cpu", {1: 50.0}))
    page = catalogue(tmp_path)
    assert tags(page) == ["published", "published", "simulated"]
    assert 'href="toy/simulated/report.html"' in page
    assert "toy/here" not in page
    report = (tmp_path / "toy" / "simulated" / "report.html").read_text(encoding="utf-8")
    assert '<title id="first-tp-simulated-t">' in report, "a rehearsal opens with its own plot"
    assert '<title id="first-tp-t">' not in report


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", '{"rows": 5, "chosen": false}', '{"rows": [{"target": "a"}], "chosen": false}', "[" * 100000],
)
def test_a_damaged_report_is_named_and_hides_no_other(root: Path, tmp_path: Path, damage: str) -> None:
    shutil.copytree(root / "reports" / "spnasnet_100", tmp_path / "good")
    (tmp_path / "a <b>bad one").mkdir()
    (tmp_path / "a <b>bad one" / "report.json").write_text(damage)
    page = catalogue(tmp_path)
    assert tags(page) == ["unreadable", "published", "published", "published"]
    assert "<b>bad" not in page


def test_links_and_pipes_are_not_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root / "reports" / "spnasnet_100")
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / "report.json")
    assert tags(catalogue(tmp_path)) == ["unreadable"]


def test_a_tracked_index_is_left_alone_unless_asked(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "reports" / "spnasnet_100", tmp_path / "one")
    update_index(tmp_path, tmp_path / "one")
    assert not write_index(tmp_path), "the same folder gives the same bytes"
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "index.html"], cwd=tmp_path, check=True)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    before = (tmp_path / "index.html").read_bytes()
    update_index(tmp_path, tmp_path / "two")
    assert (tmp_path / "index.html").read_bytes() == before
    update_index(tmp_path, tmp_path / "two" / "here", update=True)
    assert (tmp_path / "index.html").read_bytes() == before
    update_index(tmp_path, tmp_path / "two", update=True)
    assert (tmp_path / "index.html").read_bytes() != before


def test_what_a_killed_writer_left_goes_and_another_report_is_left_alone(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    (reports / "other").mkdir(parents=True)
    for path in (reports / ".index.html.0123abcd.partial", reports / "other" / ".report.json.0123abcd.partial"):
        path.write_text("{")
    (tmp_path / "link").symlink_to(reports)
    assert write_index(tmp_path / "link"), "the user's own --reports may be a link"
    assert sorted(path.name for path in reports.rglob("*")) == [".report.json.0123abcd.partial", "index.html", "other"]
