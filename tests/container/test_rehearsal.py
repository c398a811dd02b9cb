"""The rehearsal of all three cards in real containers: one report with three columns, marked, and no gate passed."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

# The first test waits for the whole rehearsal: five columns, each step in a container.
pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]

TARGETS = ("310", "310P", "310P-cann9", "T4", "T4-trt11")
OTHERS = """
  310P-cann9: {hardware: 310P, toolchain: CANN 9.0.1}
  T4-trt11: {hardware: T4, toolchain: TensorRT 11.0.0.114, options: {runs: 1}}
"""
GID = 1234


class Site:
    """A small recipe with store and reports beside it, on a machine with two Ascend chips made of nodes."""

    def __init__(self, folder: Path, root: Path) -> None:
        example = root / "examples" / "digits"
        self.folder, self.reports = folder, folder / "reports"
        images = folder / "val"
        images.mkdir(parents=True)
        self.reports.mkdir()
        labels = (example / "val_label.txt").read_text().splitlines()[:21]
        for line in labels:
            shutil.copy(example / "val" / line.split()[0], images)
        (folder / "val_label.txt").write_text("\n".join(labels) + "\n")
        shutil.copy(example / "spnasnet_digits.pth.tar", folder)
        text = (example / "kit.yaml").read_text()
        for old, new in (
            ("count: 500", "count: 21"),
            ("batches: [1, 4, 8, 16, 32, 64]", "batches: [1, 8]"),  # 21 = 2 x 8 + 5: the last batch is not full
            ("\n  T4:\n", OTHERS + "  T4:\n    options: {runs: 1}\n"),
        ):
            assert old in text
            text = text.replace(old, new)
        (folder / "kit.yaml").write_text(text)
        self.devices = folder / "machine"
        (self.devices / "dev").mkdir(parents=True)
        if os.getuid() == 0:
            for name in ("davinci0", "davinci_manager", "devmm_svm", "hisi_hdc"):
                path = self.devices / "dev" / name
                os.mknod(path, stat.S_IFCHR | 0o660, os.makedev(1, 3))  # can be opened, unlike a driver's own
                path.chmod(0o660)
                os.chown(path, 0, GID)

    def kit(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        ran = subprocess.run(
            [sys.executable, "-m", "kit", *words],
            cwd=self.folder,
            env={**os.environ, "KIT_DEVICE_ROOT": str(self.devices)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == code, f"{words}: exit code {ran.returncode}\n{ran.stdout}\n{ran.stderr}"
        assert "Traceback" not in ran.stderr
        return ran

    def results(self, target: str) -> dict[str, Any]:
        (path,) = self.reports.rglob(f"results/{target}.json")
        found: dict[str, Any] = json.loads(path.read_text())
        return found


@pytest.fixture(scope="module")
def site(engine: Any, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("rehearsal")
    folder.chmod(0o755)
    made = Site(folder, root)
    words = [word for target in TARGETS for word in ("--target", target)]
    made.kit("reproduce", *words, "--simulate", "--runner", "docker")
    return made


def test_one_report_has_all_three_columns_and_says_simulated(site: Site) -> None:
    found = [site.results(target) for target in TARGETS]
    assert {one["source"] for one in found} == {"simulated"}
    counts = [{name: value for name, value in one["accuracy"].items() if name != "evidence"} for one in found]
    assert all(one == counts[0] for one in counts)
    accuracy = found[0]["accuracy"]
    assert (accuracy["n"], accuracy["classes"]) == (21, 10)
    assert accuracy["correct"][0] >= 20
    (text,) = [path.read_text() for path in site.reports.rglob("README.en.md")]
    for target in TARGETS:
        assert f"{target} (SIMULATED)" in text
    assert "benchmark is Ascend's tool" in text
    assert "310P-cann9: ais_bench is Ascend's tool" in text
    assert text.count("SIMULATED") > 10


@pytest.mark.parametrize(("target", "factors"), [("310", [4, 4]), ("310P", [1, 1]), ("T4", [1, 8])])
def test_throughput_has_its_factor(site: Site, target: str, factors: list[int]) -> None:
    rates = site.results(target)["throughput"]
    assert [one["batch"] for one in rates] == [1, 8]
    assert [one["factor"] for one in rates] == factors


def test_the_commands_are_those_of_the_published_report(site: Site) -> None:
    commands = {one["step"]: one["argv"] for one in site.results("310P")["commands"]}
    assert commands["310P/convert-bs8"] == [
        "atc", "--model=digits.onnx", "--framework=5", "--output=digits_bs8", "--input_format=NCHW",
        "--input_shape=actual_input_1:8,3,64,64", "--log=error", "--soc_version=Ascend310P3",
    ]  # fmt: skip
    assert "-om_path=digits_bs8.om" in commands["310P/infer-bs8"]
    assert "-input_text_path=digits_val.info" in commands["310P/infer-bs8"]


def test_a_second_rehearsal_runs_nothing(site: Site) -> None:
    before = {path: path.read_bytes() for path in site.reports.rglob("*") if path.is_file()}
    ran = site.kit("reproduce", "--target", "310P", "--target", "310", "--target", "T4", "--simulate")
    assert "FAILED" not in ran.stderr
    assert {path: path.read_bytes() for path in site.reports.rglob("*") if path.is_file()} == before


def test_every_number_of_the_rehearsal_is_read_again_at_its_place(site: Site) -> None:
    for store in (".kit", "nowhere"):
        said = site.kit("verify", "--strict", "--store", store, "-v").stdout
        for target in TARGETS:
            assert f"results/{target}.json: every field follows from the raw outputs" in said
            assert f"results/{target}.json: evidence: " in said
        assert " 0 wrong," in said


def test_a_rate_stands_under_the_command_that_printed_it(site: Site) -> None:
    for target in ("310", "310P"):
        tree = json.loads(site.kit("explain", f"{target}/bs8", "--simulated", "--json").stdout)
        rate = next(one for one in tree["evidence"] if one["field"] == "rate")
        assert (rate["step"], rate["file"]) == (f"{target}/infer-bs8", "result/perf_vision_batchsize_8_device_0.txt")
        (printed,) = re.findall(r"Interface throughputRate: ([\d.]+)", rate["line"])
        assert float(printed) == tree["raw"]["rate"]
        assert "-input_text_path=digits_val.info" in tree["commands"][0]["argv"]
    (text,) = [path.read_text() for path in site.reports.rglob("README.en.md")]
    assert "-round=" not in text, "no rate of the report is of pure inference"


def test_no_gate_passes_on_a_rehearsal(site: Site) -> None:
    site.kit("reproduce", "--target", "310P", "--simulate", "--gate", "--runner", "docker", code=6)


def test_a_node_that_the_group_may_not_open_stops_the_rehearsal(site: Site) -> None:
    if os.getuid() != 0:
        pytest.skip("mknod needs root")
    node = site.devices / "dev/hisi_hdc"
    node.chmod(0o600)
    try:
        ran = site.kit("reproduce", "--target", "310P", "--simulate", "--force", "310P/infer-bs8", code=8)
    finally:
        node.chmod(0o660)
    assert "the chip cannot be opened in the container" in ran.stderr
    assert "kit doctor" in ran.stderr
