"""Prose that states a throughput (batch size, device, value, formula), and the marks above tool output ("batch16:")."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass

from kit.audit.facts.document import Document
from kit.audit.facts.expressions import Equation, expression_at
from kit.audit.facts.printednumber import Printed, find_numbers, number_from
from kit.audit.facts.toolruns import file_batch
from kit.audit.facts.vocabulary import RATE_UNIT, THROUGHPUT, TIME_UNIT, batches_in, devices_in, only

__all__ = ["DIVISION", "Mark", "Statement", "read_marks", "read_statements", "section_device"]

Formulas = Mapping[int, tuple[Equation, ...]]

#: A statement is one sentence; longer lines are paragraphs or HTML, in which a batch size can belong to anything.
_LONGEST = 500
_STAGE = re.compile(
    r"\[(?:e2e|data read|preprocess|infer|inference|post|postprocess|INFO|I|W|E)\]|samples/s.{0,8}ave_latency"
)
_AFTER_WORD = re.compile(
    r"(?:(?:吞吐率|吞吐量|throu?gh?put(?:Rate)?|thoroughput(?:Rate)?|性能|fps|qps)(?:\sper\s(?:card|device|chip))?\W{0,3}?(?:\([^()]{1,20}\))?\s*"
    r"(?:约为|为|是|达到了?|达|is|[:=])|compute_time\.mean\)?\s*=)\s*(?:约|about\s)?\s*([0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?)(?![0-9.]*\s?(?:%|倍|times|x\b))",
    re.IGNORECASE,
)
#: A time divided by the batch size: "(24.03/4)".
DIVISION = re.compile(r"\(\s{0,9}[0-9.]+\s{0,9}(?:ms)?\s{0,9}/\s{0,9}([0-9]{1,4})\s{0,9}\)")
_WORD = re.compile(r"吞吐[率量]\s*(?:约?为|是|[:=])", re.IGNORECASE)
_CARD = re.compile(r"单卡(?:的)?(?:吞吐|性能)|per card", re.IGNORECASE)
_ANNOUNCES = re.compile(r"(?:测试|测得|当|the |for |with )?\s*(?:batch|bs|[0-9]+\s?batch)", re.IGNORECASE)
_OPERATOR = re.compile(r"[-+*/xX]")
#: Between a number and an operator there is at most a unit.
_NEAR = 16
_LIST_NUMBER = re.compile(r"^[\s*#>]*(?:[0-9]{1,2}[.、)]\s*|[-*+]\s+|\([0-9]{1,2}\)\s*)+")


@dataclass(frozen=True, slots=True)
class Statement:
    """A line that states one throughput at one batch size; ``labelled`` if the line itself names the batch size.

    ``device`` is named on the line; ``place`` is the device of the section. ``formula`` is the equation with the
    value as its result.
    """

    line: int
    batch: int
    device: str | None
    place: str | None
    value: Printed | None
    formula: Equation | None
    text: str
    labelled: bool = True

    @property
    def target(self) -> str | None:
        """The device of the line, or else of the section."""
        return self.device or self.place


@dataclass(frozen=True, slots=True)
class Mark:
    """A line that names the batch size of the tool output below; ``file`` is the batch size in a result file's name."""

    line: int
    batch: int
    file: int | None


def section_device(document: Document, line: int) -> str | None:
    """The device of the headings above a line: that of the innermost one that names any, if it names only one."""
    for heading in reversed(document.path(line)):
        devices = devices_in(heading.text)
        if devices:
            name = only(devices)
            return None if name == "NPU" else name
    return None


