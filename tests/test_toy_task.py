"""A task from another package: found by its entry point, planned, run, scored and reported without a change of kit."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

CODE = """
from kit.planning.step import External, Made, Step
from kit.planning.task import FileForm, FileRun, InputFiles
from kit.results.evidence import measurement
from kit.results.metrics import Declaration, Metric

BEFORE = '''
import array, os, sys
os.makedirs(sys.argv[2] + "/beads")
for name in sorted(os.listdir(sys.argv[1])):
    size = os.path.getsize(os.path.join(sys.argv[1], name))
    with open(f"{sys.argv[2]}/beads/{name.split('.')[0]}.bin", "wb") as file:
        array.array("f", [size, 1]).tofile(file)
'''
AFTER = '''
import array, json, os, sys
total = 0
for name in sorted(os.listdir(sys.argv[1] + "/result")):
    values = array.array("f", open(f"{sys.argv[1]}/result/{name}", "rb").read())
    total += values[0]
json.dump({"sum": total}, open(sys.argv[2] + "/sum.json", "w"))
'''


class Beads:
    name = "beads"
    counts_classes = False
    settings = None

    def check(self, recipe): pass
    def check_data(self, recipe, images, labels): pass
    def metrics(self, recipe): return (Declaration("sum", "none", published=16.0, tolerance=0.5),)
    def images(self, job): return ()

    def prepare(self, job):
        return [Step(name="beads/lay", stage="preprocess", title="lay the beads", image="runtime",
                     argv=("python3", "-c", BEFORE, "{in:images}", "{out}"), outputs=("beads",),
                     inputs={"images": External(job.images)})]

    def runs(self, job): return [FileRun("main", (InputFiles(Made("beads/lay", "beads")),))]
    def form(self, job): return FileForm()

    def score(self, job, prefix, results):
        return [Step(name=f"{prefix}count", stage="metrics", title="count the beads", image="runtime",
                     argv=("python3", "-c", AFTER, "{in:results}", "{out}"), outputs=("sum.json",),
                     inputs={"results": results["main"]})]

    def read(self, job, prefix, outputs):
        value = outputs.file(f"{prefix}count", "sum.json").key("sum")
        return (measurement(Metric, name="sum", value=value, unit="none", samples=2),)


TASK = Beads()
"""

RECIPE = """
model: {{name: toy, source: onnx}}
weights: {{path: model.onnx, sha256: {digest}}}
input: {{name: x, shape: [2]}}
output: y
dataset: {{name: beads, images: val, count: 2}}
task: beads
batches: [1]
bench: {{warmup: 1, repeats: 2, seconds: 0.05}}
targets: {{cpu: }}
"""


@pytest.mark.slow
def test_a_task_of_another_package_runs(tmp_path: Path) -> None:
    package, site = tmp_path / "packages", tmp_path / "work"
    metadata = package / "beads_kit-1.0.dist-info"
    metadata.mkdir(parents=True)
    (package / "beads_kit.py").write_text(CODE)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: beads-kit\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[kit.tasks]\nbeads = beads_kit:TASK\n")
    (site / "val").mkdir(parents=True)
    for name, size in (("a.jpg", 3), ("b.jpg", 4)):
        (site / "val" / name).write_bytes(b"x" * size)
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "twice",
        [info("x", TensorProto.FLOAT, ["n", 2])],
        [info("y", TensorProto.FLOAT, ["n", 2])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    onnx.save(model, str(site / "model.onnx"))
    digest = hashlib.sha256((site / "model.onnx").read_bytes()).hexdigest()
    (site / "kit.yaml").write_text(RECIPE.format(digest=digest))

    def kit(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kit", *words],
            cwd=site, env=os.environ | {"PYTHONPATH": str(package)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    ran = kit("reproduce", "--runner", "local")
    assert ran.returncode == 0, ran.stderr
    results = json.loads((site / "reports" / "toy" / "results" / "cpu.json").read_text())
    (metric,) = results["metrics"]
    assert (metric["name"], metric["value"]) == ("sum", 14.0)
    assert "14" in (site / "reports" / "toy" / "README.en.md").read_text()
    verified = kit("verify", "--strict")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    gate = kit("reproduce", "--runner", "local", "--gate")
    assert gate.returncode == 6 and "sum" in gate.stderr, gate.stderr
