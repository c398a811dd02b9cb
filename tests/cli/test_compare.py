"""``kit compare`` on real folders, files, revisions and targets."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from kit.cli import main
from kit.results.measurements import Throughput
from kit.results.resultsfile import Results, results_text


def save(folder: Path, target: str = "cpu", rate: float = 100.0, width: float = 0.01, **conditions: object) -> Path:
    measured = Throughput.model_validate(
        {
            "batch": 8, "rate": rate, "per": "image", "factor": 1, "mode": "dataset",
            "interval": [rate * (1 - width), rate * (1 + width)], "conditions": conditions,
        }
    )  # fmt: skip
    made = Results(
        model="m", target=target, source="measured", toolchain=target, hardware="CPU", containerized=True,
        throughput=(measured,),
    )  # fmt: skip
    path = folder / "results" / f"{target}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(results_text(made))
    return path


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kit(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(["compare", *words])
    shown = capsys.readouterr()
    return int(end.value.code or 0), shown.out, shown.err


def test_two_folders(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(here / "a")
    save(here / "b", rate=150.0)
    code, out, _ = kit(capsys, "a", "b")
    assert code == 0
    assert "faster" in out
    assert "1.5" in out
    code, out, err = kit(capsys, "b/results", "a/results/cpu.json")
    assert code == 6
    assert "slower" in out
    assert "cpu bs8: slower" in err
    assert "  do: " in err


def test_json_and_junit(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(here / "a")
    save(here / "b", rate=50.0)
    code, out, _ = kit(capsys, "a", "b", "--format", "json")
    (line,) = json.loads(out)["compared"]
    assert code == 6
    assert (line["outcome"], line["ratio"], line["quantity"]) == ("slower", 0.5, "bs8")
    assert line["low"] < 0.5 < line["high"]
    assert json.loads(kit(capsys, "a", "b", "--json")[1]) == json.loads(out)
    suite = ET.fromstring(kit(capsys, "a", "b", "--format", "junit")[1].strip()).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")


def test_conditions_are_accepted_by_name_only(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(here / "a", threads=1)
    save(here / "b", threads=2)
    code, out, _ = kit(capsys, "a", "b")
    assert (code, "not comparable: threads 1 against 2" in out) == (0, True)
    assert kit(capsys, "a", "b", "--strict")[0] == 6
    assert "same" in kit(capsys, "a", "b", "--accept", "threads")[1]
    code, _, err = kit(capsys, "a", "b", "--accept", "thread")
    assert code == 3
    assert "no condition 'thread'" in err


def test_two_targets_of_one_folder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(here / "a", "310P")
    save(here / "a", "310P-new", rate=120.0)
    code, out, _ = kit(capsys, "a:310P", "a:310P-new")
    assert code == 0
    assert "310P / 310P-new" in out
    code, _, err = kit(capsys, "a:310P", "a:311")
    assert code == 4
    assert "choose among 310P, 310P-new" in err


def test_a_revision_of_git(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *words], check=True, capture_output=True)

    git("init", "-q")
    report = here / "reports"
    save(report)
    git("add", ".")
    git("commit", "-qm", "first")
    save(report, rate=200.0)
    code, out, _ = kit(capsys, "HEAD", "reports")
    assert code == 0
    assert "faster" in out
    assert "slower" in kit(capsys, "reports:cpu", "HEAD:cpu")[1]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("a", "nothing"), 4, "names no results"),
        (("a", "empty"), 4, "no results here"),
        (("a", "a", "--margin", "0"), 3, "margin"),
        (("a", "damaged.json"), 5, "damaged"),
    ],
)
def test_bad_input_is_one_sentence(
    here: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, message: str
) -> None:
    save(here / "a")
    (here / "empty").mkdir()
    (here / "damaged.json").write_text("{")
    found, _, err = kit(capsys, *words)
    assert found == code
    assert message in err
    assert err.count("error: ") == 1


def test_a_target_that_was_only_rehearsed_says_so(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(here / "reports" / "simulated", "310P")
    code, _, err = kit(capsys, "310P", "310P")
    assert code == 4
    assert "'310P' was rehearsed only, its numbers are SIMULATED" in err


def test_targets_without_a_partner_are_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(here / "a")
    save(here / "a", "T4")
    save(here / "b")
    out: Any = kit(capsys, "a", "b")[1]
    assert "T4: only in one of the two" in out
    save(here / "c", "310")
    assert kit(capsys, "a", "c")[0] == 3


def test_a_revision_beside_a_folder_is_that_of_the_folder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever the command is typed: without a recipe, or beside one of another model."""
    save(here / "elsewhere/mine")
    author = ("-c", "user.name=t", "-c", "user.email=t@t")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "first")):
        subprocess.run(["git", *author, *words], check=True, capture_output=True)
    save(here / "elsewhere/mine", rate=50.0)
    for other in ("elsewhere/mine", "elsewhere/mine/results", "elsewhere/mine/results/cpu.json", "elsewhere/mine:cpu"):
        code, out, err = kit(capsys, "HEAD", other)
        assert (code, "slower" in out) == (6, True), err
