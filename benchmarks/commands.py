"""What a person waits for at the command line: start-up, cached runs, verification, audit."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
from pathlib import Path

from benchmarks.table import ROOT, Row, Settings, alternate, below, timed

__all__ = ["measure"]

PART = "Commands, whole processes"

#: A target whose only step makes 50,000 files of 50,000 images: what the store has to look through in a cached run.
TARGET = """
import json
from kit.planning.step import External, Step
from kit.results.measurements import Throughput
from kit.planning.target import Reading

PROGRAM = '''
import os, sys
folder = os.path.join(sys.argv[2], "prep_bin")
os.mkdir(folder)
for name in os.listdir(sys.argv[1]):
    with open(os.path.join(folder, name + ".bin"), "wb") as file:
        file.write(name.encode())
'''

class Copies:
    name = family = "copies"
    hardware = toolchain = "none"
    unit = "fps"
    devices_per_card = 1
    def images(self, job): return ()
    def plan(self, job):
        return [Step(name="copies", stage="preprocess", title="one file per image", image="runtime",
                     argv=("python3", "-c", PROGRAM, "{in:images}", "{out}"), outputs=("prep_bin",),
                     inputs={"images": External(job.images)})]
    def check_outcome(self, job, step, outcome): pass
    def read(self, job, outputs): return Reading(
        throughput=(Throughput(batch=1, rate=1.0, per="image", factor=1, mode="dataset"),))
    def checks(self, job): return ()

TARGETS = (Copies(),)
"""
RECIPE = """
model: {{name: copies, architecture: spnasnet_100, classes: 10}}
weights: {{path: weights.pth, md5: 900150983cd24fb0d6963f7d28e17f72}}
dataset: {{name: copies, images: val, labels: labels.txt, count: {count}}}
preprocess: {{resize: [256, 256], interpolation: bilinear}}
batches: [1]
targets: {{copies: }}
"""


def measure(settings: Settings) -> list[Row]:
    """Seconds of whole processes, medians."""
    example = _example(settings)
    many = _many(settings, settings.count(50_000))
    reports = _reports(settings, settings.count(200))
    kit = [settings.python, "-m", "kit"]
    runs = {
        "kit --help": (ROOT, [*kit, "--help"], {}),
        "verify": (example, [*kit, "verify", "--strict"], {}),
        "cached": (example, [*kit, "reproduce", "--runner", "local"], {}),
        "many": (many, [*kit, "reproduce", "--runner", "local"], {"PYTHONPATH": str(many / "site")}),
        "audit": (reports, [*kit, "audit", "--format", "json", *sorted(path.name for path in reports.iterdir())], {}),
    }
    candidates = {
        name: timed(lambda place=place, words=words, more=more: _run(words, place, more))  # type: ignore[misc]
        for name, (place, words, more) in runs.items()
    }
    for action in candidates.values():  # files in memory, compiled templates
        action()
    seconds = {name: statistics.median(values) for name, values in alternate(candidates, settings.rounds + 2).items()}
    return [
        below(PART, "`kit --help`", seconds["kit --help"], "s", 0.2),
        below(PART, "`kit verify` of the example", seconds["verify"], "s", 0.5, "every artifact hashed again"),
        below(PART, "cached `kit reproduce` of the example", seconds["cached"], "s", 0.6),
        below(PART, "cached `kit reproduce` with 50,000 images and 50,000 files in the store", seconds["many"], "s", 2),
        below(PART, "`kit audit` of 200 reports", seconds["audit"], "s", 5, "the report of spnasnet_100, 200 times"),
    ]


def _run(words: list[str], place: Path, more: dict[str, str]) -> None:
    # An installed kit is compiled; where bytecode may not be written, each run would compile a hundred modules anew.
    ignored = {"CI", "PYTHONDONTWRITEBYTECODE"}
    environment = {name: text for name, text in os.environ.items() if name not in ignored and name[:4] != "KIT_"}
    done = subprocess.run(words, cwd=place, env=environment | more, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{words}: exit code {done.returncode}\n{done.stdout}{done.stderr}")


def _example(settings: Settings) -> Path:
    """The digits example, reproduced once with short measurements: the same steps and artifacts."""
    folder = settings.work / "example"
    shutil.copytree(ROOT / "examples" / "digits", folder)
    recipe = folder / "kit.yaml"
    recipe.write_text(recipe.read_text().replace("seconds: 0.5", "seconds: 0.02"))
    _run([settings.python, "-m", "kit", "reproduce", "--runner", "local"], folder, {})
    return folder


def _many(settings: Settings, count: int) -> Path:
    folder = settings.work / "many"
    images = folder / "val"
    images.mkdir(parents=True)
    names = [f"ILSVRC2012_val_{number:08d}.JPEG" for number in range(count)]
    for name in names:
        (images / name).write_bytes(name.encode())
    (folder / "labels.txt").write_text("".join(f"{name} 1\n" for name in names))
    (folder / "weights.pth").write_bytes(b"abc")
    (folder / "kit.yaml").write_text(RECIPE.format(count=count))
    package = folder / "site"
    metadata = package / "copies-1.0.dist-info"
    metadata.mkdir(parents=True)
    (package / "copies_target.py").write_text(TARGET)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: copies\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[kit.targets]\ncopies = copies_target:TARGETS\n")
    return folder


def _reports(settings: Settings, count: int) -> Path:
    folder = settings.work / "reports-200"
    folder.mkdir()
    text = (ROOT / "reports" / "spnasnet_100" / "README.md").read_bytes()
    for number in range(count):
        (folder / f"{number:03d}.md").write_bytes(text)
    return folder
