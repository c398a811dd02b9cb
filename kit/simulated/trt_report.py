"""Statistics and report layouts of trtexec, from 7.0 to 10 (samples/common/sampleReporting.cpp by tag)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .trt_log import Console
from .trt_options import Options, Version

__all__ = ["Record", "export_times", "percentile", "report"]


@dataclass(frozen=True)
class Record:
    """Times of one enqueue in ms since the start of the loop."""

    enq_start: float
    enq_end: float
    in_start: float
    in_end: float
    compute_start: float
    compute_end: float
    out_start: float
    out_end: float

    @property
    def enqueue(self) -> float:
        return self.enq_end - self.enq_start

    @property
    def h2d(self) -> float:
        return self.in_end - self.in_start

    @property
    def compute(self) -> float:
        return self.compute_end - self.compute_start

    @property
    def d2h(self) -> float:
        return self.out_end - self.out_start

    @property
    def latency(self) -> float:
        return self.h2d + self.compute + self.d2h

    @property
    def end_to_end(self) -> float:
        return self.out_end - self.in_start


def percentile(percent: float, values: list[float]) -> float:
    """The source's percentile, in its float32: with up to 100 values, 99 % is the maximum."""
    if not values:
        return float("inf")
    ordered = sorted(values)
    excluded = int((np.float32(1) - np.float32(percent) / np.float32(100)) * np.float32(len(ordered)))
    return ordered[max(len(ordered) - 1 - excluded, 0)]


def median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def report(console: Console, options: Options, version: Version, records: list[Record], queries: int) -> None:
    """Print everything from ``Warmup completed`` on; ``queries`` multiplies counts (0 for ONNX in 7.2)."""
    warm = [record for record in records if record.compute_start < options.warmup]
    timed = records[len(warm) :]
    if not timed:
        console.info(
            f"Warmup completed {len(warm) * queries} queries over {options.warmup} ms",
            "Timing trace has 0 queries over 0 s",
        )
        return
    wall = (max(record.out_end for record in timed) - timed[0].enq_start) / 1000
    console.info(f"Warmup completed {len(warm) * queries} queries over {options.warmup} ms")
    console.info(f"Timing trace has {len(timed) * queries} queries over {wall:g} s")
    if version >= (8, 0, 0):
        console.info("", "=== Trace details ===")
    averages(console, options, version, timed)
    if version >= (8, 0, 0):
        modern(console, options, version, timed, len(timed) * queries / wall, wall)
    else:
        classic(console, options, version, timed, len(timed) * queries / wall, wall)


def averages(console: Console, options: Options, version: Version, timed: list[Record]) -> None:
    runs = options.averages
    console.info(f"Trace averages of {runs} runs:")
    if runs < 1:
        return
    end_to_end = version < (8, 4, 1)
    for start in range(0, len(timed) - runs + 1, runs):
        part = timed[start : start + runs]
        values = [mean([pick(record) for record in part]) for pick in PICKS]
        compute, latency, total, enqueue = values
        tail = [f"end to end {total:g} ms"] if end_to_end else []
        tail += [f"enqueue {enqueue:g} ms"] if version >= (7, 1, 0) else []
        console.info(
            f"Average on {runs} runs - GPU latency: {compute:g} ms - Host latency: {latency:g} ms ({', '.join(tail)})"
        )


PICKS: tuple[Callable[[Record], float], ...] = (
    lambda record: record.compute,
    lambda record: record.latency,
    lambda record: record.end_to_end,
    lambda record: record.enqueue,
)


def classic(console: Console, options: Options, version: Version, timed: list[Record], qps: float, wall: float) -> None:
    """The blocks of 7.x."""
    host = [record.latency for record in timed]
    total = [record.end_to_end for record in timed]
    compute = [record.compute for record in timed]
    enqueue = [record.enqueue for record in timed]
    percent = options.percentiles[0]
    console.info("Host Latency" if version >= (7, 1, 0) else "Host latency")
    for label, pick in (("min", min), ("max", max), ("mean", mean), ("median", median)):
        console.info(f"{label}: {pick(host):g} ms (end to end {pick(total):g} ms)")
    console.info(
        f"percentile: {percentile(percent, host):g} ms at {percent:g}% "
        f"(end to end {percentile(percent, total):g} ms at {percent:g}%)"
    )
    console.info(f"throughput: {qps:g} qps", f"walltime: {wall:g} s")
    if version >= (7, 1, 0):
        console.info(
            "Enqueue Time", f"min: {min(enqueue):g} ms", f"max: {max(enqueue):g} ms", f"median: {median(enqueue):g} ms"
        )
    console.info("GPU Compute")
    for label, pick in (("min", min), ("max", max), ("mean", mean), ("median", median)):
        console.info(f"{label}: {pick(compute):g} ms")
    console.info(
        f"percentile: {percentile(percent, compute):g} ms at {percent:g}%",
        f"total compute time: {sum(compute) / 1000:g} s",
    )


