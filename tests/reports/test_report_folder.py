"""A report's folder: deviations, chosen targets, what is removed, compiled templates."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.errors import DamagedError, InvalidInputError
from kit.recipe.schema import Recipe
from kit.reports import deviations
from kit.reports.context import build
from kit.reports.folder import rendered, write
from kit.reports.render import render
from kit.reports.targetfacts import TargetFacts, reported_targets
from kit.reports.templates import environment
from kit.results.resultsfile import Results, results_text

Make = Callable[..., Results]


def test_writing_twice_changes_nothing(seed_recipe: Recipe, tmp_path: Path) -> None:
    files = rendered(seed_recipe, tmp_path)
    assert set(write(tmp_path, files)) == set(files)
    assert write(tmp_path, rendered(seed_recipe, tmp_path)) == ()
    assert json.loads((tmp_path / "report.json").read_text())["files"] == sorted(files)
    assert not list(tmp_path.rglob("*.partial"))


def test_chosen_targets_and_languages_are_kept_for_the_next_rendering(seed_recipe: Recipe, tmp_path: Path) -> None:
    write(tmp_path, rendered(seed_recipe, tmp_path, targets=["310P"], languages=["en"]))
    again = rendered(seed_recipe, tmp_path)
    assert "README.md" not in again
    assert {name: (tmp_path / name).read_bytes() for name in again} == again
    assert json.loads(again["report.json"])["targets"] == ["310P"]


def test_a_later_result_joins_a_report_whose_targets_nobody_chose(
    seed_recipe: Recipe, make: Make, tmp_path: Path
) -> None:
    write(tmp_path, rendered(seed_recipe, tmp_path))
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "cpu.json").write_text(results_text(make("cpu", {1: 50.0})), encoding="utf-8")
    assert json.loads(rendered(seed_recipe, tmp_path)["report.json"])["targets"] == ["310", "310P", "T4", "cpu"]


def test_files_of_the_last_rendering_go_and_others_stay(seed_recipe: Recipe, make: Make, tmp_path: Path) -> None:
    stored = {"cpu": make("cpu", {1: 50.0})}
    write(tmp_path, rendered(seed_recipe, tmp_path, stored))
    outside = tmp_path.parent / "outside.svg"
    outside.write_text("mine")
    (tmp_path / "plots" / "mine.svg").write_text("mine")
    note = json.loads((tmp_path / "report.json").read_text())
    note["files"] += ["../outside.svg", "results/cpu.json", "plots/../plots/mine.svg"]
    (tmp_path / "report.json").write_text(json.dumps(note))
    changed = write(tmp_path, rendered(seed_recipe, tmp_path, {}))
    assert "plots/latency.svg" in changed
    assert not (tmp_path / "plots" / "latency.svg").exists()
    assert outside.exists()
    assert (tmp_path / "plots" / "mine.svg").exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"targets": 5, "chosen": true}', b"\xff", b"[" * 100000])
def test_a_damaged_note_of_the_last_rendering_is_no_obstacle(
    seed_recipe: Recipe, tmp_path: Path, damage: bytes
) -> None:
    (tmp_path / "report.json").write_bytes(damage)
    assert json.loads(rendered(seed_recipe, tmp_path)["report.json"])["targets"] == ["310", "310P", "T4"]


def test_damaged_results_are_named(seed_recipe: Recipe, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "cpu.json").write_text('{"format": 1}')
    with pytest.raises(DamagedError, match="results are damaged"):
        rendered(seed_recipe, tmp_path)


def test_the_committed_report_is_what_the_recipe_says(seed_recipe: Recipe, root: Path) -> None:
    folder = root / "reports" / "spnasnet_100"
    for name, data in rendered(seed_recipe, folder).items():
        assert (folder / name).read_bytes() == data, f"{name} is old: run kit report"


def test_deviations_of_the_published_report(seed_recipe: Recipe, root: Path, facts: dict[str, TargetFacts]) -> None:
    listed = deviations.load(root / "reports" / "spnasnet_100" / "deviations.yaml")
    lines = {line for one in listed for line in one.lines}
    assert {108, 156, 160, 202, 235, 259, 283, 293} <= lines
    files = render(seed_recipe, {}, deviations=listed, facts=facts)
    text = files["DEVIATIONS.md"].decode()
    assert "batch4 310单卡吞吐率：1311.7 \\* 4 = 5246.8 fps" in text
    assert "batch64 T4单卡吞吐率：35.9231 \\* 64 = 2299.0784 fps" in text
    assert "1.268、1.655" in text
    assert "{310" not in text
    assert "{reference" not in text
    assert files["DEVIATIONS.en.md"].decode().count("\n| ") == text.count("\n| ") == len(listed) + 2
    assert "DEVIATIONS.md" in files["README.md"].decode()


def test_deviations_quote_the_published_report(root: Path) -> None:
    seed = root.parent / "shared" / "seed" / "README.md"
    if not seed.is_file():
        pytest.skip("the published report is not beside this checkout")
    published = seed.read_text(encoding="utf-8").splitlines()
    exact = 0
    for one in deviations.load(root / "reports" / "spnasnet_100" / "deviations.yaml"):
        assert max(one.lines) <= len(published)
        if isinstance(one.printed, str):
            first = one.printed.split(" ...")[0].split(", ")[0].split("……")[0]
            if one.printed.startswith("| model"):
                first = "Top1 accuracy   | Top1 accuracy"
            assert first in published[one.lines[0] - 1].replace("=  ", "= "), one.printed
            exact += 1
    assert exact >= 15


def test_deviations_keep_the_published_number_when_a_measured_one_replaces_it(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make
) -> None:
    report = build(seed_recipe, {"310P": make("310P", {1: 2000.5})}, reported_targets(seed_recipe, {}), facts)
    assert deviations.fill("{310P/bs1} {310/bs4:formula} {batch} ${chip_name}", report.numbers) == (
        "1743.58 1311.7 * 4 = 5246.8 {batch} ${chip_name}"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- lines: [0]\n  printed: a\n  ours: b\n  why: c\n", "lines"),
        ("- lines: []\n  printed: a\n  ours: b\n  why: c\n", "lines"),
        ("- printed: a\n", "lines"),
        ("a: [", "not a list"),
        ("- lines: [1]\n  printed: a\n  ours: b\n  why: c\n  more: d\n", "more"),
        ("\x00", "not a list"),
    ],
)
def test_damaged_deviations(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "deviations.yaml"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=problem) as raised:
        deviations.load(path)
    assert raised.value.where == str(path)
    assert "\n" not in raised.value.what


def test_a_damaged_or_foreign_cache_of_templates_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    wanted = environment.__wrapped__().get_template("en/reference.md.j2")
    kept = list((tmp_path / "kit" / "templates").iterdir())
    assert len(kept) == 1
    for damage in (b"", kept[0].read_bytes()[:20], os.urandom(200)):
        kept[0].write_bytes(damage)
        again = environment.__wrapped__().get_template("en/reference.md.j2")
        assert again.root_render_func.__code__ == wanted.root_render_func.__code__
    (tmp_path / "kit" / "templates").chmod(0o777)
    assert environment.__wrapped__().bytecode_cache is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(kept[0]))  # a file, so no folder can be made in it
    assert environment.__wrapped__().bytecode_cache is None
