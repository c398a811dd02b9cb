"""``onnxruntime_perf_test``, from 2019 to 2026: times of a session, and inferences per second.

Until 2019 it says ``Average time cost: 58.8 ms`` and ``P50 Latency is 0.0587108 sec``, later ``Average inference time
cost`` and ``P50 Latency: 0.0587108 s``, from 2025 on ``Average inference time cost total``. The rate, printed since
2022, counts inferences of whole batches, and the batch is not printed: images/s is the rate times the batch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from kit.toollogs.documents import begins_part
from kit.toollogs.labelled import Label, LabelledLine, LabelledRun, LabelTable
from kit.toollogs.output import Findings, Row, ToolOutput, disorder, numbered, present, present_rows, rows_of, runs_json
from kit.toollogs.text import lines, narrow, one_line

__all__ = ["PerfTestReading", "PerfTestRun", "read", "sniff"]

_LABELS = LabelTable(
    {
        "session_s": Label(r"Session creation time cost[ \t]*+:", {"s": 0}),
        "first_ms": Label(r"First inference time cost[ \t]*+:", {"ms": 0}, zero=True),
        "total_s": Label(r"Total (?:inference )?time cost[ \t]*+:", {"s": 0, "": 0}),
        "requests": Label(r"Total (?:inference requests|iterations)[ \t]*+:", {"": 0}, whole=True),
        "mean": Label(r"Average (?:inference )?time cost(?: total)?[ \t]*+:", {"ms": 0}),
        "run_s": Label(r"Total (?:inference )?run time[ \t]*+:", {"s": 0}),
        "inferences_per_second": Label(r"Number of inferences per second[ \t]*+:", {"": 0}),
        "cpu_percent": Label(r"(?:Avg|Total) CPU usage[ \t]*+:", {"%": 0, "": 0}, zero=True),
        "memory_bytes": Label(r"Peak working set size[ \t]*+:", {"bytes": 0, "": 0}, whole=True, zero=True),
        "runs": Label(r"Runs[ \t]*+:", {"": 0}, whole=True),
        "latency": Label(r"(?P<p>Min|Max|P\d{2,3}) Latency(?:[ \t]*+:| is\b)", {"s": 3, "sec": 3}),
    }
)
#: Values beside the latencies, in the order in which they are printed: name and unit for people.
_SHOWN = {
    "session_s": ("session creation", "s"), "first_ms": ("first inference", "ms"), "total_s": ("total", "s"),
    "requests": ("requests", "inferences"), "latency_ms.mean": ("latency mean", "ms per inference"),
    "run_s": ("run time", "s"), "inferences_per_second": ("rate", "inferences/s (x batch = images/s)"),
    "cpu_percent": ("CPU usage", "%"), "memory_bytes": ("peak working set", "bytes"),
}  # fmt: skip
_ORDER = {key: place for place, key in enumerate(_SHOWN)}
_ALWAYS = ("total_s", "requests", "latency_ms.mean", "run_s")
_STATISTICS = ("min", "max", "p50", "p90", "p95", "p99", "p99.9")
#: What is printed again above the statistics: number of inferences, processor, memory.
_AGAIN = {"runs": "requests", "cpu_percent": "cpu_percent", "memory_bytes": "memory_bytes"}
#: What a stream of C++ rounds, with its six digits.
_DIGITS = 1.5e-5
_ERROR = re.compile(
    r"(?:^|\s)(Run failed:[^\n]*)|\[E:onnxruntime:[^\]\n]{0,300}\] ?([^\n]*)|^terminate called after ([^\n]*)"
)
_LIKE = re.compile(
    r"Average inference time cost(?: total)?:|Number of inferences per second:|Session creation time cost:"
    r"|P50 Latency(?::| is) ?[\d.]+ s|Total time cost: ?[\d.]+\s"
)


@dataclass(slots=True)
class PerfTestRun(LabelledRun):
    """One run; ``latency_ms`` is that of one inference."""

    again: bool = False  # whether the lines above the statistics are there

    @property
    def recomputed(self) -> float | None:
        """Inferences per second from requests and run time, where the release does not print them."""
        requests, seconds = self.values.get("requests"), self.values.get("run_s")
        after = max(map(_place, self.values), default=0) > _place("inferences_per_second")
        if "inferences_per_second" in self.values or not after or not requests or not seconds:
            return None
        return float(f"{requests / seconds:.6g}")

    @property
    def missing(self) -> list[str]:
        """What the tool always prints and the log lacks."""
        absent = [key for key in _ALWAYS if key not in self.values]
        latency = self.part("latency_ms")
        some = self.again or any(name in latency for name in _STATISTICS)
        return absent + [f"latency_ms.{name}" for name in _STATISTICS if some and name not in latency]

    def contradictions(self) -> list[str]:
        """Identities that do not hold."""
        found = [*self.stated, *disorder(self.part("latency_ms"))]
        get = self.values.get
        total, requests, mean = get("total_s"), get("requests"), get("latency_ms.mean")
        if total and requests and mean and abs(mean * requests / 1000 - total) > _DIGITS * total:
            found.append(f"mean x requests = {mean * requests / 1000:.6g} s, but the total is {total:g} s")
        rate, seconds = get("inferences_per_second"), get("run_s")
        if rate and seconds and requests and abs(rate * seconds - requests) > _DIGITS * requests:
            found.append(f"rate x run time = {rate * seconds:.6g}, but there were {requests} requests")
        return found

    def as_json(self) -> dict[str, Any]:
        """The run as ``kit read --json`` prints it; ``lines`` has the line of each number."""
        return self.numbers() | present(
            recomputed=self.recomputed, missing=self.missing, errors=list(self.errors), lines=dict(self.lines)
        )

    def rows(self) -> list[Row]:
        """The table for people."""
        latency = self.part("latency_ms")
        table = present_rows(*((name, self.values.get(key), unit) for key, (name, unit) in _SHOWN.items()))
        table += present_rows(*((f"latency {name}", latency.get(name), "ms per inference") for name in _STATISTICS))
        return table + present_rows(("requests / run time", self.recomputed, "inferences/s"))


@dataclass
class PerfTestReading(ToolOutput):
    """Every run of the text, in its order."""

    family: ClassVar[str] = "onnxruntime_perf_test"

    runs: list[PerfTestRun]

    def values(self) -> dict[str, Any]:
        return runs_json(self.runs)

    def rows(self) -> list[Row]:
        return rows_of(self.runs)


def sniff(text: str) -> float:
    """How likely the text is to be from ``onnxruntime_perf_test``."""
    return 1.0 if _LIKE.search(text) else 0.0


def read(text: str) -> PerfTestReading:
    """Every run that the text holds. A value is used only when it is certainly complete and has its unit."""
    runs, findings = [PerfTestRun()], Findings()
    for raw in lines(text):
        if begins_part(raw):
            runs.append(PerfTestRun())
            continue
        line = narrow(raw)
        if error := _ERROR.search(line):
            runs[-1].errors.append(one_line(next(group for group in error.groups() if group is not None)))
        elif found := _LABELS.find(line):
            _take(runs, found, raw, findings)
    runs = [run for run in runs if run.values or run.errors]
    for place, run in numbered(runs):
        findings.add(_check(run), place)
    usable = any(run.values for run in runs)
    return PerfTestReading(
        *findings.outcome(usable=usable, nothing="there is no measurement in this text"), runs if usable else []
    )


def _check(run: PerfTestRun) -> Findings:
    found = Findings(errors=[f"the tool says: {error}" for error in run.errors])
    if run.mixed:
        run.drop(found)
        return found
    found.missing += [f"missing: {', '.join(run.missing)}"] if run.missing else []
    found.contradictions += run.contradictions()
    return found


def _take(runs: list[PerfTestRun], found: LabelledLine, raw: str, findings: Findings) -> None:
    """Keep a number; one that the run has already, or of an earlier place in the order of the lines, begins a run."""
    value = found.checked(raw, findings)
    if value is None:
        return
    name = found.label["p"]
    key = _AGAIN.get(found.key, found.key)
    if found.key == "mean" or name:
        key = f"latency_ms.{'mean' if name is None else 'p99.9' if name == 'P999' else name.lower()}"
    run, known = runs[-1], runs[-1].values.get(key)
    if known is not None and found.key in _AGAIN:
        run.again = True
        if known != value:
            run.stated.append(f"{key} is stated twice: {known:g} and {value:g}")
        return
    if known is not None or (found.key != "runs" and _place(key) < max(map(_place, run.values), default=0)):
        if len(runs) > 1 and run.entangled(runs[-2], key, "run_s"):
            run.mixed = runs[-2].mixed = True
        runs.append(PerfTestRun(mixed=run.mixed))
    runs[-1].take(key, value, raw)


def _place(key: str) -> int:
    """Where in the order of the lines a value stands; the statistics come last."""
    return _ORDER.get(key, len(_ORDER))
