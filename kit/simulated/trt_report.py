"""Statistics and report layouts of trtexec by version (samples/common/sampleReporting.cpp)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

import numpy as np

from .trt_log import Console
from .trt_options import Options
from .versions import Version

__all__ = ["TimingRecord", "export_times", "percentile", "report"]


@dataclass(frozen=True)
class TimingRecord:
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
    ordered = sorted(values)
    excluded = int((np.float32(1) - np.float32(percent) / np.float32(100)) * np.float32(len(ordered)))
    return ordered[max(len(ordered) - 1 - excluded, 0)]


def report(console: Console, options: Options, version: Version, records: list[TimingRecord], queries: int) -> None:
    """Print everything from ``Warmup completed`` on; ``queries`` multiplies counts (0 for ONNX in 7.2)."""
    warm_up = options.number("warmUp")
    timed = [record for record in records if record.compute_start >= warm_up]
    console.info(f"Warmup completed {(len(records) - len(timed)) * queries} queries over {warm_up} ms")
    if not timed:
        console.info("Timing trace has 0 queries over 0 s")
        return
    wall = (max(record.out_end for record in timed) - timed[0].enq_start) / 1000
    console.info(f"Timing trace has {len(timed) * queries} queries over {wall:g} s")
    qps = len(timed) * queries / wall
    if version < (8, 0, 0):
        averages(console, options.number("avgRuns"), version, timed)
        classic(console, options, timed, qps, wall)
        return
    console.info("", "=== Trace details ===")
    averages(console, options.number("avgRuns"), version, timed)
    modern(console, options, timed, qps, wall)


def averages(console: Console, runs: int, version: Version, timed: list[TimingRecord]) -> None:
    console.info(f"Trace averages of {runs} runs:")
    lines = []
    for start in range(0, len(timed) - runs + 1, runs) if runs > 0 else ():
        part = timed[start : start + runs]
        tail = [f"end to end {fmean(one.end_to_end for one in part):g} ms"] if version < (8, 0, 0) else []
        tail.append(f"enqueue {fmean(one.enqueue for one in part):g} ms")
        lines.append(
            f"Average on {runs} runs - GPU latency: {fmean(one.compute for one in part):g} ms - Host latency: "
            f"{fmean(one.latency for one in part):g} ms ({', '.join(tail)})"
        )
    # From 10 on a long trace is cut in its middle.
    kept = 200 if version >= (10, 0, 0) else len(lines)
    if len(lines) > 2 * kept:
        lines = [*lines[:kept], f"... Omitting {len(lines) - 2 * kept} lines", *lines[-kept:]]
    console.info(*lines)


def classic(console: Console, options: Options, timed: list[TimingRecord], qps: float, wall: float) -> None:
    """The blocks of 7.2."""
    host = [record.latency for record in timed]
    total = [record.end_to_end for record in timed]
    compute = [record.compute for record in timed]
    enqueue = [record.enqueue for record in timed]
    percent = options.percentiles[0]
    picks: tuple[tuple[str, Callable[[list[float]], float]], ...] = (
        ("min", min), ("max", max), ("mean", fmean), ("median", median),
    )  # fmt: skip
    console.info("Host Latency")
    console.info(*(f"{name}: {pick(host):g} ms (end to end {pick(total):g} ms)" for name, pick in picks))
    console.info(
        f"percentile: {percentile(percent, host):g} ms at {percent:g}% "
        f"(end to end {percentile(percent, total):g} ms at {percent:g}%)",
        f"throughput: {qps:g} qps",
        f"walltime: {wall:g} s",
    )
    console.info("Enqueue Time")
    console.info(*(f"{name}: {pick(enqueue):g} ms" for name, pick in picks if name != "mean"))
    console.info("GPU Compute")
    console.info(*(f"{name}: {pick(compute):g} ms" for name, pick in picks))
    console.info(
        f"percentile: {percentile(percent, compute):g} ms at {percent:g}%",
        f"total compute time: {sum(compute) / 1000:g} s",
    )


def modern(console: Console, options: Options, timed: list[TimingRecord], qps: float, wall: float) -> None:
    """The summary of 8.6 and later, without what trtexec advises: the clock here is the CPU's."""

    def show(name: str, values: list[float]) -> None:
        parts = [f"min = {min(values):g} ms", f"max = {max(values):g} ms"]
        parts += [f"mean = {fmean(values):g} ms", f"median = {median(values):g} ms"]
        parts += [f"percentile({percent:g}%) = {percentile(percent, values):g} ms" for percent in options.percentiles]
        console.info(f"{name}: {', '.join(parts)}")

    compute = [record.compute for record in timed]
    enqueue = [record.enqueue for record in timed]
    h2d, d2h = [record.h2d for record in timed], [record.d2h for record in timed]
    console.info("", "=== Performance summary ===", f"Throughput: {qps:g} qps")
    show("Latency", [record.latency for record in timed])
    show("Enqueue Time", enqueue)
    show("H2D Latency", h2d)
    show("GPU Compute Time", compute)
    show("D2H Latency", d2h)
    console.info(f"Total Host Walltime: {wall:g} s", f"Total GPU Compute Time: {sum(compute) / 1000:g} s")
    console.info("Explanations of the performance metrics are printed in the verbose logs.", "")


def export_times(path: Path, options: Options, version: Version, records: list[TimingRecord]) -> None:
    """``--exportTimes``, sorted by start: 7.2 exports the warm-up, too, and swaps enqueue and input."""
    old = version < (8, 0, 0)
    if not old:
        records = [record for record in records if record.compute_start >= options.number("warmUp")]
    copy_in, copy_out = ("In", "Out") if old else ("H2d", "D2h")
    lines = []
    for record in sorted(records, key=lambda item: item.in_start):
        enqueue, h2d = (record.enq_start, record.enq_end), (record.in_start, record.in_end)
        if old:
            enqueue, h2d = h2d, enqueue
        pairs = [("startEnqMs", enqueue[0]), ("endEnqMs", enqueue[1])]
        pairs += [(f"start{copy_in}Ms", h2d[0]), (f"end{copy_in}Ms", h2d[1])]
        pairs += [("startComputeMs", record.compute_start), ("endComputeMs", record.compute_end)]
        pairs += [(f"start{copy_out}Ms", record.out_start), (f"end{copy_out}Ms", record.out_end)]
        pairs += [(f"{copy_in[0].lower()}{copy_in[1:]}Ms", record.h2d), ("computeMs", record.compute)]
        pairs += [(f"{copy_out[0].lower()}{copy_out[1:]}Ms", record.d2h), ("latencyMs", record.latency)]
        if old:
            pairs.append(("endToEndMs", record.end_to_end))
        lines.append("{ " + ", ".join(f'"{name}" : {value:g}' for name, value in pairs) + " }")
    path.write_text("[\n  " + "\n, ".join(lines) + "\n]\n", encoding="utf-8")
