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

__all__ = ["Span", "TimingRecord", "export_times", "percentile", "report"]

Span = tuple[float, float]
Times = dict[str, list[float]]

STATISTICS: dict[str, Callable[[list[float]], float]] = {"min": min, "max": max, "mean": fmean, "median": median}


@dataclass(frozen=True)
class TimingRecord:
    """Start and end of the parts of one enqueue, in ms since the start of the loop."""

    enqueue: Span
    h2d: Span
    compute: Span
    d2h: Span

    def durations(self) -> dict[str, float]:
        """Milliseconds of each part, without (latency) and with (end to end) the gaps between them."""
        parts = {name: end - start for name, (start, end) in vars(self).items()}
        latency = parts["h2d"] + parts["compute"] + parts["d2h"]
        return parts | {"latency": latency, "end to end": self.d2h[1] - self.h2d[0]}


def percentile(percent: float, values: list[float]) -> float:
    """The source's percentile, in its float32: with up to 100 values, 99 % is the maximum."""
    ordered = sorted(values)
    excluded = int((np.float32(1) - np.float32(percent) / np.float32(100)) * np.float32(len(ordered)))
    return ordered[max(len(ordered) - 1 - excluded, 0)]


def report(console: Console, options: Options, version: Version, records: list[TimingRecord], queries: int) -> None:
    """Print everything from ``Warmup completed`` on; ``queries`` multiplies counts (0 for ONNX in 7.2)."""
    warm_up = options.number("warmUp")
    timed = [record for record in records if record.compute[0] >= warm_up]
    console.info(f"Warmup completed {(len(records) - len(timed)) * queries} queries over {warm_up} ms")
    if not timed:
        console.info("Timing trace has 0 queries over 0 s")
        return
    wall = (max(record.d2h[1] for record in timed) - timed[0].enqueue[0]) / 1000
    console.info(f"Timing trace has {len(timed) * queries} queries over {wall:g} s")
    rows = [record.durations() for record in timed]
    times = {name: [row[name] for row in rows] for name in rows[0]}
    qps = len(timed) * queries / wall
    if version < (8, 0, 0):
        averages(console, options.number("avgRuns"), version, times)
        classic(console, options.percentiles[0], times, qps, wall)
    else:
        console.info("", "=== Trace details ===")
        averages(console, options.number("avgRuns"), version, times)
        modern(console, options.percentiles, times, qps, wall)


def averages(console: Console, runs: int, version: Version, times: Times) -> None:
    console.info(f"Trace averages of {runs} runs:")
    lines = []
    for start in range(0, len(times["compute"]) - runs + 1, runs) if runs > 0 else ():
        mean = {name: f"{fmean(values[start : start + runs]):g} ms" for name, values in times.items()}
        tail = f"end to end {mean['end to end']}, " if version < (8, 0, 0) else ""
        lines.append(
            f"Average on {runs} runs - GPU latency: {mean['compute']} - Host latency: {mean['latency']} "
            f"({tail}enqueue {mean['enqueue']})"
        )
    # From 10 on a long trace is cut in its middle.
    kept = 200 if version >= (10, 0, 0) else len(lines)
    if len(lines) > 2 * kept:
        lines = [*lines[:kept], f"... Omitting {len(lines) - 2 * kept} lines", *lines[-kept:]]
    console.info(*lines)


def classic(console: Console, percent: float, times: Times, qps: float, wall: float) -> None:
    """The blocks of 7.2."""
    host, total, compute, enqueue = (times[name] for name in ("latency", "end to end", "compute", "enqueue"))
    console.info(
        "Host Latency",
        *(f"{name}: {pick(host):g} ms (end to end {pick(total):g} ms)" for name, pick in STATISTICS.items()),
        f"percentile: {percentile(percent, host):g} ms at {percent:g}% "
        f"(end to end {percentile(percent, total):g} ms at {percent:g}%)",
        f"throughput: {qps:g} qps",
        f"walltime: {wall:g} s",
        "Enqueue Time",
        *(f"{name}: {pick(enqueue):g} ms" for name, pick in STATISTICS.items() if name != "mean"),
        "GPU Compute",
        *(f"{name}: {pick(compute):g} ms" for name, pick in STATISTICS.items()),
        f"percentile: {percentile(percent, compute):g} ms at {percent:g}%",
        f"total compute time: {sum(compute) / 1000:g} s",
    )


def modern(console: Console, percents: list[float], times: Times, qps: float, wall: float) -> None:
    """The summary of 8.6 and later, without trtexec's advice: the clock here is the CPU's."""
    console.info("", "=== Performance summary ===", f"Throughput: {qps:g} qps")
    for heading, name in (
        ("Latency", "latency"), ("Enqueue Time", "enqueue"), ("H2D Latency", "h2d"), ("GPU Compute Time", "compute"),
        ("D2H Latency", "d2h"),
    ):  # fmt: skip
        values = times[name]
        parts = [f"{statistic} = {pick(values):g} ms" for statistic, pick in STATISTICS.items()]
        parts += [f"percentile({percent:g}%) = {percentile(percent, values):g} ms" for percent in percents]
        console.info(f"{heading}: {', '.join(parts)}")
    console.info(f"Total Host Walltime: {wall:g} s", f"Total GPU Compute Time: {sum(times['compute']) / 1000:g} s")
    console.info("Explanations of the performance metrics are printed in the verbose logs.", "")


def export_times(path: Path, options: Options, version: Version, records: list[TimingRecord]) -> None:
    """``--exportTimes``, sorted by start: 7.2 exports the warm-up, too, and swaps enqueue and input."""
    old = version < (8, 0, 0)
    if not old:
        records = [record for record in records if record.compute[0] >= options.number("warmUp")]
    copy_in, copy_out = ("In", "Out") if old else ("H2d", "D2h")
    lines = []
    for record in sorted(records, key=lambda item: item.h2d[0]):
        first, second = (record.h2d, record.enqueue) if old else (record.enqueue, record.h2d)
        row: dict[str, float] = {}
        for name, span in (("Enq", first), (copy_in, second), ("Compute", record.compute), (copy_out, record.d2h)):
            row[f"start{name}Ms"], row[f"end{name}Ms"] = span
        spent = record.durations()
        row |= {f"{copy_in.lower()}Ms": spent["h2d"], "computeMs": spent["compute"]}
        row |= {f"{copy_out.lower()}Ms": spent["d2h"], "latencyMs": spent["latency"]}
        if old:
            row["endToEndMs"] = spent["end to end"]
        lines.append("{ " + ", ".join(f'"{name}" : {value:g}' for name, value in row.items()) + " }")
    path.write_text("[\n  " + "\n, ".join(lines) + "\n]\n", encoding="utf-8")
