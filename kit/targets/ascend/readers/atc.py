"""``atc``: whether the conversion succeeded, and its warnings and errors with cause and solution.

The program says ``ATC start working now`` first and ``ATC run success`` or ``ATC run failed`` last but one; blocks of
``CODE: message`` with indented ``Possible Cause``, ``Solution`` and trace follow. ``--mode=6`` prints what a model is.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from kit.toollogs.documents import begins_part
from kit.toollogs.output import Findings, Row, ToolOutput, present
from kit.toollogs.text import lines, narrow, one_line, short

__all__ = ["AtcMessage", "AtcReading", "read", "sniff"]

_START = "ATC start working now"
_SUCCESS = "ATC run success"
_FAILED = "ATC run failed"
# Newer releases put the process and time before the message, and repeat the code without a colon on its second line.
_PROCESS = r"(?:\[PID: \d+\][ \t]*\S+[ \t]*)?"
_CODE = re.compile(
    rf"^[ \t]*{_PROCESS}(?:\[[^\]]*\][ \t]*)?((?:[EW][A-Z]?\d{{4,5}})|E[A-Z]\d{{3,4}}):[ \t]*{_PROCESS}(.*)$"
)
_AGAIN = re.compile(rf"^[ \t]*([EW][A-Z]?\d{{4,5}})[ \t]+{_PROCESS}(\S.*)$")
_QUOTE = re.compile(r"^[ \t]*>[ \t]?")
_TRACE = re.compile(r"\[FUNC:[^\]]*\]\[FILE:")
_PART = re.compile(r"(Possible Cause|Solution|TraceBack \(most recent call last\)):?[ \t]*(.*)")
_FLAG = re.compile(r"^ERROR: unknown command line flag '([^']*)'")
_INFO = re.compile(r"\b(\w+)\[([^\]]*)\]")
# Errors that occur before atc prints its first line.
_OUTSIDE = re.compile(
    r"(error while loading shared libraries: [^\n]+)|(\batc(?:\.bin)?: (?:(?:command )?not found|Permission denied))"
    r"|(RuntimeError: \(\{'errCode': [^\n]+)|(set_env\.sh: No such file[^\n]*)|(BrokenPipeError[^\n]*)"
    r"|(ModuleNotFoundError: [^\n]+)|(cannot execute binary file[^\n]*)|(\bKilled$)"
)


@dataclass(slots=True)
class AtcMessage:
    """One block: a warning (code W...) or an error (E...)."""

    code: str
    message: str
    cause: str = ""
    solution: str = ""
    trace: list[str] = field(default_factory=list)


@dataclass
class AtcReading(ToolOutput):
    """``success`` is None where the text ends before ``atc`` reported its result."""

    family: ClassVar[str] = "atc"

    success: bool | None
    errors: list[AtcMessage]
    warnings: list[AtcMessage]
    model: dict[str, str] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        errors, warnings = ([present(**asdict(one)) for one in said] for said in (self.errors, self.warnings))
        return present(success=self.success, errors=errors, warnings=warnings, model=dict(self.model))

    def rows(self) -> list[Row]:
        outcome = {True: "success", False: "failed", None: "not said"}[self.success]
        table = [Row("conversion", outcome)]
        for message in (*self.errors, *self.warnings):
            table.append(Row(message.code, message.message))
            table += [Row(f"{message.code} cause", message.cause)] if message.cause else []
            table += [Row(f"{message.code} solution", message.solution)] if message.solution else []
            table += [Row(f"{message.code} trace", line) for line in message.trace]
        return table + [Row(key, value) for key, value in self.model.items()]


def sniff(text: str) -> float:
    """How likely the text is to be from ``atc``."""
    if _START in text or _SUCCESS in text or _FAILED in text or "Display Model Info start" in text:
        return 1.0
    if re.search(r"\batc(?:\.bin)?: ", text):
        return 0.7
    if _FLAG.search(text) or re.search(r"set_env\.sh: No such file", text):
        return 0.5
    # The runtime that other tools use prints such codes as well.
    return 0.4 if re.search(r"(?m)^[ \t>]*(?:\[PID: \d+\] \S+ )?(?:[EW]\d{5}|E[A-Z]\d{4}): ", text) else 0.0


def read(text: str) -> AtcReading:
    """The result of the conversion. Several conversions in one text are reported as such, not merged."""
    scan = _AtcScan()
    for raw in lines(text):
        if not raw.isspace():
            scan.line(raw)
    return scan.result()


class _AtcScan:
    """One pass; a message continues over indented lines until a line without indentation."""

    def __init__(self) -> None:
        self.outcomes: list[bool] = []
        self.starts = 0
        self.messages: list[AtcMessage] = []
        self.outside: list[str] = []
        self.model: dict[str, str] = {}
        self.current: AtcMessage | None = None
        self.part = "message"
        self.inside_model = self.closed = False

    def line(self, raw: str) -> None:
        line = _QUOTE.sub("", narrow(raw).rstrip("\n"))
        if not raw.endswith("\n") and _CODE.match(line):
            self.outside.append(f"the last line is cut: {short(line)}")
        self.starts += _START in line
        if begins_part(raw):
            self.current, self.inside_model = None, False
        elif _SUCCESS in line or _FAILED in line:
            self.outcomes.append(_SUCCESS in line)
            self.current = None
        elif "Display Model Info" in line:
            self.inside_model = "start" in line
        elif self.inside_model:
            self.model |= {found[1]: found[2] for found in _INFO.finditer(line)}
        elif found := _CODE.match(line):
            self.current, self.part, self.closed = AtcMessage(found[1], found[2].strip()), "message", False
            self.messages.append(self.current)
        elif self.current is not None and (found := _AGAIN.match(line)) and found[1] == self.current.code:
            self.current.message, self.part = f"{self.current.message} {found[2].strip()}".strip(), "message"
        else:
            self._other(line)

    def _other(self, line: str) -> None:
        if found := _FLAG.match(line):
            self.outside.append(f"unknown command line flag {found[1]!r}")
        elif found := _OUTSIDE.search(line):
            self.outside.append(one_line(found[0]))
        elif self.current is not None and (_belongs(line) or (line[:1] in " \t" and not self.closed)):
            self.closed = False
            self.part = _more(self.current, self.part, line.strip())
        elif line.strip():
            self.closed = True

    def result(self) -> AtcReading:
        errors = [message for message in self.messages if message.code.startswith("E")]
        warnings = [message for message in self.messages if message.code.startswith("W")]
        failed = False in self.outcomes or bool(self.outside and not self.outcomes)
        said = bool(self.outcomes) or bool(self.model)
        success = False if failed else True if said else None
        findings = Findings(errors=[one_line(f"{error.code}: {error.message}") for error in errors] + self.outside)
        runs = max(self.starts, len(self.outcomes))
        if runs > 1:
            findings.contradictions.append(
                f"the text holds {runs} conversions, of which {sum(self.outcomes)} succeeded"
            )
        cut = self.starts > len(self.outcomes) and not failed
        if cut:
            findings.missing.append("the text ends before atc reported its result")
        if success and errors:
            findings.contradictions.append("atc says success and errors")
        if success is None and not cut:
            findings.missing.append("the text has no result of the conversion")
        usable = bool(self.outcomes or self.messages or self.model) and not failed
        nothing = "the conversion failed, and the text does not say why" if failed else ""
        status, problems = findings.status(usable=usable), findings.problems(nothing)
        return AtcReading(status, problems, success, errors, warnings, self.model)


def _belongs(line: str) -> bool:
    """Whether the line is of a block even where a page took its indentation away."""
    return _PART.match(line.strip()) is not None or _TRACE.search(line) is not None


def _more(message: AtcMessage, part: str, line: str) -> str:
    """Add an indented line to the block; the name of the part that it belongs to."""
    if found := _PART.match(line):
        part, line = found[1], found[2]
    elif part == "message" and message.message and _TRACE.search(line):
        part = "TraceBack"  # some blocks have no line that announces it
    if part == "Possible Cause":
        message.cause = f"{message.cause} {line}".strip()
    elif part == "Solution":
        message.solution = f"{message.solution} {line}".strip()
    elif part.startswith("TraceBack") and line:
        message.trace.append(line)
    elif part == "message":
        message.message = f"{message.message} {line}".strip()
    return part
