"""Performance of ``benchmark_app``, in C++ and Python, from 2020 to 2026.

Until 2021 the last lines are ``Latency:    9.44 ms`` (the median) and ``Throughput: 406.85 FPS``; since 2022 a list of
latencies stands between, whose names and blanks differ between releases and languages. From 2026 on Python prints short
latencies in us. FPS are items per second: batch times iterations per second, over all requests that run at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from kit.targets.openvino.readers.benchmark_run import BenchmarkAppRun, LatencyGroup, check_run
from kit.toollogs.documents import begins_part
from kit.toollogs.labelled import Label, LabelledLine, LabelTable
from kit.toollogs.numbers import Number
from kit.toollogs.output import Findings, Row, ToolOutput, numbered, rows_of, runs_json
from kit.toollogs.text import lines, narrow, one_line

__all__ = ["BenchmarkAppReading", "read", "sniff"]

_MS = {"ms": 0, "us": -3, "\u00b5s": -3, "\u03bcs": -3, "s": 3}
_COLON = r"[ \t]*+:"
_LABELS = LabelTable(
    {
        "batch": Label(r"(?:Model|Network) batch size(?: was changed to)?[ \t]*+:", {"": 0}, whole=True),
        "compile_ms": Label(r"(?:(?:Compile|Import) model|(?:Load|Import) network) took", _MS),
        "first_inference_ms": Label(r"First inference took", _MS, zero=True),
        "count": Label(rf"Count{_COLON}", {"iterations": 0}, whole=True),
        "duration_ms": Label(rf"Duration{_COLON}", _MS),
        "throughput_fps": Label(rf"Throughput{_COLON}", {"fps": 0}),
        "latency": Label(rf"Latency(?: for each data shape group)?{_COLON}", _MS, zero=True),
        "median": Label(rf"Median{_COLON}", _MS, zero=True),
        "percentile": Label(r"\(?(?P<p>\d{1,3}) percentile\)?[ \t]*+:", _MS, zero=True),
        "mean": Label(rf"(?:A[Vv][Gg]|Average){_COLON}", _MS, zero=True),
        "min": Label(rf"M[Ii][Nn]{_COLON}", _MS, zero=True),
        "max": Label(rf"M[Aa][Xx]{_COLON}", _MS, zero=True),
    },
    prefix=r"\[ INFO \]",
)
_STATISTICS = ("median", "percentile", "mean", "min", "max")
_STEP = re.compile(r"\[Step (\d{1,2})/11\][ \t]*+([^\n]*)")
_START = re.compile(
    r"Start inference (a?)synch?ronously(?:, (\d{1,6}) inference requests)?(?: using ([^\n]{1,200}?))?, limits:"
)
_BUILD = re.compile(r"\bBuild \.{3,}+[ \t]*+(\S++)(?=\s)")
_DEVICES = re.compile(r"\bExecution Devices:[ \t]*(\S[^\n]*)")
_MODE = re.compile(r"\bbenchmark(?:ing)? (?:is )?in (inference only|full) mode\b", re.IGNORECASE)
_SETTING = re.compile(
    r"\[ INFO \][ \t]+(PERFORMANCE_HINT|INFERENCE_PRECISION_HINT|NUM_STREAMS|INFERENCE_NUM_THREADS)[ \t]*:"
    r"[ \t]*(\S[^\n]*)"
)
_GROUP = re.compile(r"[ \t>]*(?:\[ INFO \])?[ \t]*(?:\d{1,4}\.[ \t]*)?(\S[^\n]{0,200}?[\[{]\d[^\n]*)")
_ERROR = re.compile(r"\[ ERROR \][ \t]*(\S[^\n]*)")
#: Lines over which one error may continue.
_MOST_LINES = 20
#: Ends the lines of an error: another line of the tool, or Python's trace.
_NEXT = re.compile(r"[ \t>]*\[|Traceback ")
#: A run on several devices at once, for which the tool prints no latency.
_SEVERAL = re.compile(r"\bMULTI\b")
_SKIPPED = re.compile(r"Skipping inference due to -niter 0")
_LIKE = re.compile(r"(?m)\[ INFO \][ \t]*(?:Throughput|Count|Duration):|^[ \t>]*Count:[ \t]+\d+ iterations\b")


@dataclass
class BenchmarkAppReading(ToolOutput):
    """Every run of the text, in its order."""

    family: ClassVar[str] = "benchmark_app"

    runs: list[BenchmarkAppRun]

    def values(self) -> dict[str, Any]:
        return runs_json(self.runs)

    def rows(self) -> list[Row]:
        return rows_of(self.runs)


def sniff(text: str) -> float:
    """How likely the text is to be from ``benchmark_app``."""
    if _STEP.search(text):
        return 1.0
    return 0.9 if _LIKE.search(text) else 0.0


def read(text: str) -> BenchmarkAppReading:
    """Every run that the text holds. A value is used only when it is certainly complete and has its unit."""
    scan = _BenchmarkAppScan()
    for raw in lines(text):
        if begins_part(raw):
            scan.part()
        elif not raw.isspace():
            scan.line(raw)
    findings, runs = scan.findings, [run for run in scan.runs if run.begun]
    for place, run in numbered(runs):
        findings.add(check_run(run), place)
    usable = any(run.values for run in runs)
    return BenchmarkAppReading(
        *findings.outcome(usable=usable, nothing="there is no measurement in this text"), runs if usable else []
    )


class _BenchmarkAppScan:
    """One pass; the first step, a new part of a document, or a value that the run has already begins a new run."""

    def __init__(self) -> None:
        self.runs = [BenchmarkAppRun()]
        self.findings = Findings()
        self.grouping = False  # whether the latencies are those of one of several shapes
        self.explaining = 0  # how many more lines may continue the last error
        self.mixing = False

    @property
    def run(self) -> BenchmarkAppRun:
        return self.runs[-1]

    def part(self) -> None:
        """A new part of a document."""
        self.mixing = False
        self.fresh()

    def fresh(self) -> None:
        """Begin a new run, unless this one has nothing yet."""
        self.grouping, self.explaining = False, 0
        if self.run.begun:
            self.runs.append(BenchmarkAppRun(mixed=self.mixing))

    def line(self, raw: str) -> None:
        line = narrow(raw)
        if _SEVERAL.search(line):
            self.run.several = True
        if step := _STEP.search(line):
            self._step(int(step[1]))
        if found := _LABELS.find(line):
            self._labelled(found, raw)
        elif self.grouping and (group := _GROUP.match(line)):
            self.run.groups.append(LatencyGroup(one_line(group[1])))
        else:
            self._fact(line)
        if start := _START.search(line):
            self.run.facts["api"] = "async" if start[1] else "sync"
            if start[2]:
                self.run.take("requests", int(start[2]), line)
            if start[3]:
                self.run.facts["streams"] = one_line(start[3])

    def _step(self, step: int) -> None:
        run = self.run
        if run.step and 1 < step <= run.step and len(self.runs) > 1 and not run.ended and not self.runs[-2].ended:
            self._mix()  # neither of two has ended, and yet the steps come in turns
        elif step == 1 or step <= run.step or "throughput_fps" in run.values:
            self.fresh()
        self.run.step = step

    def _mix(self) -> None:
        """The lines of this run and of the one before cannot be told apart, nor those of what follows."""
        self.mixing = True
        for run in self.runs[-2:]:
            run.mixed = True

    def _fact(self, line: str) -> None:
        run = self.run
        if error := _ERROR.search(line):
            run.errors.append(one_line(error[1]))
            self.explaining = _MOST_LINES
            return
        if self.explaining and not _NEXT.match(line):
            run.errors[-1] = one_line(f"{run.errors[-1]} {line}")
            self.explaining -= 1
            return
        self.explaining = 0
        if _SKIPPED.search(line):
            run.skipped = True
        elif build := _BUILD.search(line):
            if "throughput_fps" in run.values:
                self.fresh()
            self.run.facts.setdefault("version", build[1])
        elif devices := _DEVICES.search(line):
            run.facts["devices"] = one_line(devices[1])
        elif mode := _MODE.search(line):
            run.facts["mode"] = mode[1].lower()
        elif setting := _SETTING.search(line):
            run.settings.setdefault(setting[1], one_line(setting[2]))

    def _labelled(self, found: LabelledLine, raw: str) -> None:
        self.explaining = 0
        if found.key == "latency":
            self.grouping = "group" in found.label[0]
            self.run.listed = self.run.listed or not found.said
        value = found.checked(raw, self.findings)
        if value is None:
            return
        name = {"latency": "median", "percentile": f"p{found.label['p']}"}.get(found.key, found.key)
        latency = found.key == "latency" or found.key in _STATISTICS
        if latency and self.grouping:
            if self.run.groups:
                self.run.groups[-1].latency.setdefault(name, value)
        else:
            self._value(f"latency_ms.{name}" if latency else name, value, raw)
            self.run.upper = self.run.upper or "AVG" in found.label[0]

    def _value(self, key: str, value: Number, raw: str) -> None:
        run, known = self.run, self.run.values.get(key)
        if known is None:
            if "throughput_fps" in run.values:  # the last value of a run
                self.fresh()
        elif key == "batch" or (key == "throughput_fps" and "count" in run.values):
            if value != known:
                run.stated.append(f"{key} is stated twice: {known:g} and {value:g}")
            return
        else:
            if len(self.runs) > 1 and run.entangled(self.runs[-2], key, "throughput_fps"):
                self._mix()
            self.fresh()
        self.run.take(key, value, raw)