def modern(console: Console, options: Options, version: Version, timed: list[Record], qps: float, wall: float) -> None:
    """The summary of 8.0 and later."""

    def row(name: str, values: list[float]) -> None:
        parts = [
            f"{label} = {pick(values):g} ms"
            for label, pick in (("min", min), ("max", max), ("mean", mean), ("median", median))
        ]
        parts += [f"percentile({percent:g}%) = {percentile(percent, values):g} ms" for percent in options.percentiles]
        console.info(f"{name}: {', '.join(parts)}")

    compute = [record.compute for record in timed]
    enqueue = [record.enqueue for record in timed]
    h2d, d2h = [record.h2d for record in timed], [record.d2h for record in timed]
    console.info("", "=== Performance summary ===", f"Throughput: {qps:g} qps")
    row("Latency", [record.latency for record in timed])
    if version < (8, 4, 1):
        row("End-to-End Host Latency", [record.end_to_end for record in timed])
    row("Enqueue Time", enqueue)
    row("H2D Latency", h2d)
    row("GPU Compute Time", compute)
    row("D2H Latency", d2h)
    console.info(f"Total Host Walltime: {wall:g} s", f"Total GPU Compute Time: {sum(compute) / 1000:g} s")
    warnings(console, version, compute, enqueue, h2d, d2h)
    console.info("Explanations of the performance metrics are printed in the verbose logs.", "")


def warnings(
    console: Console, version: Version, compute: list[float], enqueue: list[float], h2d: list[float], d2h: list[float]
) -> None:
    if median(enqueue) > 0.8 * median(compute):
        console.warning(
            "* Throughput may be bound by Enqueue Time rather than GPU Compute and the GPU may be under-utilized."
        )
        console.warning(
            "  If not already in use, --useCudaGraph (utilize CUDA graphs where possible) may increase the throughput."
        )
    for name, values in (("H2D Latency", h2d), ("D2H Latency", d2h)):
        if median(values) >= median(compute):
            console.warning(
                f"* Throughput may be bound by {name} rather than GPU Compute and the GPU may be under-utilized."
            )
    average = mean(compute)
    if version >= (8, 4, 1) and average:
        spread = (sum((value - average) ** 2 for value in compute) / len(compute)) ** 0.5 / average * 100
        if spread > 1:
            console.warning(f"* GPU compute time is unstable, with coefficient of variance = {spread:g}%.")
            console.warning(
                "  If not already in use, locking GPU clock frequency or adding --useSpinWait may improve the "
                "stability."
            )


def export_times(path: Path, version: Version, records: list[Record]) -> None:
    """``--exportTimes``: warm-up included, sorted by start; 7.1 and 7.2 swap the keys of enqueue and input."""
    copy_in, copy_out = ("H2d", "D2h") if version >= (8, 0, 0) else ("In", "Out")
    lines = []
    for record in sorted(records, key=lambda item: item.in_start):
        enqueue = [record.enq_start, record.enq_end]
        h2d = [record.in_start, record.in_end]
        if (7, 1, 0) <= version < (8, 0, 0):
            enqueue, h2d = h2d, enqueue
        pairs = [("startEnqMs", enqueue[0]), ("endEnqMs", enqueue[1])] if version >= (7, 1, 0) else []
        pairs += [(f"start{copy_in}Ms", h2d[0]), (f"end{copy_in}Ms", h2d[1])]
        pairs += [("startComputeMs", record.compute_start), ("endComputeMs", record.compute_end)]
        pairs += [(f"start{copy_out}Ms", record.out_start), (f"end{copy_out}Ms", record.out_end)]
        pairs += [(f"{copy_in[0].lower()}{copy_in[1:]}Ms", record.h2d), ("computeMs", record.compute)]
        pairs += [(f"{copy_out[0].lower()}{copy_out[1:]}Ms", record.d2h), ("latencyMs", record.latency)]
        if version < (8, 4, 1):
            pairs.append(("endToEndMs", record.end_to_end))
        lines.append("{ " + ", ".join(f'"{name}" : {value:g}' for name, value in pairs) + " }")
    path.write_text("[\n  " + "\n, ".join(lines) + "\n]\n", encoding="utf-8")
