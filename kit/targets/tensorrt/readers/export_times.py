"""``trtexec --exportTimes``: the time of every enqueue, warm-up included. The rate of a run is computed from this.

Forms: 7.0 (``startInMs``, no enqueue times), 7.1 to 7.2 (``startEnqMs``/``endEnqMs`` hold the times of the *input copy*
and ``startInMs``/``endInMs`` those of the *enqueue*, because the writer swapped them), 8.0 and later (``startH2dMs``,
correct). Time stamps have six significant digits, so durations come from ``computeMs`` and not from differences.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from statistics import median
from typing import Any, ClassVar

from kit.inside.estimate import nearest_rank
from kit.toollogs.numbers import finite, load_json
from kit.toollogs.output import Findings, Row, ToolOutput, shown
from kit.toollogs.text import clean

__all__ = ["ExportTimesReading", "TimeRecord", "again", "quantity", "read", "sniff"]

_RECORD = re.compile(r"\{[^{}]*\}")
#: Where a list begins: trtexec puts each bracket on a line of its own.
_BEGIN = re.compile(r"^[^\n\[\]{}\"]{0,80}\[[ \t]*(?:$|\{)", re.MULTILINE)
_BAD = re.compile(r":\s*-?(?:nan|inf)\b", re.IGNORECASE)
#: The key of each field of :class:`TimeRecord`, by form; 7.x with the swap of its writer undone.
_KEYS = {
    "7.0": "startInMs endInMs startComputeMs endComputeMs startOutMs endOutMs inMs computeMs outMs latencyMs",
    "7.x": "startEnqMs endEnqMs startComputeMs endComputeMs startOutMs endOutMs inMs computeMs outMs latencyMs"
    " startInMs endInMs",
    "8.x": "startH2dMs endH2dMs startComputeMs endComputeMs startD2hMs endD2hMs h2dMs computeMs d2hMs latencyMs"
    " startEnqMs endEnqMs",
}


@dataclass(frozen=True, slots=True)
class TimeRecord:
    """One enqueue, in ms since the start of the run. Enqueue times are None in 7.0."""

    input_start: float
    input_end: float
    compute_start: float
    compute_end: float
    output_start: float
    output_end: float
    h2d: float
    compute: float
    d2h: float
    latency: float
    enqueue_start: float | None = None
    enqueue_end: float | None = None


@dataclass
class ExportTimesReading(ToolOutput):
    """The records in their order. ``form`` is 7.0, 7.x or 8.x."""

    family: ClassVar[str] = "export_times"

    records: list[TimeRecord]
    form: str

    def timed(self, warm_up_ms: float = 200.0) -> list[TimeRecord]:
        """The records after the warm-up, by trtexec's own rule: computing began at ``--warmUp`` or later."""
        return [record for record in self.records if record.compute_start >= warm_up_ms]

    def walltime_ms(self, warm_up_ms: float = 200.0) -> float | None:
        """From the first input copy to the last output copy of the timed records, as trtexec computes it."""
        timed = self.timed(warm_up_ms)
        wall = max(record.output_end for record in timed) - timed[0].input_start if timed else 0.0
        return wall if wall > 0 else None

    def enqueues_per_s(self, warm_up_ms: float = 200.0) -> float | None:
        """Timed enqueues per second of wall time; images/s is this x batch. None without a timed record."""
        wall = self.walltime_ms(warm_up_ms)
        return None if wall is None else 1000 * len(self.timed(warm_up_ms)) / wall

    def compute_ms(self, warm_up_ms: float = 200.0) -> list[float]:
        """GPU compute time of every timed enqueue, in ms."""
        return [record.compute for record in self.timed(warm_up_ms)]

    def values(self) -> dict[str, Any]:
        """Counts and rates for trtexec's default warm-up of 200 ms."""
        found: dict[str, Any] = {"form": self.form, "records": len(self.records)}
        if timed := self.timed():
            found["timed_after_200_ms"] = len(timed)
            found["gpu_compute"] = _statistics(self.compute_ms())
            found["latency"] = _statistics([record.latency for record in timed])
        wall, rate = self.walltime_ms(), self.enqueues_per_s()
        if wall is not None and rate is not None:
            found["walltime_s"] = float(f"{wall / 1000:.9g}")
            found["enqueues_per_s"] = float(f"{rate:.9g}")
        return found

    def rows(self) -> list[Row]:
        values = self.values()
        table = [Row("records", str(len(self.records)), f"form of TensorRT {self.form}")]
        if "timed_after_200_ms" in values:
            table.append(Row("timed", str(values["timed_after_200_ms"]), "enqueues, warm-up of 200 ms left out"))
            for what, statistics in (("GPU compute", values["gpu_compute"]), ("latency", values["latency"])):
                table += [Row(f"{what} {name}", shown(value), "ms per enqueue") for name, value in statistics.items()]
        if "walltime_s" in values:
            table.append(Row("wall time", f"{values['walltime_s']:.9g}", "s"))
            table.append(Row("throughput", f"{values['enqueues_per_s']:.9g}", "enqueues/s (x batch = images/s)"))
        return table


#: How evidence names a quantity of an export.
_PLACE = re.compile(r"(?P<name>.+) after (?P<warm_up>\d+(?:\.\d+)?) ms(?: at batch (?P<batch>\d{1,9}))?")
_PERCENTILES = {"latency p50": 50, "latency p90": 90, "latency p99": 99}


