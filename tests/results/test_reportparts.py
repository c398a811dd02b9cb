"""A run of this machine goes beside a report that git tracks, and replaces it on request only."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kit.cli.ending import ending
from kit.execution.reproduction import Reproduction, report_folder
from kit.execution.selection import Choice, Selection
from kit.recipe.schema import load_recipe
from kit.results.reportparts import is_tracked, part
from kit.results.resultsfile import load_all


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_a_tracked_report_is_left_alone(root: Path, tmp_path: Path) -> None:
    selection = Selection(load_recipe(root / "examples" / "digits"), Choice())
    folder = tmp_path / "reports" / "digits"
    assert report_folder(selection, tmp_path / "reports") == folder
    folder.mkdir(parents=True)
    (folder / "report.json").write_text("{}")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert not is_tracked(folder), "a file that git does not know is not tracked"
    subprocess.run(["git", "add", "reports"], cwd=tmp_path, check=True)
    assert report_folder(selection, tmp_path / "reports") == folder / "here"
    assert report_folder(selection, tmp_path / "reports", update=True) == folder
    rehearsal = Selection(selection.recipe, Choice(simulate=True))
    assert report_folder(rehearsal, tmp_path / "reports") == folder / "simulated"


def test_parts_of_a_report() -> None:
    assert part(Path("r")) == Path("r")
    assert part(Path("r"), here=True) == Path("r/here")
    assert part(Path("r"), simulated=True, here=True) == Path("r/simulated")


def test_the_end_says_what_is_the_same_and_what_differs(root: Path) -> None:
    recipe = load_recipe(root / "examples" / "digits")
    folder = root / "reports" / "digits"
    results = load_all(folder)
    (name, *_) = results
    cell = results[name].throughput[0]
    slower = cell.model_copy(update={"rate": cell.rate / 2, "repeats": tuple(rate / 2 for rate in cell.repeats)})
    changed = results[name].model_copy(update={"throughput": (slower, *results[name].throughput[1:])})
    done = Reproduction({name: changed}, folder / "here", ("README.md",), "", results)
    lines = list(ending(recipe, done))
    assert len(lines) == 4
    assert lines[0].startswith("reproduced  digits: ") and f"{name}, " in lines[0]
    assert f"{name} top1" in lines[1]
    assert f"{name} bs{cell.batch}" in lines[2]
    assert lines[3].endswith("(1 file written; the committed report is as it was: --update replaces it)")
    assert list(ending(recipe, Reproduction(results, folder, ())))[-1].endswith("(nothing changed)")
