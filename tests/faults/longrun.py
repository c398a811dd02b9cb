"""Many and much: memory stays flat and nothing slows down beyond what is read."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.faults.faultsite import ROOT, Bench, Outcomes, scenario
from tests.faults.givenfiles import small_model

_PROGRAM = """
import resource, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from kit.storage.store import Record, Store
store, count = Store(Path(sys.argv[2]), trust_stat=True), int(sys.argv[3])
peaks = []
for number in range(count):
    key = f"{number:064x}"
    parts = {"image": "id", "argv": ["true"], "inputs": {}, "code": "", "simulated": False}
    record = Record(key, f"step{number}", "metrics", None, "runtime", "local", parts, "t", 0.0, 0)
    with store.partial(key) as partial:
        (partial / "metrics.json").write_text('{"n": %d}' % number)
        store.commit(record, partial, ("metrics.json",))
    assert store.find(key)
    if number % (count // 4) == 0:
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
started = time.monotonic()
assert len(store.records()) == count and store.leftovers() == []
print(peaks[0], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic() - started)
"""


@scenario(
    "Long",
    "Many runs in one store",
    "finished steps are committed and found again in one process; then all are listed",
    short=200,
    long=2000,
)
def many_runs(bench: Bench, count: int) -> Outcomes:
    folder = bench.folder("many")
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(ROOT), str(folder), str(count)], capture_output=True, text=True, check=True
    )
    first, last, seconds = (float(word) for word in ran.stdout.split())
    assert last < first + 20 * 1024, f"memory grew from {first} to {last} KiB"
    assert seconds < 0.005 * count + 1
    for _ in range(count):
        yield f"found again; memory {first / 1024:.0f} to {last / 1024:.0f} MiB"


@scenario(
    "Long",
    "Many models in one reports folder",
    "the report of each is written next to the others and verified",
    short=1,
    long=200,
    needs=("engine",),
)
def many_reports(bench: Bench, count: int) -> Outcomes:
    site = bench.half("docker")
    site.done("reproduce", "--runner", "docker")
    text = site.recipe.read_text()
    times = []
    for number in range(count):
        model = f"model{number:03d}"
        site.recipe.write_text(text.replace("name: digits\n  architecture", f"name: {model}\n  architecture"))
        folder = site.folder / "reports" / model / "results"
        folder.mkdir(parents=True)
        tree = json.loads((site.report / "results" / "cpu.json").read_text())
        (folder / "cpu.json").write_text(json.dumps(tree | {"model": model}))
        started = time.monotonic()
        site.done("report")
        times.append(time.monotonic() - started)
        assert (folder.parent / "README.md").is_file()
        if number > 20:
            first, last = min(times[:10]), min(times[-10:])  # what else runs here makes single ones slow
            assert last < 2 * first + 1, f"the last reports took {last:.2f} s, the first {first:.2f} s"
        yield "written; the last takes no longer than the first"


@scenario(
    "Long",
    "Many images",
    "`kit infer` and `kit metrics` over hard-linked copies of small images, with a small network; the largest process"
    " has the peak memory that it has for a tenth of the images, within 25 %",
    short=0,
    long=50_000,
)
def many_images(bench: Bench, count: int) -> Outcomes:
    peaks = {}
    for images in (count // 10, count):
        site = bench.site("images", images=10)
        small_model(site.folder / "model.onnx")
        sources = sorted((site.folder / "val").iterdir())
        labels = []
        for number in range(images):
            name = f"many_{number:06d}.jpeg"
            (site.folder / "val" / name).hardlink_to(sources[number % 10])
            labels.append(f"{name} {number % 10}")
        for path in sources:
            path.unlink()
        site.labels.write_text("\n".join(labels) + "\n")
        words = ("infer", "-t", "cpu", "--runner", "local", "--use", "export=model.onnx", "--out", "out")
        peaks[images] = _peak(site.folder, words)
        ran = site.done("metrics", "out/cpu/infer", "--labels", "val_label.txt", "--classes", "10", "--runner", "local")
        assert f"{images} images" in ran.stdout, ran.stdout
        shutil.rmtree(site.folder)
    small, large = peaks[count // 10], peaks[count]
    assert large < 1.25 * small, f"{small} MiB for a tenth of the images, {large} MiB for all"
    for _ in range(count):
        yield f"largest process {small:.0f} MiB at {count // 10} images, {large:.0f} MiB at {count}"


def _peak(folder: Path, words: tuple[str, ...]) -> float:
    """Peak memory, in MiB, of the largest process of a run of kit."""
    code = (
        "import resource, subprocess, sys\n"
        "ran = subprocess.run([sys.executable, '-m', 'kit', *sys.argv[1:]])\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.exit(ran.returncode)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return float(ran.stdout.split()[-1]) / 1024
