"""One run of trtexec: its values, what follows from them, and their contradictions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from kit.targets.tensorrt.readers.trtexec_layers import LayerTable
from kit.toollogs.numbers import Number
from kit.toollogs.output import Findings, Row, disorder, present, present_rows, shown

__all__ = ["SECTIONS", "TrtexecRun", "check_run"]

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
    settings: dict[str, str] = field(default_factory=dict)
    build_s: Number | None = None
    load_s: Number | None = None
    engine_mib: Number | None = None
    skipped: bool = False  # whether the run was asked to leave the inference out
    profile: LayerTable | None = None
    form: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    started: bool = False
    mixed: bool = False

    def forget(self) -> None:
        """Drop every value, because its run is unknown."""
        for values in (self.sections, self.unnamed, self.rejected, self.averages):
            values.clear()
        self.throughput_qps = self.walltime_s = self.queries = self.profile = None

    @property
    def measured(self) -> bool:
        """Whether the run has a part of its summary: the next set-up line then belongs to another run."""
        return bool(self.sections or self.rejected or self.unnamed or self.throughput_qps or self.walltime_s)

    @property
    def begun(self) -> bool:
        """Whether anything of a run was found, so that the next part of a document is another run."""
        return self.usable or self.started or bool(self.outcome or self.errors)

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
        """What the forms in the log always contain, and it lacks."""
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
            any(self.sections.values())
            or self.unnamed
            or self.throughput_qps
            or self.walltime_s
            or self.averages
            or self.profile
            or (self.skipped and self.outcome == "PASSED")
            or self.build_s
        )

    def as_json(self) -> dict[str, Any]:
        """The run as ``kit read --json`` prints it, without family, status and problems."""
        facts = (
            "version", "command", "outcome", "device", "throughput_qps", "walltime_s", "queries", "build_s", "load_s",
            "engine_mib",
        )  # fmt: skip
        said = present(
            **{key: getattr(self, key) for key in facts},
            inference="skipped on request" if self.skipped else None,
            settings=dict(self.settings),
            shapes=dict(self.shapes),
            **{name: dict(self.sections.get(name, {})) for name in SECTIONS},
            unnamed=dict(self.unnamed),
            rejected={name: dict(values) for name, values in self.rejected.items()},
            trace_averages=None if "gpu_compute" in self.sections else self.trace_averages,
            profile=self.profile and self.profile.as_json(),
            warnings=list(self.warnings),
            errors=list(self.errors),
        )
        fps = float(f"{1000 / self.gpu_mean:.9g}") if self.gpu_mean else None
        return said | {"form": list(self.form)} | present(fps_if_batch_1=fps)

    def rows(self) -> list[Row]:
        """The table for people."""
        table = present_rows(
            ("TensorRT", self.version or None, ""),
            ("device", self.device, ""),
            ("outcome", self.outcome, ""),
            ("command", self.command or None, ""),
            *((f"input {name}", shape, "") for name, shape in self.shapes.items()),
            *((name, value, "") for name, value in self.settings.items()),
            ("engine built in", self.build_s, "s"),
            ("engine loaded in", self.load_s, "s"),
            ("engine size", self.engine_mib, "MiB"),
            ("throughput", self.throughput_qps, "enqueues/s (x batch = images/s)"),
            ("wall time", self.walltime_s, "s"),
            ("queries", self.queries, "as the timing trace counts them"),
            ("timed enqueues", self.timed_enqueues, "total / mean GPU compute time"),
            ("inference", "skipped on request" if self.skipped else None, ""),
        )
        table += self._time_rows()
        table += [] if self.profile is None else self.profile.rows()
        return table + [Row("warning", warning) for warning in self.warnings]

    def _time_rows(self) -> list[Row]:
        table = []
        for name in SECTIONS:
            for statistic, value in self.sections.get(name, {}).items():
                unit = "s" if statistic == "total_s" else "ms per enqueue"
                table.append(Row(f"{_LABELS[name]} {statistic.removesuffix('_s')}", shown(value), unit))
        for name, values in self.rejected.items():
            label = _LABELS.get(name, name)
            table += [
                Row(f"rejected: {label} {k}", shown(v), "s" if k == "total_s" else "ms") for k, v in values.items()
            ]
        table += [Row(f"no heading, {name}", shown(value), "ms") for name, value in self.unnamed.items()]
        if self.averages and "gpu_compute" not in self.sections:
            for name, value in self.trace_averages.items():
                table.append(Row(f"trace averages, {name}", shown(value), "" if name == "enqueues" else "ms"))
        if self.gpu_mean:
            table.append(Row("1000 / mean GPU compute", f"{1000 / self.gpu_mean:.9g}", "x batch = images/s of the GPU"))
        return table


#: trtexec's own warnings that question what it measured.
_DOUBTS = re.compile(r"unstable|may be bound by|may not be accurate|not (?:be )?reported|under-utilized", re.IGNORECASE)


def check_run(run: TrtexecRun) -> Findings:
    """Problems of a run; values that contradict each other are rejected."""
    found = Findings(errors=[f"trtexec says: {error}" for error in run.errors])
    if run.mixed:
        run.forget()
        found.missing.append("lines of concurrent runs are mixed: no value can be assigned to this one")
        return found
    found.missing += _reject(run)
    found.contradictions = _contradictions(run)
    if run.outcome == "FAILED":
        found.missing.append("the run FAILED")
    _check_unnamed(run, found)
    _check_end(run, found)
    absent = run.missing
    if absent:
        found.missing.append(f"missing: {', '.join(absent)}")
    found.missing += run.cut
    if run.profile is not None:
        found.missing += run.profile.missing()
        found.contradictions += run.profile.contradictions()
        if not run.measured:
            found.missing.append("missing: the performance summary (the profiled run is not timed end to end)")
    found.odd_lines = run.odd
    found.refused = run.refused
    found.doubts = [f"trtexec warns: {warning}" for warning in run.warnings if _DOUBTS.search(warning)]
    found.notes += run.notes
    return found


def _check_unnamed(run: TrtexecRun, found: Findings) -> None:
    """Values without a heading: the only mean of a run is used, as the published scripts do."""
    if run.unnamed and "6.x" not in run.form and run.gpu_mean == run.unnamed.get("mean") and run.gpu_mean is not None:
        lacking = any(name not in run.unnamed for name in _STATS)
        kind = found.missing if lacking else found.refused
        kind.append("no section heading: mean taken to be GPU compute")
    elif run.unnamed:
        found.missing.append(f"no section heading: {', '.join(run.unnamed)} may be of any latency")


def _check_end(run: TrtexecRun, found: Findings) -> None:
    """Compare how the run ended with what it was asked to do."""
    if run.started and run.outcome is None:
        # The total is the last value that trtexec prints: with it, nothing but the outcome is missing.
        whole = "total_s" in run.sections.get("gpu_compute", {})
        (found.notes if whole else found.missing).append("the log ends before PASSED or FAILED")
        return
    empty = not (run.skipped or run.measured or run.averages or run.profile)
    if run.outcome == "PASSED" and empty and (run.usable or run.started):
        found.missing.append("the run PASSED without a measurement: the output is cut")


def _reject(run: TrtexecRun) -> list[str]:
    """Remove the sections whose statistics cannot come from one set of samples."""
    found = []
    for name in list(run.sections):
        broken = disorder(run.sections[name])
        if broken:
            run.rejected[name] = run.sections.pop(name)
            found.append(f"{name} is rejected: {'; '.join(broken)}")
    if broken := disorder(run.unnamed):
        run.rejected["unnamed"] = dict(run.unnamed)
        run.unnamed.clear()
        found.append(f"the values without a heading are rejected: {'; '.join(broken)}")
    return found


def _contradictions(run: TrtexecRun) -> list[str]:
    found = []
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
