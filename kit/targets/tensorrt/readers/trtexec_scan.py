"""The trtexec reader's pass over the lines, which assigns each value to its run and section."""

from __future__ import annotations

import re

from kit.targets.tensorrt.readers import trtexec_lines as printed
from kit.targets.tensorrt.readers.trtexec_layers import HEADING, LayerTable
from kit.targets.tensorrt.readers.trtexec_run import SECTIONS, TrtexecRun
from kit.toollogs.documents import begins_part
from kit.toollogs.numbers import Number, integer, real
from kit.toollogs.text import narrow, one_line, short

__all__ = ["TrtexecScan", "version_of"]


def version_of(digits: str) -> str:
    """``8205`` -> 8.2.5, ``100300`` -> 10.3.0; a version with points stays as it is; else empty."""
    value = integer(digits)
    if value is None:
        return digits.strip(".") if "." in digits and len(digits) < 40 else ""
    if value >= 10000:  # major * 10000 + minor * 100 + patch since 10.0
        return f"{value // 10000}.{value // 100 % 100}.{value % 100}"
    return f"{value // 1000}.{value // 100 % 10}.{value % 100}"


#: Concurrent runs that can be told apart.
_MOST_OPEN = 32
#: Lines over which one error may continue.
_MOST_LINES = 20
#: The order of the summary since 8.0; the throughput stands before or after the host latency.
_ORDER = {name: index for index, name in enumerate(SECTIONS)}
_LOG = re.compile(rf"[ \t]*(?:{printed.STAMP}|\[[IWEFV]\]|&&&&)")
_MIB = {"B": 1 / 1024**2, "KB": 1 / 1024, "KiB": 1 / 1024, "MB": 1.0, "MiB": 1.0, "GB": 1024.0, "GiB": 1024.0}