def read_statements(document: Document, marks: list[Mark], formulas: Formulas) -> list[Statement]:
    """The statements of throughput in prose, in order; a line without a batch size has that of the mark above it."""
    found = []
    for line, text in enumerate(document.lines, start=1):
        if document.in_table(line) or len(text) > _LONGEST or "](#" in text or not any(map(str.isdigit, text)):
            continue
        batches = set(batches_in(text))
        if len(batches) > 1 or _STAGE.search(text) or document.is_command(line):
            continue
        labelled = bool(batches)
        if not labelled:
            batch = _marked(document, marks, line) if _CARD.search(text) else None
            batch = _divided(document, line, text) if batch is None else batch
            if batch is None:
                continue
            batches = {batch}
        compared = "1000" in text and DIVISION.search(text) is not None  # "batch4: 5.5x4 < 1000/(24.03/4)"
        if not THROUGHPUT.search(text) and "=" not in text and not compared:
            continue
        named = devices_in(text)
        device = only(named)
        if device is None and named:
            continue
        value, formula = _value(text, formulas.get(line, ()), decimal_comma=document.decimal_comma)
        if value is None and formula is None and not DIVISION.search(text):
            continue
        place = section_device(document, line)
        device = None if device == "NPU" else device
        found.append(Statement(line, batches.pop(), device, place, value, formula, text, labelled))
    return found


def _divided(document: Document, line: int, text: str) -> int | None:
    """The batch size of a GPU throughput, from its formula: "it reaches 1000/(19.92/16)=803.21"."""
    divided = DIVISION.findall(text)
    if len(divided) != 1 or "=" not in text or not _WORD.search(text):
        return None
    named = devices_in(text)
    device = only(named) if named else section_device(document, line)
    return int(divided[0]) if device == "T4" else None


def _marked(document: Document, marks: list[Mark], line: int) -> int | None:
    """The batch size in the mark above a line, in the same section."""
    place = bisect_left(marks, line, key=lambda mark: mark.line) - 1
    if place < 0 or line - marks[place].line > 15 or document.section(line) > marks[place].line:
        return None
    return marks[place].batch


def _value(
    text: str, equations: tuple[Equation, ...], *, decimal_comma: bool
) -> tuple[Printed | None, Equation | None]:
    """The only throughput of a line: the result of its formula, or a number with a unit or after a word for it."""
    formulas = [one for one in equations if one.unit not in {"倍", "%"}]
    if formulas:
        last = formulas[-1]
        if any(other.stated.value != last.stated.value for other in formulas):
            return None, None
        return last.stated, last
    values: dict[float, Printed] = {}
    for match in _AFTER_WORD.finditer(text):
        number = number_from(match[1], start=match.start(1))
        signed = _OPERATOR.search(text, match.end(1), match.end(1) + _NEAR) is not None
        behind = expression_at(text, match.start(1)) if signed else None
        if TIME_UNIT.match(text, match.end(1)) or text[match.end(1) : match.end(1) + 3].lstrip()[:1] in {"*", "/"}:
            continue
        if number is not None and (behind is None or not behind.compound):
            values[number.value] = number
    for number in find_numbers(text, decimal_comma=decimal_comma):
        if RATE_UNIT.match(text, number.end):
            before = text[: number.start].rstrip()
            if before.endswith(("*", ">", "<", "≥", "≤", "/")):
                return None, None
            values[number.value] = number
    return (next(iter(values.values())), None) if len(values) == 1 else (None, None)


def read_marks(document: Document, formulas: Formulas) -> list[Mark]:
    """Lines that announce a batch size: "batch16性能：", "3. batch_size=8", headings; not commands or results."""
    found = []
    for line, text in enumerate(document.lines, start=1):
        if len(text) > 160 or document.in_table(line) or _STAGE.search(text):
            continue
        batches = set(batches_in(text))
        if len(batches) != 1:
            continue
        if document.is_command(line) or ".om" in text:
            continue
        body = _LIST_NUMBER.sub("", text.strip("#* \t>")).strip("* \t")
        announces = _ANNOUNCES.match(body) or (len(body) <= 40 and body.endswith((":", "性能", "performance")))
        if announces and _value(text, formulas.get(line, ()), decimal_comma=document.decimal_comma)[0] is None:
            found.append(Mark(line, batches.pop(), file_batch(text)))
    return found