def quantity(reading: ExportTimesReading, name: str, warm_up_ms: float, batch: int = 1) -> float:
    """A quantity of the timed records; those that trtexec prints as well have its six digits.

    Args:
        reading: the export.
        name: ``enqueues/s``, ``enqueues``, ``compute mean``, ``compute median``, ``images/s of the GPU``, or
            ``latency p50``, ``p90``, ``p99`` by nearest rank, in ms.
        warm_up_ms: records before this time are left out.
        batch: images of one enqueue.

    Raises:
        ValueError: there is no such number, or no timed record.
    """
    compute = reading.compute_ms(warm_up_ms)
    rate = reading.enqueues_per_s(warm_up_ms)
    if not compute or rate is None:
        raise ValueError("no timed record")
    if name == "enqueues":
        return float(len(compute))
    if name in _PERCENTILES:
        latency = sorted(record.latency for record in reading.timed(warm_up_ms))
        return nearest_rank(latency, _PERCENTILES[name])
    found = {
        "enqueues/s": rate,
        "compute mean": math.fsum(compute) / len(compute),
        "compute median": median(compute),
        "images/s of the GPU": 1000 * batch * len(compute) / math.fsum(compute),
    }
    if name not in found:
        raise ValueError(f"no quantity {name!r}")
    return float(f"{found[name]:.6g}")


def again(text: str, place: str) -> float:
    """The number that evidence names, such as ``enqueues/s after 200 ms``, from the text of the export.

    Raises:
        ValueError: it names no quantity.
    """
    match = _PLACE.fullmatch(place)
    if match is None:
        raise ValueError(f"no quantity {place!r}")
    return quantity(read(text), match["name"], float(match["warm_up"]), int(match["batch"] or 1))


def _statistics(times: list[float]) -> dict[str, float]:
    """min, max, mean, median and p99 as trtexec computes them: index n - 1 - int(n / 100) of the sorted times."""
    times = sorted(times)
    count = len(times)
    found = {
        "min": times[0],
        "max": times[-1],
        "mean": math.fsum(times) / count,
        "median": median(times),
        "p99": times[max(count - 1 - int(0.01 * count), 0)],
    }
    return {name: float(f"{value:.9g}") for name, value in found.items()}


def sniff(text: str) -> float:
    """How likely the text is a timing export."""
    head = text[:4000]
    return 1.0 if '"computeMs"' in head and ('"startInMs"' in head or '"startH2dMs"' in head) else 0.0


def read(text: str) -> ExportTimesReading:
    """The records of the export; of a cut one, those that are whole."""
    text = clean(text)
    findings = Findings()
    whole = True
    try:
        items = load_json(text)
    except ValueError:
        items = None
    if not isinstance(items, list):
        # The text is cut, holds nan, or holds two files: read each record on its own.
        whole = re.search(r"\}\s*\]", text) is not None
        items = _one_by_one(text)
    forms = [_form(item) for item in items]
    found = [_record(item, form) if form else None for item, form in zip(items, forms, strict=True)]
    records = [record for record in found if record is not None]
    versions = list(dict.fromkeys(form for form, record in zip(forms, found, strict=True) if form and record))
    if not whole:
        findings.missing.append("the list is cut off: the whole records are used")
    if len(records) < len(items):
        findings.missing.append(f"{len(items) - len(records)} records are not whole or not finite: they are left out")
    if len(versions) > 1:
        findings.missing.append(f"records of different versions in one file: {', '.join(versions)}; none is used")
        records = []
    again = any(after.input_start < before.input_start / 2 - 1 for before, after in itertools.pairwise(records))
    if again or len(_BEGIN.findall(text)) > 1:
        # trtexec sorts records by this stamp, so the clock restarted, and a rate over two runs belongs to neither.
        findings.missing.append("records of several runs in one text: none is used")
        records = []
    findings.contradictions += _contradictions(records)
    form = versions[0] if len(versions) == 1 else ""
    outcome = findings.outcome(usable=bool(records), nothing="there is no record in this text")
    return ExportTimesReading(*outcome, records, form)


def _one_by_one(text: str) -> list[Any]:
    items: list[Any] = []
    for found in _RECORD.finditer(text):
        try:
            items.append(load_json(_BAD.sub(": null", found[0])))
        except ValueError:
            items.append(None)
    return items


def _form(item: object) -> str | None:
    if not isinstance(item, dict):
        return None
    if "startH2dMs" in item:
        return "8.x"
    if "startInMs" in item:
        return "7.x" if "startEnqMs" in item else "7.0"
    return None


def _record(item: dict[str, Any], form: str) -> TimeRecord | None:
    values = [item.get(key) for key in _KEYS[form].split()]
    numbers = [float(value) for value in values if finite(value)]
    return TimeRecord(*numbers) if len(numbers) == len(values) else None


def _contradictions(records: list[TimeRecord]) -> list[str]:
    backwards = sum(after.input_start < before.input_start for before, after in itertools.pairwise(records))
    negative = unequal = 0
    for record in records:
        negative += record.compute <= 0 or record.h2d < 0 or record.d2h < 0
        total = record.h2d + record.compute + record.d2h
        unequal += abs(total - record.latency) > 1e-4 * abs(record.latency) + 1e-4
        # Stamps of six digits: 0.01 ms at some seconds, 1 ms at some minutes.
        slack = 2 * 10 ** (math.floor(math.log10(max(record.compute_end, 1.0))) - 5) + 1e-4 * abs(record.compute)
        unequal += abs(record.compute_end - record.compute_start - record.compute) > slack
    found = [f"{backwards} records begin before the one above: not one run"] if backwards else []
    found += [f"{negative} records have a compute time that is not above zero"] if negative else []
    found += [f"{unequal} times of records do not add up"] if unequal else []
    return found