class TrtexecScan:
    """One pass; ``&&&& RUNNING``, a new part of a document, or a repeated value begins a new run."""

    def __init__(self) -> None:
        self.runs: list[TrtexecRun] = []
        self.section: str | None = None
        self.averaging = False  # whether the line above was an average of 6.0
        self.open: list[int] = []  # indexes of the runs that are begun, and not ended yet
        self.mixed_from: int | None = None
        self.profile: LayerTable | None = None
        self.explaining = 0  # how many more lines may continue an error

    @property
    def run(self) -> TrtexecRun:
        if not self.runs:
            self.runs.append(TrtexecRun())
        return self.runs[-1]

    def result(self) -> list[TrtexecRun]:
        """The runs in their order."""
        for run in self.runs[self.mixed_from :] if self.mixed_from is not None else []:
            run.mixed = True
        return self.runs

    def line(self, raw: str) -> None:
        if raw.isspace():
            return
        if begins_part(raw):
            self.section, self.averaging, self.profile, self.explaining = None, False, None, 0
            if self.runs and self.run.begun:
                self._fresh()
        elif mark := printed.MARK.search(raw):
            self._said(raw[: mark.start()])
            self._mark(mark, raw)
        elif "[V] [TRT]" in raw and not any(level in raw for level in ("[I]", "[W]", "[E]")):
            pass  # most of a verbose log describes what is built
        elif not self._goes_on(raw):
            self._content(raw)

    def _goes_on(self, raw: str) -> bool:
        """Whether the line continues the error above: a message of several lines has only one stamp."""
        if not self.explaining:
            return False
        self.explaining -= 1
        said = self.run.errors[-1] if self.run.errors else ""
        if _LOG.match(raw) or printed.SAID.search(raw) or not (said.count("(") > said.count(")") or said.endswith(":")):
            self.explaining = 0
            return False
        self.run.errors[-1] = one_line(f"{said} {raw}")
        return True

    def _content(self, raw: str) -> None:
        line = narrow(raw)
        before = self._count()
        averages = sum(len(run.averages) for run in self.runs[-2:])
        *pieces, last = printed.SPLIT.split(line)
        for piece in [*(piece + "\n" for piece in pieces), last]:
            if piece.strip():
                self._piece(piece)
        if self._count() != before and not printed.PLAIN.match(raw) and not printed.PLAIN_TOTAL.match(raw):
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
            self.open = [*self.open[-_MOST_OPEN:], len(self.runs) - 1]
        elif self.run.outcome is not None:
            # A crashed run prints no outcome; an outcome after that of another run comes from a parallel one.
            parallel = [index for index in self.open if command in (None, self.runs[index].command)]
            if parallel:
                self.mixed_from = min(parallel[0], len(self.runs) if self.mixed_from is None else self.mixed_from)
            else:
                self._fresh()
        run = self.run
        if mark[1] != "RUNNING":
            run.outcome = mark[1]
            self.open = [index for index in self.open if index != len(self.runs) - 1]
        run.command = run.command or command
        run.skipped = run.skipped or bool(run.command and printed.WITHOUT_INFERENCE.search(run.command))
        if version := printed.VERSION.search(raw):
            self._version(run, version)
        self.section = self.profile = None
        self.explaining = 0

    @staticmethod
    def _version(run: TrtexecRun, found: re.Match[str]) -> None:
        """The version that a line names: a second one that differs is of another log."""
        version = version_of(found[1] or found[2])
        if version and run.version and version.split(".")[:3] != run.version.split(".")[:3]:
            problem = f"the log names TensorRT {run.version} and {version}"
            run.refused += [] if problem in run.refused else [problem]
        else:
            run.version = version or run.version

    def _fresh(self) -> None:
        """Begin a new run."""
        self.runs.append(TrtexecRun())
        self.section = self.profile = None

    def _piece(self, piece: str) -> None:
        prefix = printed.PREFIX.match(piece)
        body = piece[prefix.end() :] if prefix else piece
        if printed.RESET.match(body):
            self.section = None
        if self._layers(body):
            return
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

    def _layers(self, body: str) -> bool:
        """The table of layers, from its heading to its total."""
        if found := HEADING.search(body):
            if self.run.profile is not None or self._ended():
                self._fresh()
            self.profile = self.run.profile = LayerTable(integer(found[1]))
        elif self.profile is None:
            return False
        elif not self.profile.line(body):
            self.profile = None
            return False
        return True

    def _heading(self, title: str, form: str) -> None:
        name = printed.NAMES[title.lower()]
        # Before 8.0 the host latency is the first section of a run.
        later = name == "host_latency" and form == "7.x" and (self.run.sections or self.run.throughput_qps is not None)
        # Each form prints its sections in one order: an earlier section belongs to another run.
        back = any(_ORDER[known] > _ORDER[name] for known in self.run.sections)
        if later or back or name in self.run.sections or self._ended():
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
        """Whether the run has its outcome and its values: the next line belongs to another run."""
        return self.run.outcome is not None and self.run.usable

    def _pairs(self, body: str, position: int) -> None:
        other = printed.OTHER.search(body)
        for pair in printed.PAIR.finditer(body, position):
            if pair["bad"] is not None:
                if self.section is not None and printed.NUMERIC.match(pair["bad"]):
                    self.run.refused.append(f"{self.section}.{pair['name']}: {pair['bad'][:30]!r} is not surely a time")
                continue
            if self.section is None and not pair["e2e"] and other and other.end() <= pair.start():
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
            self.run.refused.append(f"percentile {pair['value']} ms: its percentage is missing")
            return
        share = real(percent) if percent else None
        if pair["name"] == "percentile" and (share is None or not 0 <= share <= 100):
            self.run.refused.append(f"percentile {pair['value']} ms: {percent} % is not a share")
            return
        name = f"p{share:g}" if pair["name"] == "percentile" else pair["name"]
        value = real(pair["value"])
        if value is None or value < 0:
            self.run.refused.append(f"{name}: {pair['value']} ms is not a time")
            return
        section = self.section
        if section is None and pair["e2e"]:
            # Only the host latency comes with an end-to-end time, so it needs no heading.
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
                self.run.refused.append(f"{section}.{name} appears twice: {values[name]} and {value} ms")
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
        elif printed.AVERAGE_LIKE.search(body):
            self._averages(body)
        else:
            return self._set_up(body)
        return True

    def _set_up(self, body: str) -> bool:
        """Lines before a summary."""
        if found := printed.QUERIES.search(body):
            self._before_summary().queries = integer(found["queries"])
        elif found := printed.BUILT.search(body):
            self._before_summary().build_s = real(found["value"])
        elif found := printed.LOADED.search(body):
            self._before_summary().load_s = real(found["value"])
        elif found := printed.ENGINE_SIZE.search(body):
            size = real(found["value"])
            self._before_summary().engine_mib = None if size is None else _scaled(size, _MIB[found["unit"]])
        elif printed.SKIPPED.search(body):
            self.run.skipped = True
        elif found := printed.VERSION.search(body):
            self._version(self._before_summary(), found)
        elif found := printed.DEVICE.search(body):
            self._before_summary().device = found[1]
        elif found := printed.BINDING.search(body) or printed.INFERENCE_SHAPE.search(body):
            self._before_summary().shapes[found[1].strip("'")] = found[2]
        elif found := printed.OVERRIDDEN.search(body):
            self._note(
                f"input {found[1].strip()} got no shape, so every open dimension is 1: "
                "if a batch was requested, its input name is misspelt"
            )
        elif printed.TIMES_LIKE.search(body):
            self.run.refused.append(f"a value that is cut or odd: {short(body)}")
        elif printed.IMPLICIT.search(body):
            self._note("a batch size was given to an engine with explicit batch: the printed throughput is wrong")
        else:
            return False
        return True

    def _before_summary(self) -> TrtexecRun:
        """The run of a set-up line: not one that already has its summary."""
        if self.run.measured and not self.run.started:
            self._fresh()
        return self.run

    def _times(self, body: str) -> bool:
        """Wall time and total compute time, on their own lines or after the last section."""
        wall, sum_ = printed.WALL.search(body), printed.TOTAL.search(body)
        if wall:
            if self.run.walltime_s is not None:
                self._fresh()
            self.run.walltime_s = real(wall["value"])
        if sum_:
            total, gpu = real(sum_["value"]), self.run.sections.get("gpu_compute")
            if total is None or gpu is None or "total_s" in gpu:
                self.run.refused.append(f"total compute time {sum_['value']} s: it is not clear of which run")
            else:
                gpu["total_s"] = total
        return bool(wall or sum_)

    def _note(self, text: str) -> None:
        if text not in self.run.notes:
            self.run.notes.append(text)

    def _averages(self, body: str) -> None:
        """``Average on 10 runs - ...``, or in 6.0 and before ``Average over 10 runs is ...``."""
        if found := printed.AVERAGE.search(body):
            self._before_summary()
        elif found := printed.AVERAGE_6.search(body):
            # 6.0 prints nothing else of a run, so any line between two of them separates two runs.
            if self.run.averages and not self.averaging:
                self._fresh()
            if "6.x" not in self.run.form:
                self.run.form.append("6.x")
            self.averaging = True
        runs = integer(found["runs"]) if found else None
        gpu = real(found["gpu"]) if found else None
        host = real(found["host"]) if found and found["host"] else None
        if runs is None or gpu is None:
            self.run.cut.append(f"an average that is cut or odd: {short(body)}")
        else:
            self.run.averages.append((runs, gpu, host))

    def _rate(self, found: re.Match[str]) -> None:
        if found["value"] is None and not printed.NUMERIC.match(found["bad"]):
            return  # "Throughput: the observed throughput computed by ..." explains the value
        run = self.run
        after = {"enqueue", "h2d_latency", "gpu_compute", "d2h_latency"} & set(run.sections)
        if run.throughput_qps is not None or run.walltime_s is not None or self._ended() or after:
            self._fresh()
        if found["value"] is None:
            self.run.refused.append(f"throughput: {found['bad'][:30]!r} is not surely a whole number of qps")
            return
        value = real(found["value"])
        if value is None or value <= 0:
            self._note(
                "throughput: 0 qps is not a rate (before 8.0 trtexec counts no queries of ONNX models): "
                "take images/s from --exportTimes"
            )
            return
        self.run.throughput_qps = value

    def _said(self, line: str) -> None:
        if found := printed.SETTING.search(line):
            self._before_summary().settings.setdefault(found[1], found[2])
        for found in printed.SAID.finditer(line):
            self.run.errors.append(one_line(found[1] or found[2]))
            self.explaining = _MOST_LINES
        for found in printed.WARNED.finditer(line):
            self.run.warnings.append(one_line(found[1] or found[2]))


def _scaled(value: Number, factor: float) -> Number:
    return value if factor == 1 else float(f"{value * factor:.6g}")
