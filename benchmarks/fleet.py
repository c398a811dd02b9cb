"""A data set in shards on a Ray cluster of 1, 2 and 4 workers on this machine, each with one core of it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.corpus import PREPROCESS, make_images
from benchmarks.model import model
from benchmarks.table import ROOT, Row, Settings
from tests.fleet.raycluster import RayCluster

__all__ = ["measure"]

PART = "A data set in shards on a cluster"
WORKERS = (1, 2, 4)
_BATCH = 32
_PREPROCESS = {"library": "pillow", "interpolation": "bicubic", **PREPROCESS}


@dataclass(frozen=True)
class _Run:
    """Seconds of one command: from the first shard's start to the last one's end, and of the whole."""

    shards: float
    whole: float


def measure(settings: Settings) -> list[Row]:
    """Images per second while the shards run; no rows without Ray.

    Each worker has one core: otherwise the first would take all of them.
    """
    if importlib.util.find_spec("ray") is None:
        return []
    count = max(WORKERS[-1] * _BATCH, settings.count(768))
    site = _site(settings, count)
    cores = sorted(os.sched_getaffinity(0))
    pinned = [cores[number % len(cores)] for number in range(WORKERS[-1])]
    found: dict[int, list[_Run]] = {}
    with tempfile.TemporaryDirectory(prefix="kit-ray-") as folder:  # the path must be short
        data = {"KIT_IMAGES": str(site / "val"), "KIT_LABELS": str(site / "val_label.txt"), "PYTHONPATH": str(ROOT)}
        offers = [{"kit_cpu": 1.0, "kit_quiet": 1.0}] * WORKERS[-1]
        cluster = RayCluster(Path(folder), offers, data, pinned)
        try:
            for workers in WORKERS:
                cluster.start(*range(workers // 2, workers))
                found[workers] = [_run(settings, site, cluster, workers) for _ in range(settings.rounds)]
        finally:
            cluster.stop()
    both = [_alone(settings, site) for _ in range(settings.rounds)]
    return [*_rows(count, found, len(cores)), _bound(count, found, both, len(cores))]


def _rows(count: int, found: dict[int, list[_Run]], cores: int) -> Iterator[Row]:
    one = statistics.median(run.shards for run in found[1])
    for workers, runs in found.items():
        shards, whole = (statistics.median(values) for values in zip(*((r.shards, r.whole) for r in runs), strict=True))
        what = f"{workers} worker{'s' if workers > 1 else ''}, {count} photographs, at most {cores} cores"
        note = f"the whole command takes {whole:.1f} s, its shards {shards:.1f} s of them"
        if workers == 1:
            yield Row(PART, what, f"{count / shards:.1f} images/s", note=note)
        else:
            other = f"{count / one:.1f} images/s"
            yield Row(
                PART, what, f"{count / shards:.1f} images/s", "1 worker", other, f"{one / shards:.2f}", note=note
            )  # fmt: skip


def _bound(count: int, found: dict[int, list[_Run]], both: list[float], cores: int) -> Row:
    workers = min(cores, WORKERS[-1])
    best, bound = min(min(r.shards for r in found[n]) for n in WORKERS if n <= workers), min(both)
    return Row(
        PART, f"best run of {workers} workers", f"{count / best:.1f} images/s",
        f"the same without a cluster, one run on {cores} cores", f"{count / bound:.1f} images/s",
        f"{bound / best:.2f}",
        note="decoding and engine keep every core busy, and each part starts a program and an engine: more workers than"
        " cores only add starts",
    )  # fmt: skip


def _site(settings: Settings, count: int) -> Path:
    """A recipe on an ONNX file with its data set."""
    site = settings.work / "fleet"
    make_images(site / "val", count)
    names = sorted(path.name for path in (site / "val").iterdir())
    (site / "val_label.txt").write_text("".join(f"{name} {number % 1000}\n" for number, name in enumerate(names)))
    onnx = site / "model.onnx"
    shutil.copyfile(model(settings), onnx)
    tree: dict[str, Any] = {
        "kit": 1,
        "model": {"name": "fleet", "source": "onnx", "classes": 1000},
        "weights": {"path": onnx.name, "sha256": hashlib.sha256(onnx.read_bytes()).hexdigest()},
        "input": {"name": "actual_input_1", "shape": [3, 224, 224]},
        "output": "output1",
        "dataset": {"name": "photos", "images": "val", "labels": "val_label.txt", "count": count},
        "preprocess": _PREPROCESS,
        "batches": [1],
        "targets": {"cpu": {"options": {"infer_batch": _BATCH}}},
        "bench": {"warmup": 1, "repeats": 2, "seconds": 0.05, "limit": 1},
    }
    (site / "kit.yaml").write_text(json.dumps(tree))
    return site


def _run(settings: Settings, site: Path, cluster: RayCluster, shards: int) -> _Run:
    """One command; what its hosts kept of another one is thrown away."""
    for host in cluster.hosts:
        shutil.rmtree(host / ".kit", ignore_errors=True)
    words = [sys.executable, "-m", "kit", "reproduce", "--recipe", str(site), "--on", cluster.address]
    words += ["--runner", "local", "--shards", str(shards), "--json", "--store", str(settings.work / "store")]
    words += ["--reports", str(settings.work / "reports")]
    environment = {**os.environ, **cluster.environment, "PYTHONPATH": str(ROOT)}
    begun: list[float] = []
    ended = started = time.perf_counter()
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            message = json.loads(line)
            if str(message.get("step", "")).startswith("cpu/infer"):
                begun += [time.perf_counter()] if message["event"] == "start" else []
                if message["event"] == "done" and (shards == 1 or "-shard" in message["step"]):
                    ended = time.perf_counter()
    if child.returncode or not begun:
        raise RuntimeError(f"{' '.join(words)}: exit code {child.returncode}")
    return _Run(ended - begun[0], time.perf_counter() - started)


def _alone(settings: Settings, site: Path) -> float:
    """Seconds of the same step as one process tree on all cores, its start included."""
    started = time.perf_counter()
    settings.python_module(
        "inside.evaluate", "--model", site / "model.onnx", "--images", site / "val",
        "--preprocess", json.dumps(_PREPROCESS), "--batch", _BATCH,
        "--out", settings.work / "alone",
    )  # fmt: skip
    return time.perf_counter() - started
