"""The whole way, in real containers, on the bundled example: fewer images and batches than `make reproduce`."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.docker, pytest.mark.slow]


class Site:
    """A small recipe in a folder of its own, with store and reports beside it."""

    def __init__(self, folder: Path, root: Path) -> None:
        example = root / "examples" / "digits"
        self.folder = folder
        images = folder / "val"
        images.mkdir(parents=True)
        labels = (example / "val_label.txt").read_text().splitlines()[:48]
        for line in labels:
            shutil.copy(example / "val" / line.split()[0], images)
        (folder / "val_label.txt").write_text("\n".join(labels) + "\n")
        shutil.copy(example / "spnasnet_digits.pth.tar", folder)
        text = (example / "kit.yaml").read_text()
        for old, new in (
            ("count: 500", "count: 48"),
            ("batches: [1, 4, 8, 16, 32, 64]", "batches: [1, 4]"),
            ("default: [cpu, openvino]", "default: [cpu]"),
            ("seconds: 0.15", "seconds: 0.05"),
            ("repeats: 10", "repeats: 5"),
            ("limit: 30", "limit: 0.1"),
        ):
            assert old in text
            text = text.replace(old, new)
        (folder / "kit.yaml").write_text(text)

    def kit(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        ran = subprocess.run(
            [sys.executable, "-m", "kit", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == code, f"{words}: exit code {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        assert "Traceback" not in ran.stderr
        return ran

    @property
    def report(self) -> Path:
        return self.folder / "reports" / "digits"

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.report)): path.read_bytes() for path in self.report.rglob("*") if path.is_file()
        }


@pytest.fixture(scope="module")
def site(engine: Any, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = Site(tmp_path_factory.mktemp("site"), root)
    made.kit("reproduce", "--runner", "docker")
    return made


def test_the_report_holds_what_was_measured(site: Site) -> None:
    results = json.loads((site.report / "results" / "cpu.json").read_text())
    assert results["source"] == "measured"
    assert results["containerized"] is True
    assert results["accuracy"]["n"] == 48
    assert results["accuracy"]["correct"][0] >= 46
    assert [one["batch"] for one in results["throughput"]] == [1, 4]
    assert all(one["rate"] > 0 and len(one["repeats"]) >= 5 for one in results["throughput"])
    for name in ("README.md", "README.en.md"):
        text = (site.report / name).read_text()
        for one in results["throughput"]:
            printed = re.search(rf"^batch{one['batch']} cpu.*?([0-9.]+) \* 1 = ([0-9.]+) fps$", text, re.MULTILINE)
            assert printed, f"{name} says nothing of batch {one['batch']}"
            assert printed[1] == printed[2]
            assert float(printed[1]) == pytest.approx(one["rate"], rel=1e-5)
        assert results["images"]["runtime"] in text
    assert results["host"]["engine"].startswith("Docker ")


def test_a_second_run_changes_no_byte(site: Site) -> None:
    before = site.files()
    ran = site.kit("reproduce", "--runner", "docker")
    assert "nothing changed" in ran.stdout
    assert ran.stderr.count("unchanged") == 5
    assert site.files() == before


def test_the_same_model_is_exported_twice(site: Site) -> None:
    results = json.loads((site.report / "results" / "cpu.json").read_text())
    digest = next(one["sha256"] for one in results["artifacts"] if one["path"] == "model.onnx")
    made = site.kit("convert", "--store", "other", "--target", "cpu", "--json").stdout.splitlines()
    assert json.loads(made[-1])["files"]["model.onnx"] == digest


def test_verify_passes_and_names_each_damage(site: Site) -> None:
    assert "0 wrong, 0 not on this machine, 0 not proven" in site.kit("verify", "--strict").stdout
    clone = site.kit("verify", "--strict", "--store", "nowhere").stdout
    assert " 0 wrong," in clone
    assert clone.endswith(" 0 not proven\n")
    results = json.loads((site.report / "results" / "cpu.json").read_text())
    runs = {run["step"]: run["fingerprint"] for run in results["runs"]}
    victims = [
        (site.folder / ".kit" / "artifacts" / runs[one["step"]] / one["path"], f"{one['step']}/{one['path']}")
        for one in results["artifacts"]
        if one["step"] != "weights"
    ]
    victims.append((site.folder / "spnasnet_digits.pth.tar", "weights"))
    victims += [(site.report / name, name) for name in ("README.md", "README.en.md", "report.html")]
    for path, subject in victims:
        before = path.read_bytes()
        damaged = bytearray(before)
        damaged[len(damaged) // 2] ^= 1
        path.write_bytes(damaged)
        ran = site.kit("verify", code=6)
        assert f"WRONG  {subject}" in ran.stdout or f": {subject}" in ran.stdout, ran.stdout
        path.write_bytes(before)
    assert "0 wrong" in site.kit("verify").stdout


def drop_image(site: Site) -> None:
    next((site.folder / "val").iterdir()).unlink()


def cut_image(site: Site) -> None:
    path = min((site.folder / "val").iterdir())
    path.write_bytes(path.read_bytes()[:300])


def no_images(site: Site) -> None:
    for path in (site.folder / "val").iterdir():
        path.unlink()


def cut_labels(site: Site) -> None:
    path = site.folder / "val_label.txt"
    path.write_text("\n".join(path.read_text().splitlines()[:-3]) + "\n")


def cut_weights(site: Site) -> None:
    path = site.folder / "spnasnet_digits.pth.tar"
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize(
    ("damage", "code", "words"),
    [
        (drop_image, 3, "has 47 images, the recipe says 48"),
        (cut_image, 5, "digit_00000.jpeg"),
        (no_images, 4, "holds no image"),
        (cut_labels, 3, "3 of 48 images have no label: digit_00045.jpeg"),
        (cut_weights, 5, "md5"),
    ],
)
def test_damaged_input_is_one_sentence_and_leaves_nothing(
    engine: Any, root: Path, tmp_path: Path, damage: Callable[[Site], None], code: int, words: str
) -> None:
    site = Site(tmp_path / "site", root)
    damage(site)
    ran = site.kit("reproduce", "--runner", "docker", code=code)
    error = [line for line in ran.stderr.splitlines() if line.startswith("error: ")]
    assert len(error) == 1
    assert words in error[0]
    assert "  do: " in ran.stderr
    assert list((site.folder / ".kit" / "partial").glob("*")) == []
    assert engine.containers.list(all=True, filters={"label": f"kit.store={site.folder / '.kit'}"}) == []


def test_no_engine_is_one_sentence(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    ran = site.kit("reproduce", "--runner", "docker", "--store", "empty", code=7)
    assert "no engine answers" in ran.stderr
    assert "--runner local" in ran.stderr


def test_unknown_target_and_batch(site: Site) -> None:
    assert "not in the recipe" in site.kit("reproduce", "-t", "311", code=3).stderr
    assert "batch 5 is not in the recipe" in site.kit("reproduce", "-b", "5", code=3).stderr


def test_a_forced_step_runs_again(site: Site) -> None:
    ran = site.kit("reproduce", "--runner", "docker", "--force", "cpu/metrics")
    states = [line.split()[-1] for line in ran.stderr.splitlines() if "cpu/metrics" in line]
    assert states == ["s"]
    assert "no step 'nothing'" in site.kit("reproduce", "--force", "nothing", code=4).stderr
