"""Performance of ``ais_infer`` and ``ais_bench``: what they print, and the summary file that they write.

The throughput that they print is 1000 x batch / mean of NPU_compute_time, so its batch is what the user typed. Forms:
2022-07 ``throughput (1000*batchsize/NPU_compute_time)``, late 2022 with both numbers in brackets, 2023
``batchsize.mean(B)``, 2024 a table, and the JSON of ``sumary.json`` or ``*_summary.json``.
"""

from __future__ import annotations

import re

from kit.targets.ascend.readers.ais_run import PARTS, AisReading, AisRun
from kit.toollogs.documents import begins_part
from kit.toollogs.numbers import Number, integer, real
from kit.toollogs.output import Findings, numbered
from kit.toollogs.text import NUMBER, lines, narrow, one_line, short

__all__ = ["read", "sniff"]

_PART = re.compile(r"\"?\b(H2D_latency|NPU_compute_time|D2H_latency)\b\"?[ \t]*(?:\(ms\))?[ \t]*:\s*\{?")
_STAT = re.compile(
    rf"\"?\b(min|max|mean|median|count|percentile\((\d+(?:\.\d+)?)%\)|P(\d+(?:\.\d+)?))\"?[ \t]*[=:][ \t]*({NUMBER})"
)
_NAMED = re.compile(r"\"?\b(min|max|mean|median|count|percentile\([^)]*\)|P\d+)\"?[ \t]*[=:][ \t]*([^\s,}]+)")
_THROUGHPUT = re.compile(
    rf"\bthroughput[ \t]*\(?[ \t]*1000[ \t]*\*[ \t]*batchsize(?:\.mean)?(?:\((?P<batch>{NUMBER})\))?[ \t]*"
    rf"/[ \t]*NPU_compute_time(?:\.mean\((?P<mean>{NUMBER})\))?[ \t]*\)?[ \t]*:[ \t]*(?P<value>{NUMBER})?",
    re.IGNORECASE,
)
_THROUGHPUT_LIKE = re.compile(r"\bthroughput[ \t]*\(?[ \t]*1000", re.IGNORECASE)
_JSON_THROUGHPUT = re.compile(rf"\"throughput\"[ \t]*:[ \t]*(?P<value>{NUMBER})")
_DEVICE = re.compile(
    rf"\bi:\d+ device_(?P<device>\d+) throughput:(?P<value>{NUMBER})[ \t]+start_time:\S+[ \t]+end_time:\S+"
)
_SUMMARY = re.compile(rf"\bsummary throughput:[ \t]*(?P<value>{NUMBER})")
_ENERGY = re.compile(
    rf"\bNPU ID[ \t]*:[ \t]*(?P<npu>\d+)[ \t]+energy consumption\(J\)[ \t]*:[ \t]*(?P<value>{NUMBER})(?=\s)"
)
_ENERGY_LIKE = re.compile(r"\benergy consumption")
_HEADING = re.compile(r"-{3,}[ \t]*Performance Summary[ \t]*-{3,}")
_TABLE = re.compile(r"^[ \t]*[│|][ \t]*(Metric|H2D_latency|NPU_compute_time|D2H_latency)\b[^│|]*[│|](.*)[│|][ \t]*$")
_ERROR = re.compile(
    r"\[ERROR\].*|^E[A-Z]?\d{3,5}: .*|\b[Rr]et(?:[Cc]ode)? ?= ?(?:0x[0-9a-f]+|[1-9]\d{5}\b).*|^RuntimeError: ?\[.*"
)
_PROGRAM = re.compile(
    r"\[INFO\] (?:acl init success|open device \d+ success|load model .* success|try get model batchsize)"
    r"|\[ERROR\] (?:arg\d+ tensorsize|save out files error|load model from file failed|acl open)"
)
# The lines as the programs write them, and the JSON of their summary; other lines with values are non-standard.
_N = NUMBER
_PLAIN = re.compile(
    rf"\s*(?:\[INFO\] )?(?:(?:{'|'.join(PARTS)}) \(ms\): min = {_N}, max = {_N}, mean = {_N}, median = {_N}, "
    rf"percentile\({_N}%\) = {_N}"
    # With several threads only the mean is printed.
    rf"|(?:{'|'.join(PARTS)}) \(ms\): mean = {_N}"
    rf"|[tT]hroughput 1000\*batchsize(?:\.mean)?\({_N}\)/NPU_compute_time\.mean\({_N}\): {_N}"
    rf"|throughput \(1000\*batchsize/NPU_compute_time\): {_N})\s*\Z"
    r"|\s*[{\"}]"
)
_THREADED = re.compile(rf"\s*(?:\[INFO\] )?(?:{'|'.join(PARTS)}) \(ms\): mean = {_N}\s*\Z")


