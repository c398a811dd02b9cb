"""A report as lines with their place: headings, fences, tables, prose."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

from kit.audit.numbers import uses_decimal_comma
from kit.audit.tables import Table, find_tables
from kit.audit.text import normalise, split_lines

__all__ = ["Document", "Heading", "parse"]

_HEADING = re.compile(r"\s{0,3}(#{1,6})\s*(\S.*)$")
_NUMBERED_HEADING = re.compile(r"\s{0,3}#{1,6}\s*(?:<a[^>]*>)?\s*\*{0,2}[0-9]+(?:\.[0-9]+)*[\s.、]\S?")
_FENCE = re.compile(r"\s*(?:>\s*)?(```+|~~~+)(.*)$")
_TAG = re.compile(r"<[^<>]{1,200}>")
_COMMAND = re.compile(
    r"^\s*(?:[$#]\s+)?(?:\./|/)?(?:benchmark\b|trtexec|atc\b|python3?|bash\b|sh\b|msame|source\b|export\b|cd\b|git\b|pip|"
    r"wget\b|chmod\b|mkdir\b|cp\b|mv\b|rm\b|aoe\b|ais_|npu-smi|nohup|time\b|tar\b|unzip\b|[\w./$-]*benchmark\.)"
    r"|\s-{1,2}[a-zA-Z_]+[= ]"
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: line from 1, level 1 to 6, text without markup."""

    line: int
    level: int
    text: str


@dataclass(slots=True)
class Document:
    """A parsed report. Lines count from 1: ``lines[n - 1]`` is line n, normalised; ``raw`` is as written."""

    raw: list[str]
    lines: list[str]
    fenced: list[bool]
    headings: list[Heading]
    tables: list[Table]
    decimal_comma: bool
    _table_lines: set[int] = field(default_factory=set)

    def in_table(self, line: int) -> bool:
        """Whether line n belongs to a table."""
        return line in self._table_lines

    def is_command(self, line: int) -> bool:
        """Whether line n reads like a shell command."""
        return _COMMAND.search(self.lines[line - 1]) is not None

    def path(self, line: int) -> list[Heading]:
        """The headings above line n, outermost first."""
        index = bisect_right([heading.line for heading in self.headings], line)
        path: list[Heading] = []
        for heading in reversed(self.headings[max(0, index - 400) : index]):
            if not path or heading.level < path[0].level:
                path.insert(0, heading)
        return path

    def section(self, line: int) -> int:
        """Line of the heading above line n, 0 before the first."""
        index = bisect_right([heading.line for heading in self.headings], line)
        return self.headings[index - 1].line if index else 0


def parse(text: str) -> Document:
    """Parse the text of a report; any text is a report, at worst one that states nothing."""
    raw = split_lines(text)
    lines = [normalise(line) for line in raw]
    fenced, headings = _structure(lines)
    tables = find_tables(lines)
    document = Document(raw, lines, fenced, headings, tables, uses_decimal_comma(lines))
    for table in tables:
        document._table_lines.update(table.lines)  # noqa: SLF001 - the object is being built here
    return document


def _structure(lines: list[str]) -> tuple[list[bool], list[Heading]]:
    fenced, headings, opener = [], [], ""
    for number, line in enumerate(lines, start=1):
        fence = _FENCE.match(line)
        if fence and not opener:
            opener = fence[1][:3]
            fenced.append(True)
            continue
        if fence and fence[1].startswith(opener):
            # Some reports close a fence with "```shell": what has words after it opens, unless one is open.
            opener = ""
            fenced.append(True)
            continue
        if opener and _NUMBERED_HEADING.match(line) and "##" in line:
            opener = ""  # a fence that was never closed: headings of sections do not stand in code
        heading = _HEADING.match(line)
        if heading and not opener:
            headings.append(Heading(number, len(heading[1]), _TAG.sub("", heading[2]).strip("* #\t")))
        fenced.append(bool(opener))
    return fenced, headings
