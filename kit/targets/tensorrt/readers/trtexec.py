"""Performance of ``trtexec``, TensorRT 6 to 10.

Three forms: up to 6.0 only lines ``Average over 10 runs is 1.2 ms (...)``; before 8.0 a heading on its own line
(``GPU Compute``), then ``mean: 1.2 ms`` lines; from 8.0 on one line per section (``GPU Compute Time: min = 1.1 ms,
...``). The printed throughput counts enqueues, not images: images/s is qps x batch. Before 8.0 it is 0 for ONNX models,
which is no rate: images/s then come from ``--exportTimes``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from kit.targets.tensorrt.readers import trtexec_lines as printed
from kit.targets.tensorrt.readers.trtexec_run import SECTIONS, TrtexecRun, judge
from kit.toollogs.numbers import real
from kit.toollogs.reader import Row, Status, rows_of, status_of
from kit.toollogs.text import lines, narrow

__all__ = ["SECTIONS", "TrtexecReading", "TrtexecRun", "read", "sniff", "version_of"]


@dataclass(slots=True)
class TrtexecReading:
    """Every run of the text, in its order."""

    runs: list[TrtexecRun]
    status: Status
    problems: list[str]

    @property
    def run(self) -> TrtexecRun | None:
        """The one run; None where there is none or more than one."""
        return self.runs[0] if len(self.runs) == 1 else None

    def as_json(self) -> dict[str, Any]:
        """What ``kit read --json`` prints: the values of one run beside ``family``, several as ``runs``."""
        found: dict[str, Any] = {"family": "trtexec"}
        if len(self.runs) == 1:
            found |= self.runs[0].as_json()
        elif self.runs:
            found["runs"] = [run.as_json() for run in self.runs]
        found["status"] = self.status
        return found | ({"problems": list(self.problems)} if self.problems else {})

    def rows(self) -> list[Row]:
        """The table for people."""
        return rows_of(self.runs)


def version_of(digits: str) -> str:
    """``8205`` -> 8.2.5, ``100300`` -> 10.3.0; a version with points stays as it is."""
    if "." in digits or not digits.isdigit():
        return digits.strip(".")
    value = int(digits)
    if value >= 10000:  # major * 10000 + minor * 100 + patch since 10.0
        return f"{value // 10000}.{value // 100 % 100}.{value % 100}"
    return f"{value // 1000}.{value // 100 % 10}.{value % 100}"


def sniff(text: str) -> float:
    """How surely the text is of ``trtexec``."""
    if re.search(r"&&&& (?:RUNNING|PASSED|FAILED) TensorRT\.trtexec", text):
        return 1.0
    plain = narrow(text)
    for title in printed.TITLE.finditer(plain):
        found = printed.PAIR.search(plain, title.end(), title.end() + 400)
        if found and found["value"]:
            return 1.0
    if re.search(
        r"(?i)\bthroughput: \S+ qps|Average on \d+ runs - GPU latency|Average over \d+ runs is"
        r"|Timing trace has \d+ queries|=== Performance summary ===",
        plain,
    ):
        return 0.9
    if re.search(rf"(?m)^[ \t]*(?:{printed.STAMP} )*\[[IWEFV]\] ", plain):
        return 0.6
    return 0.2 if any(found["value"] for found in printed.PAIR.finditer(plain)) else 0.0


def read(text: str) -> TrtexecReading:
    """Every run that the text holds.

    The text may be both streams of trtexec in any order, an excerpt, or a report that quotes them. A value is taken
    only when it is surely whole and has its unit; a section whose statistics contradict each other is rejected.
    """
    scan = _Scan()
    for raw in lines(text):
        scan.line(raw)
    runs = [
        run
        for run in scan.runs
        if run.usable or run.started or run.outcome or run.errors or run.refused or run.rejected
    ]
    problems: list[str] = []
    missing = odd = False
    for index, run in enumerate(runs, 1):
        said, absent, strange = judge(run)
        place = f"run {index}: " if len(runs) > 1 else ""
        problems += [place + problem for problem in said]
        missing, odd = missing or absent, odd or strange
    usable = any(run.usable for run in runs)
    if not usable and not problems:
        problems.append("there is no performance summary in this text")
    return TrtexecReading(runs, status_of(usable=usable, missing=missing, odd=odd), problems)


class _Scan:
    """One pass; ``&&&& RUNNING``, or a section or throughput that was there already, begins a new run."""

    def __init__(self) -> None:
        self.runs: list[TrtexecRun] = []
        self.section: str | None = None
        self.averaging = False  # whether the line above was an average of 6.0
        self.open: list[TrtexecRun] = []  # begun, and not ended yet

    @property
    def run(self) -> TrtexecRun:
        if not self.runs:
            self.runs.append(TrtexecRun())
        return self.runs[-1]

    def line(self, raw: str) -> None:
        if raw.isspace():
            return
        if mark := printed.MARK.search(raw):
            self._said(raw[: mark.start()])
            self._mark(mark, raw)
            return
        if "[V] [TRT]" in raw and not any(mark in raw for mark in ("[I]", "[W]", "[E]")):
            return  # most of a verbose log: the library explains what it builds
        line = narrow(raw)
        before = self._count()
        averages = sum(len(run.averages) for run in self.runs[-2:])
        *pieces, last = printed.SPLIT.split(line)
        for piece in [*(piece + "\n" for piece in pieces), last]:
            if piece.strip():
                self._piece(piece)
        if self._count() != before and not printed.PLAIN.match(raw) and not _plain_total(raw):
            self.run.odd.append(raw)
        if sum(len(run.averages) for run in self.runs[-2:]) == averages:
            self.averaging = False
        self._said(line)

    def _count(self) -> int:
        """Values under a heading, so far."""
        return sum(sum(map(len, run.sections.values())) for run in self.runs[-2:])

    def _mark(self, mark: re.Match[str], raw: str) -> None:
        command = mark["command"].strip() if mark["command"] and raw.endswith("\n") else None
        if mark[1] == "RUNNING":
            self.runs.append(TrtexecRun(started=True))
            self.open.append(self.run)
        elif self.run.outcome is not None:
            # A crashed run says nothing at its end; one that says so after another one has ended ran beside it.
            beside = [run for run in self.open if command in (None, run.command)]
            for run in self.runs[self.runs.index(beside[0]) :] if beside else []:
                run.mixed = True
            if not beside:
                self._fresh()
        run = self.run
        if mark[1] != "RUNNING":
            run.outcome = mark[1]
            self.open = [other for other in self.open if other is not run]
        run.command = run.command or command
        if version := printed.VERSION.search(raw):
            run.version = version_of(version[1] or version[2])
        self.section = None

    def _fresh(self) -> None:
        """A new run, since what comes next was there already; what the old run knows of its set-up stays with it."""
        self.runs.append(TrtexecRun())
        self.section = None

    def _piece(self, piece: str) -> None:
        prefix = printed.PREFIX.match(piece)
        body = piece[prefix.end() :] if prefix else piece
        if printed.RESET.match(body):
            self.section = None
        headings = list(printed.NEW.finditer(body))
        form = "8.x"
        if not headings and (old := printed.OLD.search(body)):
            headings, form = [old], "7.x"
        if headings:
            self._facts(body[: headings[0].start()] + "\n")
            for title, after in zip(headings, [*headings[1:], None], strict=True):
                self._heading(title[1], form)
                part = body[title.end() : after.start() if after else len(body)]
                self._pairs(printed.LOOSE.sub(r"\g<name>\g<p> = ", part), 0)
                self._times(part)
        elif heading := printed.INLINE.match(body):
            self._inline(heading)
            self._pairs(body, heading.end())
            self.section = None
        elif not self._facts(body):
            self._pairs(body, 0)

    def _heading(self, title: str, form: str) -> None:
        name = printed.NAMES[title.lower()]
        # Before 8.0 the host latency is the first section of a run.
        later = name == "host_latency" and form == "7.x" and (self.run.sections or self.run.throughput_qps is not None)
        if later or name in self.run.sections or self._ended():
            self._fresh()
        self.section = name
        self.run.sections.setdefault(name, {})
        if form not in self.run.form:
            self.run.form.append(form)

    def _inline(self, heading: re.Match[str]) -> None:
        """A name before each statistic, as people write it: "Latency median: 1.5 ms"."""
        name = printed.NAMES[heading[1].lower()]
        if heading[2] in self.run.sections.get(name, {}) or self._ended():
            self._fresh()
        self.section = name
        self.run.sections.setdefault(name, {})

    def _ended(self) -> bool:
        """Whether the run said how it ended and has its values: what comes next is of another one."""
        return self.run.outcome is not None and self.run.usable

    def _pairs(self, body: str, position: int) -> None:
        for pair in printed.PAIR.finditer(body, position):
            if pair["bad"] is not None:
                if self.section is not None and printed.NUMERIC.match(pair["bad"]):
                    self.run.refused.append(f"{self.section}.{pair['name']}: {pair['bad'][:30]!r} is not surely a time")
                continue
            if self.section is None and not pair["e2e"] and printed.OTHER.search(body, 0, pair.start()):
                self.run.refused.append(f"{pair['name']} {pair['value']} ms: it is not clear of which section")
                continue
            colon = ":" in body[pair.start() : pair.start("value")]  # before 8.0
            if self.section is None and colon and not pair["e2e"] and not body.endswith("\n"):
                self.run.refused.append(f"{pair['name']} {pair['value']} ms: the line may go on with what it is of")
                continue
            self._pair(pair)

    def _pair(self, pair: re.Match[str]) -> None:
        percent = pair["p"] or pair["at"]
        if pair["name"] == "percentile" and percent is None:
            self.run.refused.append(f"percentile {pair['value']} ms: of how many percent is not said")
            return
        name = f"p{float(percent):g}" if pair["name"] == "percentile" else pair["name"]
        value = real(pair["value"])
        if value is None or value < 0:
            self.run.refused.append(f"{name}: {pair['value']} ms is no time")
            return
        section = self.section
        if section is None and pair["e2e"]:
            # Only the host latency has a time from end to end beside it, so it needs no heading.
            section = "host_latency"
            if name in self.run.sections.get(section, {}) or self._ended():
                self._fresh()
            self.run.sections.setdefault(section, {})
        values = self.run.unnamed if section is None else self.run.sections[section]
        if name in values and values[name] != value:
            if section is None:
                self._fresh()
                values = self.run.unnamed
            else:
                self.run.refused.append(f"{section}.{name} is there twice: {values[name]} and {value} ms")
                del values[name]
                return
        values[name] = value
        if pair["e2e"] and section == "host_latency":
            whole = real(pair["e2e"])
            if whole is not None:
                self.run.sections.setdefault("end_to_end_host_latency", {})[name] = whole

    def _facts(self, body: str) -> bool:
        """Lines with one fact each; True where the line is one of them."""
        if found := printed.RATE.search(body):
            self._rate(found)
        elif self._times(body):
            pass
        elif found := printed.QUERIES.search(body):
            self.run.queries = int(found["queries"])
        elif found := printed.AVERAGE.search(body):
            self._average(found)
        elif found := printed.AVERAGE_6.search(body):
            self._average_6(found)
        elif found := printed.VERSION.search(body):
            self.run.version = version_of(found[1] or found[2])
        elif found := printed.DEVICE.search(body):
            self.run.device = found[1]
        elif found := printed.BINDING.search(body) or printed.INFERENCE_SHAPE.search(body):
            self.run.shapes[found[1].strip("'")] = found[2]
        elif found := printed.OVERRIDDEN.search(body):
            self._note(
                f"input {found[1].strip()} got no shape, so every open dimension is 1: "
                "if a batch was asked for, its input name is misspelt"
            )
        elif printed.IMPLICIT.search(body):
            self._note("a batch size was given to an engine with explicit batch: the printed throughput is wrong")
        else:
            return False
        return True

    def _times(self, body: str) -> bool:
        """Wall time and total compute time, which stand alone or after the last section."""
        wall, sum_ = printed.WALL.search(body), printed.TOTAL.search(body)
        if wall:
            if self.run.walltime_s is not None:
                self._fresh()
            self.run.walltime_s = real(wall["value"])
        if sum_:
            total = real(sum_["value"])
            if total is not None and "gpu_compute" in self.run.sections:
                self.run.sections["gpu_compute"].setdefault("total_s", total)
        return bool(wall or sum_)

    def _note(self, text: str) -> None:
        if text not in self.run.notes:
            self.run.notes.append(text)

    def _average(self, found: re.Match[str]) -> None:
        gpu, host = real(found["gpu"]), real(found["host"]) if found["host"] else None
        if gpu is not None:
            self.run.averages.append((int(found["runs"]), gpu, host))

    def _average_6(self, found: re.Match[str]) -> None:
        """These lines are all that 6.0 prints of a run, so a line between two of them parts two runs."""
        if self.run.averages and not self.averaging:
            self._fresh()
        if "6.x" not in self.run.form:
            self.run.form.append("6.x")
        self._average(found)
        self.averaging = True

    def _rate(self, found: re.Match[str]) -> None:
        if found["value"] is None and not printed.NUMERIC.match(found["bad"]):
            return  # "Throughput: the observed throughput computed by ..." explains the value
        run = self.run
        if run.throughput_qps is not None or self._ended() or {"enqueue", "gpu_compute"} & set(run.sections):
            self._fresh()
        if found["value"] is None:
            self.run.refused.append(f"throughput: {found['bad'][:30]!r} is not surely a whole number of qps")
            return
        value = real(found["value"])
        if value is None or value <= 0:
            self._note(
                "throughput: 0 qps is no rate (before 8.0 trtexec counts no queries of ONNX models): "
                "take images/s from --exportTimes"
            )
            return
        self.run.throughput_qps = value

    def _said(self, line: str) -> None:
        for found in printed.SAID.finditer(line):
            self.run.errors.append(found[1] or found[2])
        for found in printed.WARNED.finditer(line):
            self.run.warnings.append((found[1] or found[2]).strip())


def _plain_total(raw: str) -> bool:
    return printed.PLAIN_TOTAL.match(raw) is not None
