"""The rendered files: anchors, languages, determinism, other packages' templates."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from kit.audit import audit_file
from kit.recipe.schema import Recipe
from kit.reports.escaping import slug
from kit.reports.render import render
from kit.reports.targetfacts import TargetFacts
from kit.results.resultsfile import results_text
from tests.reports.mixedreport import Make, headings, mixture


def links(markdown: str) -> list[str]:
    return re.findall(r"\]\(#([^)]+)\)", markdown)


@pytest.mark.slow
def test_every_anchor_leads_to_a_heading_for_any_targets(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make
) -> None:
    for count in range(1, 5):
        for chosen in combinations(facts, count):
            for results in ({}, mixture(make)):
                stored = {name: one for name, one in results.items() if name in chosen}
                files = render(seed_recipe, stored, chosen, facts=facts)
                for name in ("README.md", "README.en.md"):
                    text = files[name].decode()
                    anchors = [slug(heading) for heading in headings(text)]
                    assert len(set(anchors)) == len(anchors)
                    assert set(links(text)) <= set(anchors), (chosen, name)
                    numbers = [heading.split(" ")[0] for heading in headings(text)[1:]]
                    chapters = [number for number in numbers if "." not in number]
                    assert chapters == [str(number) for number in range(1, 10)]
                    for chapter in chapters:
                        below = [number for number in numbers if number.startswith(f"{chapter}.")]
                        assert below == [f"{chapter}.{index}" for index in range(1, len(below) + 1)]
                    assert len([one for one in numbers if one.startswith("7.")]) == len(chosen) + 1


def test_both_languages_hold_the_same_numbers(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make) -> None:
    for results in ({}, mixture(make)):
        files = render(seed_recipe, results, facts=facts)
        tables = []
        for name in ("README.md", "README.en.md"):
            rows = [line for line in files[name].decode().splitlines() if line.startswith("|")]
            tables.append([re.findall(r"[-+]?\d+(?:\.\d+)?", re.sub(r"95 ?%|over|\(UTC\)", "", row)) for row in rows])
        assert tables[0] == tables[1]
        lines = [
            re.findall(
                r"^batch(\d+) ([^ ]+?)(?:单卡吞吐率|吞吐率| single-card throughput| throughput)[：:] ?(.*)$",
                files[name].decode(),
                re.MULTILINE,
            )
            for name in ("README.md", "README.en.md")
        ]
        assert lines[0] == lines[1]
        assert len(lines[0]) >= 18


def test_our_own_audit_finds_nothing_in_our_own_report(
    seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make, tmp_path: Path
) -> None:
    for kind, results in (("seed", {}), ("mixture", mixture(make))):
        files = render(seed_recipe, results, facts=facts)
        for name in ("README.md", "README.en.md"):
            path = tmp_path / f"{kind}-{name}"
            path.write_bytes(files[name])
            result = audit_file(path)
            assert [(one.line, one.message) for one in result.diagnostics] == []
            assert len(result.verified) >= 40


_PROGRAM = """
import hashlib, json, sys
from pathlib import Path
from kit.recipe.schema import load_recipe
from kit.reports.render import render
from kit.results.resultsfile import load_results
results = {path.stem: load_results(path) for path in map(Path, sys.argv[2:])}
files = render(load_recipe(Path(sys.argv[1])), results)
print(json.dumps({name: hashlib.sha256(data).hexdigest() for name, data in files.items()}))
"""


@pytest.mark.slow
def test_same_bytes_in_any_surroundings(root: Path, make: Make, tmp_path: Path) -> None:
    paths = []
    for name, one in mixture(make).items():
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(results_text(one), encoding="utf-8")
    found = []
    for seed, zone, place, language in (("1", "UTC", root, "C"), ("99", "Asia/Shanghai", tmp_path, "C.UTF-8")):
        environment = {
            **os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language, "HOME": str(tmp_path),
            "PYTHONPATH": str(root),
        }  # fmt: skip
        found.append(
            subprocess.run(
                [sys.executable, "-c", _PROGRAM, str(root), *map(str, paths)],
                env=environment, cwd=place, check=True, capture_output=True, text=True,
            ).stdout
        )  # fmt: skip
    assert found[0] == found[1]
    assert "README.md" in json.loads(found[0])


def test_no_trace_of_this_machine(seed_recipe: Recipe, facts: dict[str, TargetFacts], make: Make, root: Path) -> None:
    everything = b"".join(render(seed_recipe, mixture(make), facts=facts).values()).decode()
    assert str(root) not in everything
    assert os.uname().nodename not in everything or len(os.uname().nodename) < 4


def test_another_package_brings_its_own_templates(seed_recipe: Recipe, make: Make, tmp_path: Path) -> None:
    for language in ("zh", "en"):
        folder = tmp_path / language / "tpu"
        folder.mkdir(parents=True)
        (folder / "titles.j2").write_text(
            '{% set words = {"convert": "To TPU", "tool": "tpu-run", "infer": "On TPU"} %}'
        )
        (folder / "convert.md.j2").write_text("tpuc makes it.")
        (folder / "tool.md.j2").write_text("tpu-run runs it on {{ views[0].name }}.")
        (folder / "infer.md.j2").write_text("inference")
        (folder / "measure.md.j2").write_text("measured with {{ code('tpu-run') }}")
    facts = {"TPU": TargetFacts("TPU", "tpu", "a TPU", "TPU 1.0", 1, tmp_path)}
    files = render(seed_recipe, {"TPU": make("TPU", {1: 10.0})}, ["TPU"], facts=facts)
    text = files["README.en.md"].decode()
    for part in ("### 3.2 To TPU", "tpuc makes it.", "tpu-run runs it on TPU.", "measured with `tpu-run`"):
        assert part in text
    plain = {"TPU": TargetFacts("TPU", "nobody", "a TPU")}
    assert (
        "### 3.2 From ONNX to an engine"
        in render(seed_recipe, {"TPU": make("TPU", {1: 10.0})}, ["TPU"], facts=plain)["README.en.md"].decode()
    )
