"""A report as lines: headings, fences, tables, prose.

This is not a Markdown parser, because published reports write ``##7.2`` without a blank, leave fences open, indent
tables, and mean what they look like. It is also linear: a Markdown parser needs ten seconds for a megabyte of
list items.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kit.audit.facts.encoding import narrowed, normalise, split_lines
from kit.audit.facts.htmltables import html_tables
from kit.audit.facts.printednumber import Printed, uses_decimal_comma
from kit.audit.facts.tablerows import Table, csv_tables, markdown_tables, text_tables

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
    """A heading: line from 1, level 1 to 6, text without markup, and the index of its parent heading (-1: none)."""

    line: int
    level: int
    text: str
    parent: int = -1


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed report. Lines count from 1: ``lines[n - 1]`` is line n, normalised; ``raw`` is as written.

    ``commands`` says of each line whether it looks like a shell command.
    """

    raw: tuple[str, ...]
    lines: tuple[str, ...]
    commands: tuple[bool, ...]
    headings: tuple[Heading, ...]
    tables: tuple[Table, ...]
    decimal_comma: bool
    table_lines: frozenset[int]
    _starts: tuple[int, ...]

    def in_table(self, line: int) -> bool:
        """Whether line n belongs to a table."""
        return line in self.table_lines

    def is_command(self, line: int) -> bool:
        """Whether line n looks like a shell command."""
        return self.commands[line - 1]

    def located(self, number: Printed, line: int, offset: int) -> Printed:
        """A number of a cell with its position in line n, from ``offset`` on."""
        start = self.lines[line - 1].find(number.text, offset)
        return number._replace(start=start, end=start + len(number.text))

    def columns_of(self, line: int, text: str, start: int) -> tuple[int, int, bool]:
        """The columns (from 1, end excluded) of ``text`` in line n as written, and whether it was found there.

        ``start`` is its position in the normalised line; -1 means the first occurrence. Text that is not found (a rule
        may have composed it) gets the columns of the line.
        """
        raw = self.raw[line - 1]
        plain = narrowed(raw)
        # Normalising removes characters, so the position changes, but not the number of equal texts before it.
        before = self.lines[line - 1].count(text, 0, max(start, 0)) if text else -1
        place = -1
        for _ in range(before + 1):
            place = plain.find(text, place + 1)
            if place < 0:
                break
        if place >= 0:
            return place + 1, place + len(text) + 1, True
        blank = len(raw) - len(raw.lstrip())
        return blank + 1, max(len(raw.rstrip()), blank) + 1, False

    def prose(self) -> Iterator[tuple[int, str]]:
        """The number and text of each line outside tables."""
        return ((line, text) for line, text in enumerate(self.lines, start=1) if text and line not in self.table_lines)

    def heading(self, line: int) -> str:
        """The text of the heading above line n; empty before the first."""
        path = self.path(line)
        return path[-1].text if path else ""

    def path(self, line: int) -> list[Heading]:
        """The headings above line n, outermost first."""
        place = bisect_right(self._starts, line) - 1
        path: list[Heading] = []
        while place >= 0:
            path.append(self.headings[place])
            place = self.headings[place].parent
        return path[::-1]

    def section(self, line: int) -> int:
        """The line of the heading above line n; 0 before the first."""
        place = bisect_right(self._starts, line) - 1
        return self._starts[place] if place >= 0 else 0


def parse(text: str) -> Document:
    """Parse the text of a report; any text is one, at worst without statements."""
    raw = split_lines(text)
    lines = [normalise(line) for line in raw]
    headings = list(_headings(lines))
    tables = [*markdown_tables(lines), *text_tables(lines), *csv_tables(lines)]
    if any("<t" in line or "<T" in line for line in lines):
        tables += html_tables(lines)
    tables.sort(key=lambda table: table.first)
    return Document(
        tuple(raw),
        tuple(lines),
        tuple(_COMMAND.search(line) is not None for line in lines),
        tuple(_nested(headings)),
        tuple(tables),
        uses_decimal_comma(lines),
        frozenset(line for table in tables for line in range(table.first, table.last + 1)),
        tuple(heading.line for heading in headings),
    )


def _nested(headings: list[Heading]) -> Iterator[Heading]:
    open_places: list[tuple[int, int]] = []
    for place, heading in enumerate(headings):
        while open_places and open_places[-1][0] >= heading.level:
            open_places.pop()
        yield replace(heading, parent=open_places[-1][1] if open_places else -1)
        open_places.append((heading.level, place))


def _headings(lines: list[str]) -> Iterator[Heading]:
    opener = ""
    for number, line in enumerate(lines, start=1):
        fence = _FENCE.match(line)
        if fence and not opener:
            opener = fence[1][:3]
        elif fence and fence[1].startswith(opener):
            opener = ""  # some reports close a fence with "```shell"
        else:
            if opener and _NUMBERED_HEADING.match(line) and "##" in line:
                opener = ""  # a fence that was never closed: code has no section headings
            heading = None if opener else _HEADING.match(line)
            if heading:
                yield Heading(number, len(heading[1]), _TAG.sub("", heading[2]).strip("* #\t"))
