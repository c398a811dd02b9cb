"""Folders in the published shape run unchanged: on cpu, and in the rehearsal of a card."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.cli import main
from tests.tasks.publishedfolders import flipped, several_inputs, several_shapes, side_files

FOLDERS = [
    (several_inputs, "exact match", 75.0), (flipped, "AP", 0.7652), (side_files, "PSNR", 42.11),
    (several_shapes, "PSNR", 42.11),
]  # fmt: skip

#: Two simulated devices of its own for each worker of pytest: of a device, kit lets one run in at a time.
DEVICE = 2 + 2 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def kit(recipe: Path, *words: str) -> int:
    top = recipe.parent.parent
    places = ["--recipe", str(recipe), "--store", str(top / "store"), "--reports", str(top / "reports")]
    with pytest.raises(SystemExit) as end:
        main([*words, *places])
    return int(end.value.code or 0)


def reproduce(recipe: Path, *words: str) -> int:
    return kit(recipe, "reproduce", *words)


def metrics_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["metrics"]
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("make", "metric", "value"), FOLDERS)
def test_on_cpu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], Path], metric: str, value: float
) -> None:
    recipe = make(tmp_path)
    before = {path: path.read_bytes() for path in recipe.parent.rglob("*") if path.is_file()}
    assert reproduce(recipe, "--runner", "local") == 0
    assert before == {path: path.read_bytes() for path in recipe.parent.rglob("*") if path.is_file()}
    report = tmp_path / "reports" / recipe.parent.name
    (one,) = metrics_of(report / "results" / "cpu.json")
    assert one["name"] == metric and one["value"] == pytest.approx(value) and one["samples"] == 12
    assert one["evidence"]["value"]["step"] == "cpu/score"
    for name in ("README.md", "README.en.md"):
        text = (report / name).read_text()
        assert f"| {metric} |" in text
        script = yaml.safe_load(recipe.read_text())["task"]["script"]  # its command lines, as people read them
        assert all(f"\n{shlex.join(line)}\n" in text for line in (*script["preprocess"], *script["postprocess"]))
        # No sentence about a classifier of timm: its architecture, its 1000 classes, an opset that kit chose.
        assert not [word for word in ("timm", "None", "1000", "opset", "pth") if word in text.partition("## 6")[0]]
    capsys.readouterr()
    assert kit(recipe, "explain", f"cpu/{metric}") == 0
    told = capsys.readouterr().out
    assert "evidence   value: cpu/score/" in told and "command    python3 -m inside.script" in told
    # Twelve files in batches of up to four: in three parts they are the same.
    cut = [*("--runner", "local"), *("--shards", "3")]
    assert reproduce(recipe, *cut) == 0
    (again,) = metrics_of(report / "results" / "cpu.json")
    assert {key: again[key] for key in ("value", "samples")} == {key: one[key] for key in ("value", "samples")}
    runs = [run["step"] for run in json.loads((report / "results" / "cpu.json").read_text())["runs"]]
    assert sum("-shard" in step for step in runs) in {3, 6}


@pytest.mark.docker
@pytest.mark.slow
def test_files_of_several_shapes_in_the_rehearsal_of_tensorrt(tmp_path: Path) -> None:
    recipe = several_shapes(tmp_path)
    recipe.write_text(recipe.read_text().replace("T4: null", "T4: {options: {runs: 1}}"))
    assert reproduce(recipe, "--target", "T4", "--simulate", "--device", str(DEVICE)) == 0
    (one,) = metrics_of(tmp_path / "reports" / "shapes" / "simulated" / "results" / "T4.json")
    assert one["value"] == pytest.approx(42.11, rel=1e-2)


@pytest.mark.docker
@pytest.mark.slow
def test_packages_of_the_recipe_are_in_the_image_of_its_scripts(tmp_path: Path) -> None:
    recipe = several_inputs(tmp_path)
    folder = recipe.parent
    (folder / "requirements.txt").write_text(
        "tqdm==4.70.1 \\\n    --hash=sha256:c293e525e6fef9c20e8728fd4612df02a0aa31bb5fe91ecd93e123b1b7bffa73 \\\n"
        "    --hash=sha256:cefd0eca11b2a37a3aee776544d4f4ae913f02688135b5556b8788dfa474afc4\n"
    )
    recipe.write_text(recipe.read_text().replace("code: scripts", "code: scripts\n    packages: requirements.txt"))
    script = folder / "scripts" / "prep.py"
    script.write_text("import tqdm\n" + script.read_text())
    assert reproduce(recipe, "--batch", "1") == 0


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.parametrize(("make", "metric", "value"), FOLDERS)
def test_in_the_rehearsal_of_a_card(tmp_path: Path, make: Callable[[Path], Path], metric: str, value: float) -> None:
    recipe = make(tmp_path)
    assert reproduce(recipe, "--target", "310P", "--simulate", "--device", str(DEVICE)) == 0
    report = tmp_path / "reports" / recipe.parent.name / "simulated"
    (one,) = metrics_of(report / "results" / "310P.json")
    assert one["name"] == metric and one["value"] == pytest.approx(value, rel=1e-2)
    assert "this run (SIMULATED)" in (report / "README.en.md").read_text()
    if make is flipped:  # two runs of the engine: each is cut
        parts = ("--shards", "2", "--devices", f"{DEVICE},{DEVICE + 1}")
        assert reproduce(recipe, "--target", "310P", "--simulate", *parts) == 0
        (again,) = metrics_of(report / "results" / "310P.json")
        assert again["value"] == one["value"]


def test_requirements_that_are_not_locked_are_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = several_inputs(tmp_path)
    (recipe.parent / "requirements.txt").write_text("# scripts\ntqdm>=4  # any\nnumpy==2.1\n")
    recipe.write_text(recipe.read_text().replace("code: scripts", "code: scripts\n    packages: requirements.txt"))
    assert reproduce(recipe, "--runner", "local") == 3
    told = capsys.readouterr().err
    assert "tqdm>=4 has no version with hashes" in told and "pip-compile" in told
