"""One run of trtexec: its values, what they imply, and what contradicts itself in them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import Any

from kit.toollogs.numbers import Number
from kit.toollogs.reader import Row
from kit.toollogs.text import short

__all__ = ["SECTIONS", "TrtexecRun", "judge"]

#: The sections that a run may print, by the name that this reader gives them.
SECTIONS = ("host_latency", "end_to_end_host_latency", "enqueue", "h2d_latency", "gpu_compute", "d2h_latency")
_LABELS = dict(
    zip(SECTIONS, ("latency", "end to end", "enqueue", "H2D latency", "GPU compute", "D2H latency"), strict=True)
)
_STATS = ("min", "max", "mean", "median")


@dataclass(slots=True)
class TrtexecRun:
    """One run of trtexec: ``sections[name][statistic]`` in ms per enqueue (of a whole batch).

    Names: :data:`SECTIONS`; statistics: min, max, mean, median, p99 (or the percentiles that were asked for), and for
    gpu_compute ``total_s``. ``unnamed`` holds values without a heading. ``throughput_qps`` is enqueues/s, never 0.
    """

    sections: dict[str, dict[str, Number]] = field(default_factory=dict)
    unnamed: dict[str, Number] = field(default_factory=dict)
    rejected: dict[str, dict[str, Number]] = field(default_factory=dict)
    throughput_qps: Number | None = None
    walltime_s: Number | None = None
    queries: int | None = None
    averages: list[tuple[int, Number, Number | None]] = field(default_factory=list)
    version: str | None = None
    command: str | None = None
    outcome: str | None = None
    device: str | None = None
    shapes: dict[str, str] = field(default_factory=dict)
    form: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    started: bool = False
    mixed: bool = False

    def forget(self) -> None:
        """Drop every value: nobody can say which run they are of."""
        for values in (self.sections, self.unnamed, self.rejected, self.averages):
            values.clear()
        self.throughput_qps = self.walltime_s = self.queries = None

    @property
    def gpu_mean(self) -> Number | None:
        """Mean GPU compute time in ms per enqueue; without any heading, the mean that the text has."""
        known = self.sections.get("gpu_compute", {}).get("mean")
        if known is None and not self.sections and not self.rejected:
            known = self.unnamed.get("mean")
            if "6.x" in self.form:
                known = self.trace_averages.get("gpu_compute_mean")
        return known or None

    @property
    def timed_enqueues(self) -> int | None:
        """Timed enqueues: total GPU compute time / mean, whatever ``queries`` counts; None if not sure."""
        gpu = self.sections.get("gpu_compute", {})
        total, mean = gpu.get("total_s"), gpu.get("mean")
        if not total or not mean:
            return None
        count = 1000 * total / mean
        return round(count) if abs(count - round(count)) <= min(0.3, 2e-5 * count + 1e-3) else None

    @property
    def trace_averages(self) -> dict[str, Number]:
        """What the ``Average on N runs`` lines say together: enqueues, and means in ms weighted by them."""
        count = sum(runs for runs, _, _ in self.averages)
        if not count:
            return {}
        found: dict[str, Number] = {"enqueues": count}
        found["gpu_compute_mean"] = float(f"{sum(runs * gpu for runs, gpu, _ in self.averages) / count:.6g}")
        hosts = [(runs, host) for runs, _, host in self.averages if host is not None]
        if len(hosts) == len(self.averages):
            found["host_latency_mean"] = float(f"{sum(runs * host for runs, host in hosts) / count:.6g}")
        return found

    @property
    def missing(self) -> list[str]:
        """What the forms that the log has always hold, and it does not."""
        absent = []
        for name, values in self.sections.items():
            # 7.x prints neither mean nor percentile of the enqueue time.
            wanted = ("min", "max", "median") if name == "enqueue" and "7.x" in self.form else _STATS
            absent += [f"{name}.{statistic}" for statistic in wanted if statistic not in values]
            if len(wanted) == 4 and not any(re.match(r"p\d", statistic) for statistic in values):
                absent.append(f"{name}.p99")
        if (
            (self.sections or self.throughput_qps or (self.averages and "6.x" not in self.form))
            and "gpu_compute" not in self.sections
            and "gpu_compute" not in self.rejected
        ):
            absent.append("gpu_compute")
        if "h2d_latency" in self.sections and "d2h_latency" not in {**self.sections, **self.rejected}:
            absent.append("d2h_latency")
        return absent

    @property
    def usable(self) -> bool:
        """Whether the run holds any value."""
        return bool(
            any(self.sections.values()) or self.unnamed or self.throughput_qps or self.walltime_s or self.averages
        )

    def as_json(self) -> dict[str, Any]:
        """The run as ``kit read --json`` prints it, without family, status and problems."""
        found: dict[str, Any] = {}
        for key in ("version", "command", "outcome", "device", "throughput_qps", "walltime_s", "queries"):
            value = getattr(self, key)
            if value is not None:
                found[key] = value
        if self.shapes:
            found["shapes"] = dict(self.shapes)
        found |= {name: dict(self.sections[name]) for name in SECTIONS if self.sections.get(name)}
        if self.unnamed:
            found["unnamed"] = dict(self.unnamed)
        if self.rejected:
            found["rejected"] = {name: dict(values) for name, values in self.rejected.items()}
        if self.averages and "gpu_compute" not in self.sections:
            found["trace_averages"] = self.trace_averages
        if self.warnings:
            found["warnings"] = list(self.warnings)
        found["form"] = list(self.form)
        if self.gpu_mean:
            found["fps_if_batch_1"] = float(f"{1000 / self.gpu_mean:.9g}")
        return found

    def rows(self) -> list[Row]:
        """The table for people."""
        table = [
            Row(label, str(value))
            for label, value in (
                ("TensorRT", self.version),
                ("device", self.device),
                ("outcome", self.outcome),
                ("command", self.command),
            )
            if value
        ]
        table += [Row(f"input {name}", shape) for name, shape in self.shapes.items()]
        if self.throughput_qps is not None:
            table.append(Row("throughput", f"{self.throughput_qps:.6g}", "enqueues/s (x batch = images/s)"))
        if self.walltime_s is not None:
            table.append(Row("wall time", f"{self.walltime_s:.6g}", "s"))
        if self.timed_enqueues is not None:
            table.append(Row("timed enqueues", str(self.timed_enqueues), "total / mean GPU compute time"))
        for name in SECTIONS:
            for statistic, value in self.sections.get(name, {}).items():
                unit = "s" if statistic == "total_s" else "ms per enqueue"
                table.append(Row(f"{_LABELS[name]} {statistic.removesuffix('_s')}", f"{value:.6g}", unit))
        table += [Row(f"no heading, {name}", f"{value:.6g}", "ms") for name, value in self.unnamed.items()]
        if self.averages and "gpu_compute" not in self.sections:
            for name, value in self.trace_averages.items():
                table.append(Row(f"trace averages, {name}", f"{value:.6g}", "" if name == "enqueues" else "ms"))
        if self.gpu_mean:
            table.append(Row("1000 / mean GPU compute", f"{1000 / self.gpu_mean:.6g}", "x batch = images/s of the GPU"))
        return table


def judge(run: TrtexecRun) -> tuple[list[str], bool, bool]:
    """The problems of a run; whether values are missing; whether it is odd."""
    problems = [f"trtexec says: {short(error)}" for error in run.errors[:5]]
    if run.mixed:
        run.forget()
        return (
            [*problems, "lines of runs at the same time are mixed: no value can be told to be of this one"],
            True,
            True,
        )
    contradictions = _contradictions(run)
    if run.outcome == "FAILED":
        problems.append("the run FAILED")
    absent, strange = run.missing, False
    incomplete = bool(absent) or bool(run.rejected) or run.outcome == "FAILED"
    if run.unnamed and "6.x" not in run.form and run.gpu_mean == run.unnamed.get("mean") and run.gpu_mean is not None:
        problems.append("no section heading: mean taken to be GPU compute")
        incomplete = incomplete or any(name not in run.unnamed for name in _STATS)
        strange = True
    elif run.unnamed:
        problems.append(f"no section heading: {', '.join(run.unnamed)} may be of any latency")
        incomplete = True
    if run.started and run.outcome is None:
        problems.append("the log ends before PASSED or FAILED")
        # The total is the last value that trtexec prints: with it, nothing but the outcome is missing.
        incomplete = incomplete or "total_s" not in run.sections.get("gpu_compute", {})
    elif run.started and not run.usable and run.outcome == "PASSED":
        problems.append("the run PASSED without a measurement (--buildOnly, or the output is cut)")
    if absent:
        problems.append(f"missing: {', '.join(absent)}")
    problems += [f"non-standard line: {short(line)}" for line in run.odd]
    problems += run.refused + contradictions + run.notes
    return problems, incomplete, strange or bool(run.odd or run.refused or contradictions)


def _contradictions(run: TrtexecRun) -> list[str]:
    found = []
    for name in list(run.sections):
        broken = _disorder(run.sections[name])
        if broken:
            run.rejected[name] = run.sections.pop(name)
            found.append(f"{name} is rejected: {'; '.join(broken)}")
    if broken := _disorder(run.unnamed):
        run.rejected["unnamed"] = dict(run.unnamed)
        run.unnamed.clear()
        found.append(f"the values without heading are rejected: {'; '.join(broken)}")
    qps, wall, queries = run.throughput_qps, run.walltime_s, run.queries
    if qps and wall and queries and abs(qps * wall - queries) > max(0.02, 2e-5 * queries):
        found.append(f"throughput x wall time = {qps * wall:.6g}, but the trace has {queries} queries")
    means = [run.sections.get(name, {}).get("mean") for name in ("h2d_latency", "gpu_compute", "d2h_latency")]
    latency = run.sections.get("host_latency", {}).get("mean")
    if latency and all(mean is not None for mean in means):
        total = sum(mean for mean in means if mean is not None)
        if abs(total - latency) > 1e-3 * latency + 1e-4:
            found.append(f"mean latency {latency:g} ms is not H2D + GPU compute + D2H ({total:.6g} ms)")
    return found


def _disorder(values: dict[str, Number]) -> list[str]:
    """Statistics that cannot be of one set of samples."""
    low, high, median = values.get("min"), values.get("max"), values.get("median")
    if low is not None and high is not None and low > high:
        return [f"min {low:g} is above max {high:g}"]
    found = []
    percentiles = sorted((float(name[1:]), value) for name, value in values.items() if re.match(r"p\d", name))
    for name, value in [*values.items()]:
        if name in ("min", "max", "total_s"):
            continue
        if (low is not None and value < low * (1 - 1e-5)) or (high is not None and value > high * (1 + 1e-5)):
            found.append(f"{name} {value:g} lies outside min and max")
    ladder = ([(50.0, median)] if median is not None else []) + [pair for pair in percentiles if pair[0] >= 50]
    for (below, small), (above, large) in itertools.pairwise(ladder):
        if small > large * (1 + 1e-5):
            found.append(f"p{below:g} {small:g} is above p{above:g} {large:g}")
    return found
