"""A target from another package: found by its entry point, planned, run and reported without a change of kit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

CODE = """
import json
from pathlib import Path
from kit.doctor import Check, Finding
from kit.results.measurements import Accuracy, Throughput
from kit.planning.step import External, Step
from kit.planning.target import Reading

class Toy:
    name = "abacus"
    family = "abacus"
    hardware = "Abacus, 13 rods"
    toolchain = "Beads 1.0"
    unit = "fps"
    devices_per_card = 13

    def images(self, job):
        return ()

    def plan(self, job):
        program = (
            "import json, os, sys; names = sorted(os.listdir(sys.argv[1])); "
            "json.dump({'n': len(names), 'rate': 2.5}, open(sys.argv[2] + '/beads.json', 'w'))"
        )
        return [
            Step(name=f"abacus/bench-bs{batch}", stage="bench", title="move the beads", image="runtime",
                 argv=("python3", "-c", program, "{in:images}", "{out}"), outputs=("beads.json",),
                 inputs={"images": External(job.images)}, batch=batch)
            for batch in job.batches
        ]

    def check_outcome(self, job, step, outcome):
        pass

    def read(self, job, outputs):
        trees = {batch: json.loads((outputs[f"abacus/bench-bs{batch}"] / "beads.json").read_text())
                 for batch in job.batches}
        n = trees[job.batches[0]]["n"]
        return Reading(
            accuracy=Accuracy(n=n, classes=10, correct=(n, n, n, n, n)),
            throughput=tuple(Throughput(batch=batch, rate=tree["rate"], per="device", factor=13, mode="dataset")
                             for batch, tree in trees.items()),
        )

    def checks(self, job):
        here = Path("beads").exists()
        return [Check("beads", lambda: Finding("ok" if here else "fail", "there are no beads", "touch beads"))]

TARGETS = (Toy(),)
"""

RECIPE = """
model: {name: toy, architecture: spnasnet_100, classes: 10}
weights: {path: weights.pth, md5: 900150983cd24fb0d6963f7d28e17f72}
dataset: {name: toy, images: val, labels: labels.txt, count: 2}
preprocess: {resize: [256, 256], interpolation: bilinear}
batches: [1, 4]
targets: {abacus: }
"""


def test_a_target_of_another_package_runs(tmp_path: Path) -> None:
    package = tmp_path / "site"
    metadata = package / "abacus_kit-1.0.dist-info"
    metadata.mkdir(parents=True)
    (package / "abacus_kit.py").write_text(CODE)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: abacus-kit\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[kit.targets]\nabacus = abacus_kit:TARGETS\n")
    site = tmp_path / "work"
    (site / "val").mkdir(parents=True)
    for name in ("a.jpg", "b.jpg"):
        (site / "val" / name).write_bytes(b"x")
    (site / "labels.txt").write_text("a.jpg 1\nb.jpg 2\n")
    (site / "weights.pth").write_bytes(b"abc")
    (site / "kit.yaml").write_text(RECIPE)
    environment = os.environ | {"PYTHONPATH": str(package)}

    def kit(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kit", *words],
            cwd=site,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    refused = kit("reproduce", "--runner", "local")
    assert refused.returncode == 8, refused.stderr
    assert "there are no beads" in refused.stderr
    (site / "beads").touch()
    ran = kit("reproduce", "--runner", "local")
    assert ran.returncode == 0, ran.stderr
    results = json.loads((site / "reports" / "toy" / "results" / "abacus.json").read_text())
    assert [one["batch"] for one in results["throughput"]] == [1, 4]
    report = (site / "reports" / "toy" / "README.md").read_text()
    assert "2.5 * 13=32.5" in report.replace(" = ", "=")
    assert kit("verify").returncode == 0
