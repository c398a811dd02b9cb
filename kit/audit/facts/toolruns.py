"""Output of vendor tools quoted in a report: its lines, and the values that the readers of `kit read` find in it.

The readers parse the output; this module only looks up where the report prints each value.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from kit.audit.facts.document import Document
from kit.audit.facts.printednumber import Printed, find_numbers
from kit.toollogs.documents import begins_part
from kit.toollogs.reader import Reader

__all__ = ["ToolRun", "file_batch", "find_runs"]

#: All output of these tools has one of these.
_HINT = re.compile(
    r"rough?put ?Rate|NPU_compute_time|GPU Compute|\bmean\b|\bmedian\b|\bmin ?[:=]|\"throughput\""
    r"|throughput:[ \t]+\S+ (?:qps|fps)\b",
    re.IGNORECASE,
)
_FILE_BATCH = re.compile(r"(?:batchsize_|_bs|_batch)([0-9]{1,3})(?![0-9])", re.IGNORECASE)
#: So many lines without a sign of a tool end a part that began without a fence or heading.
_QUIET = 12

#: The values that rules use, by family of tools: the path in the JSON of `kit read`, and the name here.
_STAGES = {"e2e": "e2e", "data_read": "data read", "preprocess": "preprocess", "infer": "infer", "post": "post"}
_FIELDS: Mapping[str, Mapping[tuple[str, ...], str]] = {
    "perf": {
        **{(stage, "throughputRate"): f"{name} rate" for stage, name in _STAGES.items()},
        ("infer", "interface"): "interface",
        ("e2e", "latency"): "e2e latency",
        **{(stage, "moduleLatency"): f"{name} latency" for stage, name in _STAGES.items()},
        ("ave_throughputRate",): "rate",
        ("ave_latency_ms",): "latency",
    },
    "ais": {
        **{("NPU_compute_time", name): name for name in ("min", "max", "mean", "median")},
        ("mean_in_formula",): "mean in formula",
        ("throughput",): "rate",
        ("batchsize",): "batch",
    },
    "trtexec": {
        ("throughput_qps",): "qps",
        **{("gpu_compute", name): name for name in ("min", "max", "mean", "median")},
        **{("rejected", "gpu_compute", name): name for name in ("min", "max", "mean", "median")},
        **{("unnamed", name): name for name in ("min", "max", "mean", "median")},
    },
    "benchmark_app": {
        ("throughput_fps",): "rate",
        ("batch",): "batch",
        **{("latency_ms", name): name for name in ("min", "max", "mean", "median")},
    },
}


@dataclass(slots=True)
class ToolRun:
    """The values of one run. ``tool`` is benchmark, pure, ais, trtexec or benchmark_app.

    ``values`` maps fields to (line, number). Fields: benchmark ``interface``, ``<stage> rate``, ``<stage> latency``;
    pure ``rate``, ``latency`` (ms per sample); ais and benchmark_app ``rate``, ``batch``, and ``min``, ``max``,
    ``mean``, ``median`` in ms per batch; trtexec the last four, of the GPU's compute time, and ``qps`` (batches per
    second).
    """

    tool: str
    start: int
    end: int
    values: dict[str, tuple[int, Printed]] = field(default_factory=dict)

    @property
    def rate(self) -> tuple[int, Printed] | None:
        """The throughput of one device in samples per second."""
        return self.values.get("interface") or self.values.get("rate")


@cache
def _readers() -> tuple[Reader, ...]:
    from kit.toollogs.reader import readers  # loading them takes longer than auditing a small report

    return tuple(reader for reader in readers() if reader.family in _FIELDS)


def find_runs(document: Document) -> list[ToolRun]:
    """All tool output in a report, by first line."""
    runs: list[ToolRun] = []
    for first, last in _parts(document):
        text = "".join(document.raw[line - 1].strip("> \t") + "\n" for line in range(first, last + 1))
        places: _Places | None = None
        for reader in _readers():
            if not reader.sniff(text):
                continue
            places = places or _Places(document, first, last)
            values = reader.read(text).as_json()
            start = first
            for one in values.get("blocks") or values.get("runs") or [values]:
                run = _run(reader.family, one, places, start)
                if run is not None:
                    runs.append(run)
                    start = run.end + 1
    return sorted(runs, key=lambda run: run.start)


def _parts(document: Document) -> Iterator[tuple[int, int]]:
    """The first and last line of each part of a report that may quote a tool."""
    first = last = 0
    for line, text in enumerate(document.lines, start=1):
        if not text:
            continue
        ends = first and line - last > _QUIET
        if ends or begins_part(text):
            if first:
                yield first, last
            first = last = 0
        if _HINT.search(text) and not (line in document.table_lines and "NPU_compute_time" not in text):
            first, last = first or line, line
    if first:
        yield first, last


class _Places:
    """The lines on which the numbers of a part are printed."""

    def __init__(self, document: Document, first: int, last: int) -> None:
        self._found: dict[float, list[tuple[int, Printed]]] = {}
        for line in range(first, last + 1):
            for number in find_numbers(document.lines[line - 1]):
                self._found.setdefault(number.value, []).append((line, number))

    def of(self, value: float, start: int) -> tuple[int, Printed] | None:
        """The first line, from ``start`` on, that prints a value, and the number."""
        places = self._found.get(float(value), [])
        at = bisect_left(places, start, key=lambda place: place[0])
        return places[at] if at < len(places) else None


def _run(family: str, values: Mapping[str, Any], places: _Places, start: int) -> ToolRun | None:
    """A run with the lines of its values; None if it only repeats a single number, as a sentence does."""
    found: dict[str, tuple[int, Printed]] = {}
    for path, name in _FIELDS[family].items():
        value: Any = values
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        place = places.of(value, start) if isinstance(value, int | float) else None
        if place is not None:
            found.setdefault(name, place)
    if "mean in formula" in found:
        found.setdefault("mean", found.pop("mean in formula"))
    pure = values.get("kind") == "pure"
    if not found or (pure and len(found) < 2) or set(found) == {"interface"} or set(found) == {"min"}:
        return None
    lines = [line for line, _ in found.values()]
    tool = {"perf": "pure" if pure else "benchmark"}.get(family, family)
    return ToolRun(tool, min(lines), max(lines), found)


def file_batch(text: str) -> int | None:
    """The batch size in the name of a result file on a line, if there is one."""
    match = _FILE_BATCH.search(text)
    return int(match[1]) if match else None
