"""Throughput per batch: kit's measuring loop against a bare one, and against other engines."""

from __future__ import annotations

import importlib.util
import json
import statistics
import subprocess
from collections.abc import Callable
from typing import Any

from benchmarks.model import ARCHITECTURE, model
from benchmarks.table import ROOT, Row, Settings, alternate, at_least

__all__ = ["measure"]

PART = "CPU throughput"
BATCHES = (1, 8, 32)


def measure(settings: Settings) -> list[Row]:
    """Images per second at each batch; an engine that is not installed has no row."""
    onnx = model(settings)
    batches = ",".join(map(str, BATCHES))
    arguments = (batches, settings.cores, settings.seconds)

    def local(*words: object) -> Any:
        return json.loads(settings.python_module("benchmarks.peers", *words))

    candidates: dict[str, Callable[[], Any]] = {"kit": lambda: local("harness", onnx, *arguments)}
    if settings.image is not None:
        candidates["container"] = lambda: _contained(settings, str(onnx.name), batches)
    if importlib.util.find_spec("openvino"):
        candidates["OpenVINO"] = lambda: local("openvino", onnx, *arguments)
    if importlib.util.find_spec("torch"):
        candidates["PyTorch, not compiled"] = lambda: local("torch", ARCHITECTURE, *arguments)
    found = alternate(candidates, settings.rounds)
    rows = []
    for name, place in (("kit", "as a local process"), ("container", "in a container")):
        if name in found:
            rows += [_against_bare(found[name], str(batch), place) for batch in BATCHES]
    ours = {batch: statistics.median(one[str(batch)][0] for one in found["kit"]) for batch in BATCHES}
    best = max(ours, key=lambda batch: ours[batch])
    for name in found.keys() - {"kit", "container"}:
        theirs = {batch: statistics.median(one[str(batch)] for one in found[name]) for batch in BATCHES}
        their_best = max(theirs, key=lambda batch: theirs[batch])
        ratio = statistics.median(
            max(one[0] for one in a.values()) / max(b.values()) for a, b in zip(found["kit"], found[name], strict=True)
        )
        against, other = f"{name}, best batch ({their_best})", f"{theirs[their_best]:.1f} images/s"
        rows.append(at_least(PART, f"best batch ({best})", f"{ours[best]:.1f} images/s", against, other, ratio, 1.0))
    return sorted(rows, key=lambda row: (row.against != "bare loop, same session", row.against))


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
        str(settings.image), "-m", "benchmarks.peers", "harness", f"/data/{onnx}", batches,
        str(settings.cores), str(settings.seconds),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    found: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return found
