"""``msame``, the tool before ``ais_infer``: mean times of inference in ms per batch.

It prints one time for every enqueue, then the mean, and the mean without the first one, which includes loading. It does
not print the batch, so no rate follows from these times alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from kit.toollogs.documents import begins_part
from kit.toollogs.numbers import Number, real
from kit.toollogs.output import Findings, Row, ToolOutput, numbered, present, present_rows, rows_of
from kit.toollogs.text import NUMBER, lines, narrow, one_line, short

__all__ = ["MsameReading", "MsameRun", "read", "sniff"]

_MEAN = re.compile(
    rf"\b[Ii]nference average time(?P<later> without first time)? ?: ?"
    rf"(?:(?P<value>{NUMBER})[ \t]*ms\b|(?P<bad>[^\s,]*))"
)
_TIME = re.compile(rf"\bInference time: ?(?:{NUMBER})[ \t]*ms\b")
_TIME_LIKE = re.compile(r"\bInference time: ?\S")
_ERROR = re.compile(r"\[ERROR\].*")
_PLAIN = re.compile(rf"Inference average time(?: ?: {NUMBER} ms| without first time: {NUMBER} ms)\s*\Z")


@dataclass(slots=True)
class MsameRun:
    """One run: ``mean`` over all enqueues, ``later_mean`` without the first, in ms; ``times`` counts those listed."""

    mean: Number | None = None
    later_mean: Number | None = None
    times: int = 0

    @property
    def missing(self) -> list[str]:
        """What the tool always prints and the log lacks."""
        values = {"average": self.mean, "average without the first": self.later_mean}
        return [name for name, value in values.items() if value is None]

    def as_json(self) -> dict[str, Any]:
        """The run as ``kit read --json`` prints it."""
        return present(
            average_ms=self.mean,
            average_without_first_ms=self.later_mean,
            times=self.times or None,
            missing=self.missing,
        )

    def rows(self) -> list[Row]:
        """The table for people."""
        return present_rows(
            ("times", self.times or None, ""),
            ("average", self.mean, "ms per batch"),
            ("average without the first", self.later_mean, "ms per batch"),
        )


@dataclass
class MsameReading(ToolOutput):
    """Every run of the text, in its order."""

    family: ClassVar[str] = "msame"

    runs: list[MsameRun]

    def values(self) -> dict[str, Any]:
        return {"runs": [run.as_json() for run in self.runs]}

    def rows(self) -> list[Row]:
        return rows_of(self.runs)


def sniff(text: str) -> float:
    """How likely the text is to be from ``msame``; ``ais_infer`` prints the same lines of the library."""
    found = [mean for mean in _MEAN.finditer(narrow(text)) if mean["value"]]
    if found:
        return 1.0 if any(mean["later"] for mean in found) else 0.78
    return 0.78 if _TIME.search(text) and "model execute success" in text else 0.0


def read(text: str) -> MsameReading:
    """The means of every run. A value is used only when it is certainly complete and has its unit."""
    runs: list[MsameRun] = []
    findings = Findings()
    times = 0
    fresh = True
    for raw in lines(text):
        if begins_part(raw):
            fresh = True
            _without_average(findings, times)
            times = 0
            continue
        line = narrow(raw)
        if error := _ERROR.search(line):
            findings.errors.append(f"the tool says: {one_line(error[0])}")
        found_times = len(_TIME.findall(line))
        times += found_times
        if not found_times and _TIME_LIKE.search(line):
            findings.refused.append(f"{short(line)!r} is not surely a time")
        for found in _MEAN.finditer(line):
            later = found["later"] is not None
            value = real(found["value"] or "")
            if value is None or value <= 0:
                findings.refused.append(f"{short(found[0])!r} is not surely a time")
                continue
            if fresh or times or runs[-1].later_mean is not None or (runs[-1].mean is not None and not later):
                runs.append(MsameRun(times=times))
                times, fresh = 0, False
            if later:
                runs[-1].later_mean = value
            else:
                runs[-1].mean = value
            if not _PLAIN.match(raw.lstrip()):
                findings.odd_lines.append(raw)
    for place, run in numbered(runs):
        findings.missing += [f"{place}missing: {', '.join(run.missing)}"] if run.missing else []
    _without_average(findings, times)
    return MsameReading(*findings.outcome(usable=bool(runs), nothing="there is no average time in this text"), runs)


def _without_average(findings: Findings, times: int) -> None:
    if times:
        findings.missing.append(f"missing: the average after {times} times")
