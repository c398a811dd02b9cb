"""Throughput per batch: kit's measuring loop against a bare one, and against other engines."""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.model import model
from benchmarks.table import ROOT, Row, Settings, alternate, at_least

__all__ = ["measure"]

PART = "CPU throughput"
BATCHES = (1, 8, 32)
#: Engine -> the package that must be there, and its name. All compute in float32.
ENGINES = {"onnxruntime": ("onnxruntime", "ONNX Runtime"), "openvino": ("openvino", "OpenVINO"),
           "torch": ("torch", "PyTorch, eager")}  # fmt: skip


def measure(settings: Settings) -> list[Row]:
    """Images per second of each engine at each batch; an engine that is not installed has no row."""
    onnx = model(settings)
    batches = ",".join(map(str, BATCHES))
    arguments = (onnx, batches, settings.cores, settings.seconds)
    candidates: dict[str, Callable[[], Any]] = {
        engine: partial(_local, settings, engine, arguments)
        for engine, (package, _) in ENGINES.items()
        if importlib.util.find_spec(package)
    }
    if settings.image is not None:
        candidates["container"] = lambda: _contained(settings, str(onnx.name), batches)
    found = alternate(candidates, settings.rounds)
    places = {name: f"{title}, as a local process" for name, (_, title) in ENGINES.items()}
    places["container"] = f"{ENGINES['onnxruntime'][1]}, in a container"
    rows = [_against_bare(found[name], str(batch), place) for name, place in places.items() if name in found
            for batch in BATCHES]  # fmt: skip
    bests = {name: _best(values) for name, values in found.items() if name != "container"}
    batch, rate = bests["onnxruntime"]
    for name in bests.keys() - {"onnxruntime"}:
        their_batch, their_rate = bests[name]
        ratio = statistics.median(
            max(one[0] for one in a.values()) / max(one[0] for one in b.values())
            for a, b in zip(found["onnxruntime"], found[name], strict=True)
        )
        ours = f"{ENGINES['onnxruntime'][1]}, best batch ({batch})"
        against = f"{ENGINES[name][1]}, best batch ({their_batch}), float32"
        rows.append(Row(PART, ours, f"{rate:.1f} images/s", against, f"{their_rate:.1f} images/s", f"{ratio:.2f}"))
    return rows


def _local(settings: Settings, engine: str, arguments: tuple[object, ...]) -> Any:
    return json.loads(settings.python_module("benchmarks.peers", "harness", engine, *arguments))


def _best(found: list[dict[str, list[float]]]) -> tuple[int, float]:
    """Batch and rate of the highest median."""
    rates = {batch: statistics.median(one[str(batch)][0] for one in found) for batch in BATCHES}
    batch = max(rates, key=lambda one: rates[one])
    return batch, rates[batch]


def _against_bare(found: list[dict[str, list[float]]], batch: str, place: str) -> Row:
    ours, bare, ratio = (statistics.median(values) for values in zip(*(one[batch] for one in found), strict=True))
    return at_least(
        PART, f"batch {batch}, {place}", f"{ours:.1f} images/s", "bare loop, same session", f"{bare:.1f} images/s",
        ratio, 0.98,
    )  # fmt: skip


def _contained(settings: Settings, onnx: str, batches: str) -> dict[str, list[float]]:
    """The same two loops in a container of the runtime image, without network, read-only."""
    command = [
        "docker", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL",
        "--volume", f"{ROOT}:/kit:ro", "--volume", f"{settings.work}:/data:ro",
        "--env", "PYTHONPATH=/kit/kit:/kit", "--env", "PYTHONDONTWRITEBYTECODE=1", "--entrypoint", "python3",
        str(settings.image), "-m", "benchmarks.peers", "harness", "onnxruntime", f"/data/{onnx}", batches,
        str(settings.cores), str(settings.seconds),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    found: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return found
