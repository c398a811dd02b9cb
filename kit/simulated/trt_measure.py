"""The measuring loop of trtexec on the CPU engine, its inputs, and the outputs that it shows or exports."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .engine import StandInEngine
from .trt_log import Console
from .trt_options import Options, dims_text
from .trt_plan import EnginePlan
from .trt_report import TimingRecord

__all__ = ["Measured", "export_output", "fill", "measure", "show_output"]

Outputs = list[tuple[str, np.ndarray]]


@dataclass
class Measured:
    """Records of all enqueues, and outputs of the last one."""

    records: list[TimingRecord]
    outputs: Outputs


def fill(shape: tuple[int, ...], dtype: np.dtype, path: str | None) -> np.ndarray:
    """An input buffer: from a file (a short one is filled with zeros), or the same numbers in each run."""
    count = math.prod(shape)
    if path is not None:
        data = Path(path).read_bytes()[: count * dtype.itemsize] if Path(path).is_file() else b""
        return np.frombuffer(data.ljust(count * dtype.itemsize, b"\0"), dtype).reshape(shape).copy()
    draws = np.random.default_rng(1)
    if dtype.kind == "f":
        return draws.uniform(-1, 1, shape).astype(dtype)
    return draws.integers(0 if dtype.kind in "bu" else -128, 128, shape).astype(dtype)


def measure(plan: EnginePlan, options: Options, feeds: dict[str, np.ndarray]) -> Measured:
    """Enqueue until ``--iterations`` and ``--duration`` are both reached; warm-up is the time before ``--warmUp``."""
    engine = StandInEngine(plan.onnx, fp16=plan.fp16)
    records: list[TimingRecord] = []
    warm_up, iterations = options.number("warmUp"), options.number("iterations")
    limit = options.number("duration") * 1000 + warm_up
    feeds = {name: value.astype(engine.inputs[name], copy=False) for name, value in feeds.items()}
    device = {name: value.copy() for name, value in feeds.items()}
    copies = options.transfers
    count = warm = 0
    origin = time.perf_counter()

    def now() -> float:
        return (time.perf_counter() - origin) * 1000

    while True:
        time.sleep(options.number("sleepTime") / 1000)
        for _ in range(options.streams):
            start = now()
            if copies:
                device = {name: value.copy() for name, value in feeds.items()}
            copied = now()
            enqueued = now()
            outputs = engine(device)
            computed = now()
            if copies:
                outputs = [value.copy() for value in outputs]
            # Without copies their times are those of the computation.
            h2d, d2h = ((start, copied), (computed, now())) if copies else ((enqueued,) * 2, (computed,) * 2)
            records.append(TimingRecord((start, start + enqueued - copied), h2d, (enqueued, computed), d2h))
        count += 1
        warm += enqueued < warm_up
        if count >= iterations + warm and enqueued >= limit:
            break
    names = (entry["name"] for entry in plan.outputs)
    return Measured(records, list(zip(names, outputs, strict=True)))


def text_of(value: np.ndarray, sign: str) -> str:
    """``ostream << float``: nan and inf without quotes, so the JSON may be invalid, as the tool's is."""
    return sign.join(f"{item:g}" for item in value.ravel().tolist())


def export_output(path: Path, outputs: Outputs) -> None:
    entries = [
        f'{{ "name" : "{name}"\n  , "dimensions" : "{dims_text(value.shape)}"\n'
        f'  , "values" : [ {text_of(value, ", ")} ]\n  }}'
        for name, value in outputs
    ]
    path.write_text("[\n  " + "\n, ".join(entries) + "\n]\n", encoding="utf-8")


def show_output(console: Console, outputs: Outputs) -> None:
    console.info("Output Tensors:")
    for name, value in outputs:
        console.info(f"{name}: ({dims_text(value.shape)})", text_of(value, " "))