def sniff(text: str) -> float:
    """How likely the text is to be from ``ais_infer`` or ``ais_bench``."""
    if _THROUGHPUT.search(text) or re.search(r"\bNPU_compute_time\"? ?(?:\(ms\))? ?:", text):
        return 1.0
    if re.search(r"[│|][ \t]*NPU_compute_time", text) or _DEVICE.search(text) or _SUMMARY.search(text):
        return 1.0
    # msame prints the same lines of the library, so they are the weakest sign.
    return 0.6 if _PROGRAM.search(text) else 0.0


def read(text: str) -> AisReading:
    """Every summary in the text: printed, a table, or JSON. A value is used only when it is certainly complete."""
    return _AisScan().run(text)


class _AisScan:
    """One pass; a heading, or a repeated part or throughput, begins a new run."""

    def __init__(self) -> None:
        self.runs: list[AisRun] = []
        self.part: dict[str, Number] | None = None
        self.columns: list[str] = []
        self.fresh = True
        self.findings = Findings()
        self.devices: dict[int, Number] = {}
        self.total: Number | None = None
        self.explaining = False  # whether indented lines continue the last error

    def run(self, text: str) -> AisReading:
        for raw in lines(text):
            if raw.isspace():
                continue
            if begins_part(raw):
                self.fresh, self.part, self.columns, self.explaining = True, None, [], False
                continue
            line = narrow(raw)
            before = self._count()
            if not self._table(line):
                self._line(line)
                if self._count() != before and not _PLAIN.match(raw):
                    self.findings.odd_lines.append(raw)
        return self._result()

    def _result(self) -> AisReading:
        runs = [run for run in self.runs if run.parts or run.throughput is not None or run.energy_j]
        found = self.findings
        for place, run in numbered(runs):
            if run.missing:
                found.missing.append(f"{place}missing: {', '.join(run.missing)}")
            found.contradictions += [place + problem for problem in run.contradictions()]
        if self.total is not None and self.devices:
            total = sum(self.devices.values())
            if abs(total - self.total) > 1e-6 * total:
                found.contradictions.append(
                    f"summary throughput {self.total:g} is not the sum of the devices ({total:g})"
                )
        usable = any(any(run.parts.values()) or run.throughput is not None or run.energy_j for run in runs)
        usable = usable or bool(self.devices) or self.total is not None
        outcome = found.outcome(usable=usable, nothing="there is no performance summary in this text")
        return AisReading(*outcome, runs if usable else [], self.devices, self.total)

    def _count(self) -> int:
        return sum(sum(map(len, run.parts.values())) + (run.throughput is not None) for run in self.runs[-2:])

    def _current(self, part: str | None) -> AisRun:
        """The run that this part, or for None a throughput, belongs to: the throughput is the last line of a run."""
        last = self.runs[-1] if self.runs else None
        taken = last is not None and (part in last.parts if part else last.throughput is not None)
        if last is not None and part is not None and last.throughput is not None:
            # Two devices that print at the same time may swap the order of one's part and the other's throughput.
            taken = taken or not last.parts or "NPU_compute_time" in last.parts
        if last is None or self.fresh or taken:
            last = AisRun()
            self.runs.append(last)
        self.fresh = False
        return last

    def _line(self, line: str) -> None:
        if _HEADING.search(line):
            self.fresh, self.part = True, None
        if self._error(line):
            return
        if found := _JSON_THROUGHPUT.search(line):
            self._statistics(line)
            self._throughput(found, line)
        elif found := _THROUGHPUT.search(line):
            self._throughput(found, line)
        elif _THROUGHPUT_LIKE.search(line):
            self.findings.refused.append(f"throughput: the line is cut or odd: {short(line)}")
        elif "throughput" in line and self._devices(line):
            pass
        elif _ENERGY_LIKE.search(line):
            self._energy(line)
        else:
            self._statistics(line)

    def _error(self, line: str) -> bool:
        """Note an error or an indented line that continues it; True where the line holds nothing else."""
        if error := _ERROR.search(line):
            self.findings.errors.append(f"the tool says: {one_line(error[0])}")
            self.explaining = True
        elif self.explaining and line[0] in " \t" and not _PART.search(line):
            self.findings.errors[-1] = one_line(f"{self.findings.errors[-1]} {line.strip()}")
            return True
        else:
            self.explaining = False
        return False

    def _devices(self, line: str) -> bool:
        """The throughput of one of several devices, or of all."""
        found = _DEVICE.search(line)
        device = integer(found["device"]) if found else None
        value = real(found["value"]) if found else None
        total = _SUMMARY.search(line)
        if device is not None and value is not None and value > 0:
            self.devices[device] = value
        elif total is not None:
            self.total = real(total["value"])
        elif re.search(r"\b(?:i:\d+ device_\d+|summary) throughput\b", line):
            self.findings.refused.append(f"throughput: the line is cut or odd: {short(line)}")
        else:
            return False
        return True

    def _energy(self, line: str) -> None:
        """``NPU ID:4 energy consumption(J):59.5``, after the summary of its run."""
        found = _ENERGY.search(line)
        npu, energy = (integer(found["npu"]), real(found["value"])) if found else (None, None)
        if npu is None or energy is None or energy < 0:
            self.findings.refused.append(f"energy: the line is cut or odd: {short(line)}")
            return
        if not self.runs or self.fresh or npu in self.runs[-1].energy_j:
            self.runs.append(AisRun())
            self.fresh = False
        self.runs[-1].energy_j[npu] = energy

    def _throughput(self, found: re.Match[str], line: str) -> None:
        named = found.groupdict()
        value = real(named["value"] or "")
        if value is None or value <= 0:
            self.findings.refused.append(f"throughput: not surely a whole number above zero: {short(line)}")
            return
        batch, mean = named.get("batch"), real(named.get("mean") or "")
        # Two devices that print at the same time mix their lines; the mean identifies the run of a throughput.
        open_ = [run for run in self.runs[-8:] if run.throughput is None and mean is not None and run.mean == mean]
        run = open_[-1] if open_ and not self.fresh else self._current(None)
        self.part = None
        run.throughput = value
        run.batchsize = real(batch) if batch else None
        run.mean_in_formula = mean

    def _statistics(self, line: str) -> None:
        starts = list(_PART.finditer(line))
        if starts:
            before = line[: starts[0].start()]
            if self.part is not None and _STAT.search(before):
                self._pairs(before)
            for start, after in zip(starts, [*starts[1:], None], strict=True):
                run = self._current(start[1])
                if _THREADED.match(line):
                    run.threaded.add(start[1])
                self.part = run.parts.setdefault(start[1], {})
                self._pairs(line[start.end() : after.start() if after else len(line)])
            return
        if self.part is None:
            return
        if _NAMED.match(line.strip().lstrip("{ \t")):
            self._pairs(line)
        elif line.strip() and not re.match(r"[\s{},]*\Z", line):
            self.part = None
        if "}" in line:
            self.part = None

    def _pairs(self, piece: str) -> None:
        assert self.part is not None  # noqa: S101 - callers see to it
        inside, closed, _ = piece.partition("}")
        for found in _NAMED.finditer(inside + (" " if closed else "")):
            whole = _STAT.match(inside + (" " if closed else ""), found.start())
            value = real(whole[4]) if whole else None
            if whole is None or value is None or value < 0:
                self.findings.refused.append(f"{found[1]}: {found[2][:30]!r} is not surely a time")
                continue
            percent = whole[2] or whole[3]
            share = real(percent) if percent else None
            name = whole[1] if share is None else f"p{share:g}"
            if self.part.setdefault(name, value) != value:
                self.findings.refused.append(
                    f"{name} appears twice, as {self.part.pop(name)} and {value}: neither is used"
                )
        if closed:
            self.part = None

    def _table(self, line: str) -> bool:
        """A row of the table that newer versions print."""
        found = _TABLE.match(line)
        if found is None:
            return False
        cells = [cell.strip() for cell in re.split(r"[│|]", found[2])]
        if found[1] == "Metric":
            self.columns = [cell.lower() for cell in cells]
            return True
        part = self._current(found[1]).parts.setdefault(found[1], {})
        for name, cell in zip(self.columns, cells, strict=False):
            value = None if cell.startswith(".") else real(cell)  # ".2" has lost its first digit
            if value is None or value < 0:
                self.findings.refused.append(f"{found[1]}.{name}: {cell[:30]!r} is not a time")
            else:
                part[name] = value
        return True
