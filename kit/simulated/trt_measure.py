"""The measuring loop of trtexec on the CPU engine, its inputs, and what it exports besides times."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from .engine import Engine
from .trt_log import Console
from .trt_options import Options
from .trt_plan import Plan
from .trt_report import Record

__all__ = ["Measured", "export_output", "export_profile", "fill", "measure", "show_output", "show_profile"]

Outputs = list[tuple[str, np.ndarray]]


class Measured:
    """Records of all enqueues, outputs of the last one, and time per layer."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.outputs: Outputs = []
        self.layers: list[tuple[str, float]] = []


def random_numbers(count: int) -> np.ndarray:
    """``std::default_random_engine`` with its default seed: minstd_rand0, the same numbers in each run.

    A multiplicative generator can be run in blocks: x[n + k] = x[n] * a**k mod m.
    """
    modulus, factor = 2**31 - 1, 16807
    block = min(count, 4096)
    powers = np.empty(max(block, 1), np.uint64)
    value = 1
    for place in range(len(powers)):
        value = value * factor % modulus
        powers[place] = value
    jump = pow(factor, len(powers), modulus)
    parts, seed = [], 1
    for _ in range(-(-count // len(powers)) if count else 0):
        parts.append(powers * np.uint64(seed) % np.uint64(modulus))
        seed = seed * jump % modulus
    return np.concatenate(parts)[:count] if parts else np.empty(0, np.uint64)


def fill(shape: tuple[int, ...], dtype: np.dtype, path: str | None) -> np.ndarray:
    """An input buffer: from a file (a short one leaves the rest as it was, here 0), else uniform in (-1, 1)."""
    count = int(np.prod(shape, dtype=np.int64))
    if path is not None:
        data = b""
        if Path(path).is_file():
            with open(path, "rb") as stream:
                data = stream.read(count * dtype.itemsize)
        return np.frombuffer(data.ljust(count * dtype.itemsize, b"\0"), dtype).reshape(shape).copy()
    draws = random_numbers(count)
    if dtype.kind == "f":
        unit = ((draws - 1).astype(np.float64) / (2**31 - 2)).astype(np.float32)
        return (unit * 2 - 1).astype(dtype).reshape(shape)
    signed: np.ndarray = ((draws % 256).astype(np.int64) - 128).astype(dtype).reshape(shape)
    return signed


def measure(plan: Plan, options: Options, feeds: dict[str, np.ndarray], *, jitter: bool = False) -> Measured:
    """Enqueue until ``--iterations`` and ``--duration`` are both reached; warm-up is the time before ``--warmUp``."""
    profiled = options.profile or options.export_profile
    folder = tempfile.mkdtemp() if profiled else None
    engine = Engine(plan.onnx, fp16=plan.fp16, profile=os.path.join(folder, "run") if folder else None)
    result = Measured()
    limit = options.duration * 1000 + options.warmup
    feeds = {name: value.astype(engine.inputs[name], copy=False) for name, value in feeds.items()}
    if not options.transfers:
        device = {name: value.copy() for name, value in feeds.items()}
    count = warm = 0
    origin = time.perf_counter()

    def now() -> float:
        return (time.perf_counter() - origin) * 1000

    while True:
        if options.sleep > 0:
            time.sleep(options.sleep / 1000)
        for _ in range(max(options.streams, 1)):
            start = now()
            if options.transfers:
                device = {name: value.copy() for name, value in feeds.items()}
            copied = now() if options.transfers else start
            enqueued = now()
            outputs = engine(device)
            if jitter and count % 2:
                time.sleep(0.002)
            computed = now()
            if options.transfers:
                outputs = [value.copy() for value in outputs]
            end = now() if options.transfers else computed
            result.records.append(
                Record(start, start + enqueued - copied, start, copied, enqueued, computed, computed, end)
            )
        count += 1
        if result.records[-1].compute_start < options.warmup:
            warm += 1
        if count >= options.iterations + warm and result.records[-1].compute_start >= limit:
            break
    result.outputs = list(zip(plan.outputs, outputs, strict=True))
    if folder:
        result.layers = layer_times(engine)
    return result


def layer_times(engine: Engine) -> list[tuple[str, float]]:
    """Milliseconds per node over all iterations, from the engine's own profile."""
    path = Path(engine.session.end_profiling())
    events = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    path.parent.rmdir()
    totals: dict[str, float] = {}
    for event in events:
        name = event.get("name", "")
        if event.get("cat") == "Node" and name.endswith("_kernel_time"):
            key = name.removesuffix("_kernel_time")
            totals[key] = totals.get(key, 0.0) + event["dur"] / 1000
    return list(totals.items())


def number(value: float) -> str:
    """``ostream << float``: nan and inf without quotes, so the JSON may be invalid, as the tool's is."""
    return f"{value:g}"


def export_output(path: Path, outputs: Outputs) -> None:
    entries = []
    for name, value in outputs:
        shape = "x".join(map(str, value.shape))
        values = ", ".join(number(item) for item in value.ravel().tolist())
        entries.append(f'{{ "name" : "{name}"\n  , "dimensions" : "{shape}"\n  , "values" : [ {values} ]\n  }}')
    path.write_text("[\n  " + "\n, ".join(entries) + "\n]\n", encoding="utf-8")


def show_output(console: Console, outputs: Outputs) -> None:
    console.info("Output Tensors:")
    for name, value in outputs:
        console.info(
            f"{name}: ({'x'.join(map(str, value.shape))})", " ".join(number(item) for item in value.ravel().tolist())
        )


def show_profile(console: Console, options: Options, measured: Measured) -> None:
    count = len(measured.records)
    total = sum(amount for _, amount in measured.layers) or 1.0
    if options.profile:
        rows = [*measured.layers, ("Total", sum(amount for _, amount in measured.layers))]
        width = max([len("Layer"), *(len(name) for name, _ in rows)])
        console.info("", f"=== Profile ({count} iterations ) ===")
        console.info(f"{'Layer':>{width}}   Time (ms)   Avg. Time (ms)   Time %")
        for name, amount in rows:
            console.info(f"{name:>{width}}{amount:>12.2f}{amount / count:>17.4f}{100 * amount / total:>9.1f}")
        console.info("")


def export_profile(path: Path, measured: Measured) -> None:
    """``--exportProfile``: the count of iterations, then each layer."""
    count = len(measured.records)
    total = sum(amount for _, amount in measured.layers) or 1.0
    lines = [f'{{ "count" : {count} }}']
    lines += [
        f'{{ "name" : "{name}", "timeMs" : {amount:g}, "averageMs" : {amount / count:g}, '
        f'"percentage" : {100 * amount / total:g} }}'
        for name, amount in measured.layers
    ]
    path.write_text("[\n  " + "\n, ".join(lines) + "\n]\n", encoding="utf-8")
