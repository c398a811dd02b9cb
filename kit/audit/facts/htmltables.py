"""HTML tables of a report.

Reports are not trusted: the tokenizer looks at each character a bounded number of times, and spans cannot make a table
larger than a multiple of its text.
"""

from __future__ import annotations

import html
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from kit.audit.facts.tablerows import ReportRow, Table, clean

__all__ = ["html_tables"]

_TAG = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9]{0,9})(?=[\s/>])")
_SPAN = re.compile(r"\b(col|row)span\s{0,9}=\s{0,9}[\"']?\s{0,9}([0-9]{1,5})(?![0-9])", re.IGNORECASE)
#: A tag longer than this is text.
_LONGEST_TAG = 1000
_MAX_SPAN = 64
#: Copies of spanning cells in all tables of a report: more than any report has; it bounds the memory.
_MAX_COPIES = 20_000


@dataclass(slots=True)
class _Cell:
    """A cell as written: its number, the position of its text, its spans, whether it is a header cell, its text."""

    source: int
    place: tuple[int, int]
    across: int
    down: int
    head: bool
    parts: list[str] = field(default_factory=list)
    text: str = ""


@dataclass(slots=True)
class _Row:
    line: int
    head: bool
    cells: list[_Cell] = field(default_factory=list)


def html_tables(lines: list[str]) -> list[Table]:
    """All HTML tables of a report that have at least two rows."""
    text = "\n".join(lines)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    tables = []
    left = _MAX_COPIES
    for rows in _tables(text, starts):
        filled, left = _fill(rows, left)
        if len(filled) >= 2:
            tables.append(_table(rows, filled))
    return tables


def _tokens(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Start, end, name ("/td" for an end tag) and attributes of each tag, in order."""
    start = text.find("<")
    while start >= 0:
        end = text.find(">", start, start + _LONGEST_TAG)
        after = text.find("<", start + 1)
        if end >= 0 and (after < 0 or end < after):
            tag = _TAG.match(text, start + 1, end + 1)
            if tag is not None:
                yield start, end + 1, tag[1] + tag[2].lower(), text[tag.end() : end]
        start = after


def _tables(text: str, starts: list[int]) -> Iterator[list[_Row]]:
    rows: list[_Row] = []
    cell: _Cell | None = None
    position = source = 0
    in_head = opened = False

    def close(end: int) -> None:
        nonlocal cell
        if cell is not None:
            cell.parts.append(text[position:end])
            cell.text = clean(" ".join(html.unescape(" ".join(cell.parts)).split()))
        cell = None

    for start, end, name, attributes in _tokens(text):
        if cell is not None and name not in {"td", "th", "/td", "/th", "tr", "/tr", "table", "/table"}:
            cell.parts.append(text[position:start])
        else:
            close(start)
        position = end
        if name in {"table", "/table"}:
            if rows:
                yield rows
            rows, opened = [], name == "table"
        elif name in {"thead", "/thead"}:
            in_head = name == "thead"
        elif name == "tr":
            rows.append(_Row(bisect_right(starts, start), in_head))
        elif name in {"td", "th"} and rows:
            spans = {match[1].lower(): min(_MAX_SPAN, max(1, int(match[2]))) for match in _SPAN.finditer(attributes)}
            line = bisect_right(starts, end)
            source += 1
            cell = _Cell(source, (line, end - starts[line - 1]), spans.get("col", 1), spans.get("row", 1), name == "th")
            rows[-1].cells.append(cell)
        elif name in {"td", "th"} and opened:
            rows.append(_Row(bisect_right(starts, start), in_head))
    close(len(text))
    if rows:
        yield rows


def _fill(rows: list[_Row], left: int) -> tuple[list[ReportRow], int]:
    """The rows with spans filled in, and how many copies are left."""
    down: dict[int, tuple[int, _Cell]] = {}
    filled = []
    for row in rows:
        cells: list[_Cell] = []
        written = iter(row.cells)
        while True:
            if len(cells) in down:  # a cell of a row above reaches down to here
                count, cell = down.pop(len(cells))
                if count > 1:
                    down[len(cells)] = (count - 1, cell)
                cells.append(cell)
                continue
            following = next(written, None)
            if following is None:
                break
            across = following.across if following.across * following.down - 1 <= left else 1
            deep = following.down if across * following.down - 1 <= left else 1
            left -= across * deep - 1
            for _ in range(across):
                if deep > 1:
                    down[len(cells)] = (deep - 1, following)
                cells.append(following)
        if cells:
            texts, places, sources = zip(*((cell.text, cell.place, cell.source) for cell in cells), strict=True)
            filled.append(ReportRow(row.line, texts, places, sources))
    return filled, left


def _table(rows: list[_Row], filled: list[ReportRow]) -> Table:
    written = [row for row in rows if row.cells]
    count = 1
    while count < len(filled) - 1 and count < len(written) and _heads(written, filled, count):
        count += 1
    return Table(
        _joined(filled[:count]),
        tuple(filled[count:]),
        filled[0].line,
        max(filled[-1].line, *(place[0] for place in filled[-1].places)),
    )


def _heads(written: list[_Row], filled: list[ReportRow], count: int) -> bool:
    """Whether row ``count`` still belongs to the header: it is marked so, or is below a cell that spans columns."""
    row, above = written[count], filled[count - 1]
    if row.head or (count < len(written) and all(cell.head for cell in row.cells) and len(row.cells) > 1):
        return True
    spanning = any(above.spans(column - 1, column) for column in range(1, len(above.cells)))
    return spanning and not any(_measured(cell.text) for cell in row.cells)


_MEASURED = re.compile(r"[~≈+-]?\s?[0-9]+(?:[.,][0-9]+|(?![0-9A-Za-z]|\s?[A-Za-z]))")
_SHORT = re.compile(r"[0-9]{1,4}")


def _measured(text: str) -> bool:
    """Whether a cell starts like a measurement: "500(bs8)", "12.5 ms"; "310P" and "4 cards" are names."""
    return _MEASURED.match(text) is not None and not _SHORT.fullmatch(text)


def _joined(rows: list[ReportRow]) -> ReportRow:
    """One header row: for each column the words of all rows, each cell once."""
    if len(rows) == 1:
        return rows[0]
    width = max(len(row.cells) for row in rows)
    cells, places = [], []
    for column in range(width):
        reaching = [row for row in rows if column < len(row.cells)]
        words = {row.sources[column]: row.cells[column] for row in reaching}
        cells.append(" ".join(word for word in words.values() if word))
        places.append(reaching[-1].place(column))
    return ReportRow(rows[0].line, tuple(cells), tuple(places), tuple(range(width)))
