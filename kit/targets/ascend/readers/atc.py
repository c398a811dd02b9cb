"""``atc``: whether the conversion succeeded, and its warnings and errors with cause and solution.

The program says ``ATC start working now`` first and ``ATC run success`` or ``ATC run failed`` last but one; blocks of
``CODE: message`` with indented ``Possible Cause``, ``Solution`` and trace follow. ``--mode=6`` prints what a model is.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from kit.toollogs.reader import Row, Status, status_of
from kit.toollogs.text import lines, narrow, short

__all__ = ["AtcMessage", "AtcReading", "read", "sniff"]

_START = "ATC start working now"
_SUCCESS = "ATC run success"
_FAILED = "ATC run failed"
# Newer releases put process and time before the message, and the code without a colon before its second line.
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
# What stops atc before its first line.
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


@dataclass(slots=True)
class AtcReading:
    """``success`` is None where the text ends before ``atc`` said how it went."""

    success: bool | None
    errors: list[AtcMessage]
    warnings: list[AtcMessage]
    status: Status
    problems: list[str]
    model: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """What ``kit read --json`` prints."""
        found: dict[str, Any] = {"family": "atc"}
        if self.success is not None:
            found["success"] = self.success
        for name, messages in (("errors", self.errors), ("warnings", self.warnings)):
            if messages:
                found[name] = [{k: v for k, v in asdict(message).items() if v} for message in messages]
        if self.model:
            found["model"] = dict(self.model)
        found["status"] = self.status
        return found | ({"problems": list(self.problems)} if self.problems else {})

    def rows(self) -> list[Row]:
        """The table for people."""
        outcome = {True: "success", False: "failed", None: "not said"}[self.success]
        table = [Row("conversion", outcome)]
        for message in (*self.errors, *self.warnings):
            table.append(Row(message.code, message.message))
            table += [Row(f"{message.code} cause", message.cause)] if message.cause else []
            table += [Row(f"{message.code} solution", message.solution)] if message.solution else []
        return table + [Row(key, value) for key, value in self.model.items()]


def sniff(text: str) -> float:
    """How surely the text is of ``atc``."""
    if _START in text or _SUCCESS in text or _FAILED in text or "Display Model Info start" in text:
        return 1.0
    if re.search(r"\batc(?:\.bin)?: ", text):
        return 0.7
    if _FLAG.search(text) or re.search(r"set_env\.sh: No such file", text):
        return 0.5
    # The runtime below the other tools has such codes too.
    return 0.4 if re.search(r"(?m)^[ \t>]*(?:\[PID: \d+\] \S+ )?(?:[EW]\d{5}|E[A-Z]\d{4}): ", text) else 0.0


def read(text: str) -> AtcReading:
    """How the conversion went. Several conversions in one text are reported as such, not merged."""
    outcomes: list[bool] = []
    starts = 0
    messages: list[AtcMessage] = []
    outside: list[str] = []
    model: dict[str, str] = {}
    current: AtcMessage | None = None
    part = "message"
    inside_model = closed = False
    for raw in lines(text):
        if raw.isspace():
            continue
        line = _QUOTE.sub("", narrow(raw).rstrip("\n"))
        if not raw.endswith("\n") and _CODE.match(line):
            outside.append(f"the last line is cut: {short(line)}")
        starts += _START in line
        if _SUCCESS in line or _FAILED in line:
            outcomes.append(_SUCCESS in line)
            current = None
        elif "Display Model Info" in line:
            inside_model = "start" in line
        elif inside_model:
            model |= {found[1]: found[2] for found in _INFO.finditer(line)}
        elif found := _CODE.match(line):
            current, part, closed = AtcMessage(found[1], found[2].strip()), "message", False
            messages.append(current)
        elif current is not None and (found := _AGAIN.match(line)) and found[1] == current.code:
            current.message, part = f"{current.message} {found[2].strip()}".strip(), "message"
        elif found := _FLAG.match(line):
            outside.append(f"unknown command line flag {found[1]!r}")
        elif found := _OUTSIDE.search(line):
            outside.append(found[0].strip())
        elif current is not None and line.strip() and (_belongs(line) or (line[0] in " \t" and not closed)):
            closed = False
            part = _more(current, part, line.strip())
        elif line.strip():
            closed = True
    errors = [message for message in messages if message.code.startswith("E")]
    warnings = [message for message in messages if message.code.startswith("W")]
    failed = False in outcomes or bool(outside and not outcomes)
    success = None if not outcomes and not failed and not model else not failed and (bool(outcomes) or bool(model))
    problems = [f"{error.code}: {error.message}" for error in errors] + outside
    many = max(starts, len(outcomes)) > 1
    if many:
        problems.append(f"the text holds {max(starts, len(outcomes))} conversions, of which {sum(outcomes)} succeeded")
    cut = starts > len(outcomes) and not failed
    if cut:
        problems.append("the text ends before atc said how it went")
    if success and errors:
        problems.append("atc says success and errors")
    if failed and not problems:
        problems.append("the conversion failed, and the text does not say why")
    usable = bool(outcomes or messages or model) and not failed
    if success is None and not cut:
        problems.append("the text does not say how the conversion went")
    status = status_of(usable=usable, missing=cut or success is None, odd=many or bool(outside) or bool(errors))
    return AtcReading(success, errors, warnings, status, problems, model)


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
