"""The measuring loop of trtexec on the CPU engine, its inputs, and the outputs that it shows or exports."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np

from .engine import StandInEngine
from .trt_log import Console
from .trt_options import Options
from .trt_plan import EnginePlan
from .trt_report import TimingRecord

__all__ = ["Measured", "export_output", "fill", "measure", "show_output"]

Outputs = list[tuple[str, np.ndarray]]


class Measured:
    """Records of all enqueues, and outputs of the last one."""

    def __init__(self) -> None:
        self.records: list[TimingRecord] = []
        self.outputs: Outputs = []


def fill(shape: tuple[int, ...], dtype: np.dtype, path: str | None) -> np.ndarray:
    """An input buffer: from a file (what a short one leaves is 0 here), else the same numbers in each run."""
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
    result = Measured()
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
            copied = now() if copies else start
            enqueued = now()
            outputs = engine(device)
            computed = now()
            if copies:
                outputs = [value.copy() for value in outputs]
            end = now() if copies else computed
            entered = copied if copies else enqueued  # without copies their times are those of the computation
            result.records.append(
                TimingRecord(
                    start,
                    start + enqueued - copied,
                    start if copies else entered,
                    entered,
                    enqueued,
                    computed,
                    computed,
                    end,
                )
            )
        count += 1
        warm += result.records[-1].compute_start < warm_up
        if count >= iterations + warm and result.records[-1].compute_start >= limit:
            break
    result.outputs = list(zip((entry["name"] for entry in plan.outputs), outputs, strict=True))
    return result


def text_of(value: np.ndarray, sign: str) -> str:
    """``ostream << float``: nan and inf without quotes, so the JSON may be invalid, as the tool's is."""
    return sign.join(f"{item:g}" for item in value.ravel().tolist())


def export_output(path: Path, outputs: Outputs) -> None:
    entries = []
    for name, value in outputs:
        shape = "x".join(map(str, value.shape))
        entries.append(
            f'{{ "name" : "{name}"\n  , "dimensions" : "{shape}"\n  , "values" : [ {text_of(value, ", ")} ]\n  }}'
        )
    path.write_text("[\n  " + "\n, ".join(entries) + "\n]\n", encoding="utf-8")


def show_output(console: Console, outputs: Outputs) -> None:
    console.info("Output Tensors:")
    for name, value in outputs:
        console.info(f"{name}: ({'x'.join(map(str, value.shape))})", text_of(value, " "))
