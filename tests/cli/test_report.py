"""``kit report`` from a recipe on disk."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from kit.cli import main

RECIPE = """\
kit: 1
model: {name: toy, architecture: resnet18, classes: 10}
weights: {path: toy.pth, md5: 0123456789abcdef0123456789abcdef}
dataset: {name: toy images, images: images, labels: labels.txt, count: 1000}
preprocess: {resize: [256, 256], interpolation: bilinear}
batches: [1, 8]
targets: {310: , cpu: }
published:
  reference: {top1: 90, top5: 99}
  throughput:
    310: {per: device, toolchain: CANN 5.1.RC1, rates: {1: 100.25, 8: 300.5}}
    cpu: {per: image, toolchain: ONNX Runtime 1.32, rates: {1: 50, 8: 60}}
"""
RESULTS = {
    "format": 1,
    "model": "toy",
    "target": "cpu",
    "source": "measured",
    "toolchain": "ONNX Runtime 1.32.0",
    "hardware": "a processor",
    "containerized": True,
    "accuracy": {"n": 1000, "classes": 10, "correct": [905, 950, 970, 980, 990]},
    "throughput": [
        {"batch": 1, "rate": 51.5, "per": "image", "factor": 1, "mode": "dataset", "repeats": [51.0, 51.5, 52.0]},
        {"batch": 8, "rate": 61.0, "per": "image", "factor": 1, "mode": "dataset"},
    ],
}


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["report", *args])
    out = capsys.readouterr()
    return int(ended.value.code or 0), out.out, out.err


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "kit.yaml").write_text(RECIPE)
    (tmp_path / "reports").mkdir()
    return tmp_path


def measure(project: Path, **changes: object) -> None:
    folder = project / "reports" / "toy" / "results"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cpu.json").write_text(json.dumps({**RESULTS, **changes}))


def test_published_numbers_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "--recipe", str(project))
    folder = project / "reports" / "toy"
    assert (code, err) == (0, "")
    assert out == f"report: {folder / 'README.md'} (6 files written)\n"
    text = (folder / "README.md").read_text()
    assert "batch8 310单卡吞吐率：300.5 * 4 = 1202 fps" in text
    assert "|  | 310 | cpu | 310/cpu |" in text, "without a subject in the recipe the fastest target is compared"
    assert run(capsys, "--recipe", str(project))[1].endswith("(nothing changed)\n")


def test_a_measurement_joins(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measure(project)
    code, _, err = run(capsys, "--recipe", str(project))
    assert (code, err) == (0, "")
    text = (project / "reports" / "toy" / "README.en.md").read_text()
    assert "|  | 310† | cpu | 310/cpu‡ |" in text
    assert "| cpu | bs1 | 51.5 | 50 | +3% | 51–52 | 10% | same |" in text
    assert "| cpu | Top1 | 90.5% | 90% | +0.5 | 88.52%–92.17% | met; the difference lies within the interval |" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": "simulated"}, "SIMULATED"),
        ({"throughput": [{"batch": 1, "rate": 10.0, "per": "image", "factor": 1, "mode": "dataset"}]}, "cpu bs1 is 10"),
        ({"accuracy": {"n": 1000, "classes": 10, "correct": [800, 950, 970, 980, 990]}}, "below the reference"),
    ],
)
def test_the_gate_closes_with_6_and_the_report_is_written_all_the_same(
    project: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], said: str
) -> None:
    measure(project, **changes)
    code, out, err = run(capsys, "--recipe", str(project), "--gate")
    assert code == 6
    assert said in err
    assert "  do: " in err
    assert "files written" in out
    assert (project / "reports" / "toy" / "report.html").is_file()
    assert run(capsys, "--recipe", str(project))[0] == 0, "without --gate a report of a failure is still a report"


def test_results_that_nobody_can_prove_do_not_pass(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measure(project)
    code, _, err = run(capsys, "--recipe", str(project), "--gate", "--target", "cpu")
    assert code == 6
    assert "unproven: results/cpu.json" in err


def test_a_gate_over_nothing_measured_is_closed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "--recipe", str(project), "--gate")
    assert code == 6
    assert "nothing was measured" in err
    assert "gate: compared with reference Top1 90 %, Top5 99 %" in err


def test_a_base_revision_that_git_does_not_know_is_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "--recipe", str(project), "--gate", "--gate-base", "nowhere")
    assert code == 3
    assert "git knows no revision 'nowhere'" in err


def test_the_gate_looks_at_the_recipe_of_the_base_revision(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def git(*words: str) -> None:
        author = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
        subprocess.run(["git", *author, *words], cwd=project, check=True, capture_output=True)

    git("init")
    git("add", "kit.yaml")
    git("commit", "-m", "the recipe")
    (project / "kit.yaml").write_text(RECIPE.replace("top1: 90", "top1: 9").replace("batches: [1, 8]", "batches: [1]"))
    measure(project)
    err = run(capsys, "--recipe", str(project), "--gate", "--gate-base", "HEAD")[2]
    assert "published -> reference is not that of the base revision" in err
    err = run(capsys, "--recipe", str(project), "--gate", "--target", "cpu")[2]
    assert "base revision" not in err


def test_chosen_target_and_language(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "--recipe", str(project))
    code, out, _ = run(capsys, "--recipe", str(project), "--target", "cpu", "--lang", "en")
    folder = project / "reports" / "toy"
    assert code == 0
    assert "README.en.md" in out
    assert not (folder / "README.md").exists(), "what this report does not have must not lie about from the last one"
    assert "7.2 Performance comparison" in (folder / "README.en.md").read_text()
    assert "310" not in (folder / "README.en.md").read_text().split("## 7 ")[1]


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("--target", "310Q"), 3, "no target '310Q'"),
        (("--lang", "fr"), 2, "fr"),
        (("--recipe", "nowhere"), 4, "no recipe"),
    ],
)
def test_mistakes(
    project: Path, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], code: int, said: str
) -> None:
    got, _, err = run(capsys, "--recipe", str(project), *args)
    assert got == code
    assert said in err
    assert "Traceback" not in err


def test_damaged_results_change_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    measure(project)
    run(capsys, "--recipe", str(project))
    before = (project / "reports" / "toy" / "README.md").read_bytes()
    path = project / "reports" / "toy" / "results" / "cpu.json"
    path.write_bytes(path.read_bytes()[:-40])
    code, _, err = run(capsys, "--recipe", str(project))
    assert code == 5
    assert "cpu.json" in err
    assert (project / "reports" / "toy" / "README.md").read_bytes() == before


def test_reports_folder_of_choice(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = tmp_path / "else where"
    assert run(capsys, "--recipe", str(project), "--reports", str(elsewhere))[0] == 0
    assert (elsewhere / "toy" / "plots" / "throughput.svg").is_file()


def test_the_rehearsals_report_has_its_own_folder(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = project / "reports" / "toy"
    (folder / "simulated" / "results").mkdir(parents=True)
    (folder / "simulated" / "results" / "cpu.json").write_text(json.dumps({**RESULTS, "source": "simulated"}))
    assert run(capsys, "--recipe", str(project), "--simulated")[0] == 0
    assert "SIMULATED" in (folder / "simulated" / "README.en.md").read_text()
    assert not (folder / "README.md").exists()
    assert run(capsys, "--recipe", str(project))[0] == 0
    assert "SIMULATED" not in (folder / "README.md").read_text()
    assert run(capsys, "--recipe", str(project), "--simulated", "--gate")[0] == 6
