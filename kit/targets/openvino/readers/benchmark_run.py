"""One run of ``benchmark_app``: its values, what follows from them, and their contradictions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kit.toollogs.labelled import LabelledRun
from kit.toollogs.numbers import Number
from kit.toollogs.output import Findings, Row, disorder, present, present_rows, shown

__all__ = ["BenchmarkAppRun", "LatencyGroup", "check_run"]

#: Values beside the latencies, in the order in which they are shown, with their units.
_UNITS = {
    "batch": "items per iteration", "requests": "infer requests at once", "compile_ms": "ms",
    "first_inference_ms": "ms", "count": "iterations", "duration_ms": "ms", "throughput_fps": "FPS",
}  # fmt: skip
#: Rounding of what is printed with two decimals.
_HALF = 0.005


@dataclass(slots=True)
class LatencyGroup:
    """The latencies of one of several shapes, in ms."""

    shape: str
    latency: dict[str, Number] = field(default_factory=dict)


@dataclass(slots=True)
class BenchmarkAppRun(LabelledRun):
    """One run. ``facts`` is what it says in words: version, devices, api, mode; ``settings`` are those of the model."""

    facts: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    groups: list[LatencyGroup] = field(default_factory=list)
    step: int = 0  # the last of the eleven
    listed: bool = False  # whether there is a heading over the latencies
    upper: bool = False  # whether it is a form that may leave the median out
    skipped: bool = False  # whether the inference was left out on request
    several: bool = False  # whether several devices shared the requests: then there is no latency

    @property
    def ended(self) -> bool:
        """Whether the last value of a run is there, or the reason why it is not."""
        return "throughput_fps" in self.values or bool(self.errors) or self.skipped

    @property
    def begun(self) -> bool:
        return bool(self.values or self.facts or self.errors or self.step)

    @property
    def items(self) -> float | None:
        """Items per iteration, from throughput, duration and count."""
        rate, duration, count = (self.values.get(key) for key in ("throughput_fps", "duration_ms", "count"))
        return rate * duration / 1000 / count if rate and duration and count else None

    @property
    def missing(self) -> list[str]:
        """What the tool always prints and the log lacks."""
        if self.skipped:
            return []
        absent = [key for key in ("count", "duration_ms", "throughput_fps") if key not in self.values]
        latency = self.part("latency_ms")
        if self.listed or (not latency and not self.several):
            middle = [] if self.upper or any(key[0] == "p" for key in latency) else ["median"]
            wanted = [*middle, "mean", "min", "max"] if self.listed else ["median"]
            absent += [f"latency_ms.{key}" for key in wanted if key not in latency]
        return absent

    def as_json(self) -> dict[str, Any]:
        """The run as ``kit read --json`` prints it; ``lines`` has the line of each number."""
        implied = None if "batch" in self.values or self.items is None else round(self.items, 4)
        return present(
            **self.facts,
            settings=dict(self.settings),
            inference="skipped on request" if self.skipped else None,
            **self.numbers(),
            implied_batch=implied,
            groups=[{"shape": one.shape, "latency_ms": dict(one.latency)} for one in self.groups],
            missing=self.missing,
            errors=list(self.errors),
            lines=dict(self.lines),
        )

    def rows(self) -> list[Row]:
        """The table for people."""
        latency = self.part("latency_ms").items()
        table = [Row(name, text) for name, text in (self.facts | self.settings).items()]
        table += present_rows(*((key.rpartition("_")[0] or key, self.values.get(key), _UNITS[key]) for key in _UNITS))
        table += [Row("inference", "skipped on request")] if self.skipped else []
        table += [Row(f"latency {name}", shown(value), "ms per iteration") for name, value in latency]
        for number, group in enumerate(self.groups, 1):
            table.append(Row(f"shapes {number}", group.shape))
            table += [Row(f"shapes {number}, latency {name}", shown(one), "ms") for name, one in group.latency.items()]
        if "batch" not in self.values and self.items is not None:
            table.append(Row("implied batch", f"{self.items:.4g}", "throughput x duration / iterations"))
        return table


def check_run(run: BenchmarkAppRun) -> Findings:
    """Problems of a run."""
    found = Findings(errors=[f"benchmark_app says: {error}" for error in run.errors])
    if run.mixed:
        run.drop(found)
        run.groups.clear()
        return found
    if run.missing:
        found.missing.append(f"missing: {', '.join(run.missing)}")
    found.contradictions += run.stated + disorder(run.part("latency_ms"))
    for number, group in enumerate(run.groups, 1):
        found.contradictions += [f"shapes {number}: {problem}" for problem in disorder(group.latency)]
    found.contradictions += _rate(run)
    return found


def _rate(run: BenchmarkAppRun) -> list[str]:
    """Throughput is batch x iterations / duration; before 2022, of one request at a time, batch / median."""
    values, items = run.values, run.items
    if items is None:
        return []
    batch = values.get("batch")
    rate, duration = values["throughput_fps"], values["duration_ms"]
    spread = 2 * _HALF / rate + 2 * _HALF / duration + 1e-6
    if batch is None:
        return [f"throughput x duration / iterations = {items:.6g}: less than an item"] if items < 0.8 else []
    if abs(items - batch) <= spread * batch:
        return []
    median = run.part("latency_ms").get("median")
    older = median and not run.listed and run.facts.get("api") != "async"
    if median and older and abs(rate * median / 1000 - batch) <= (spread + 2 * _HALF / median) * batch:
        return []
    return [f"throughput {rate:g} is not batch {batch} x iterations / duration: that gives a batch of {items:.6g}"]
