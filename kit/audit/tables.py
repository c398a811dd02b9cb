"""Tables of a report: Markdown, HTML, and columns of text; each cell knows its line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from kit.audit.vocabulary import batches_in, devices_in

__all__ = ["Row", "Table", "clean", "find_tables"]

_DELIMITER = re.compile(r"\s*(?:>\s*)?\|?(?:\s*:?-+:?\s*\|)*\s*:?-+:?\s*\|?\s*$")
_SPLIT = re.compile(r"(?<!\\)\|")
_QUOTE = re.compile(r"\s*(?:>\s*)*")
_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()\s]{0,500}\)")
_TAG = re.compile(r"<[^<>]{1,200}>|&nbsp;")
_TEXT_ROW = re.compile(r"\s*(?:bs|batch)\s?_?-?(?:size)?\s?=?[0-9]+\b[:\s]", re.IGNORECASE)
_GAP = re.compile(r"\t+\s*|\s{2,}")
_MAX_SPAN = 40


@dataclass(frozen=True, slots=True)
class Row:
    """Cells of a row, cleaned of markup, and its line from 1."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its header, its rows, and the lines that it covers. ``columns`` may be more than a row has cells."""

    header: Row
    rows: tuple[Row, ...]
    lines: frozenset[int]
    #: Columns of text, parted by blanks: the columns are guessed.
    guessed: bool = False


def clean(cell: str) -> str:
    """Text of a cell without emphasis, code marks, tags and links."""
    if "[" in cell:
        cell = _LINK.sub(r"\1", cell)
    if "<" in cell or "&" in cell:
        cell = _TAG.sub(" ", cell)
    return cell.replace("**", "").replace("`", "").replace("~~", "").replace("\\|", "|").strip(" \t*")


def find_tables(lines: list[str]) -> list[Table]:
    """All tables of a report, in order."""
    tables = [*_markdown(lines), *_text(lines)]
    if any("<td" in line.lower() for line in lines):
        tables += _html(lines)
    return sorted(tables, key=lambda table: table.header.line)


def _cells(line: str) -> tuple[str, ...]:
    body = line[_QUOTE.match(line).end() :] if ">" in line[:8] else line  # type: ignore[union-attr] # matches empty
    body = body.strip().removeprefix("|")
    if body.endswith("|") and not body.endswith("\\|"):
        body = body[:-1]
    return tuple(clean(cell) for cell in _SPLIT.split(body))


def _markdown(lines: list[str]) -> list[Table]:
    tables = []
    index = 0
    while index < len(lines):
        if "|" not in lines[index] or _is_delimiter(lines[index]):
            index += 1
            continue
        end = index
        while end < len(lines) and "|" in lines[end]:
            end += 1
        tables += _block(lines, index, end)
        index = end
    return tables


def _is_delimiter(line: str) -> bool:
    return "-" in line and "|" in line and len(line) < 2000 and _DELIMITER.match(line) is not None


def _block(lines: list[str], start: int, end: int) -> list[Table]:
    """Tables in consecutive lines with bars: one per delimiter row; without one, the first line is the header."""
    marks = [index for index in range(start, end) if _is_delimiter(lines[index])]
    if not marks:
        barred = all(lines[index].strip().startswith("|") for index in range(start, end))
        return [_table(lines, start, start + 1, end)] if barred and end - start >= 2 else []
    heads = [max(start, mark - 1) for mark in marks]
    return [
        _table(lines, head, mark + 1, heads[place + 1] if place + 1 < len(heads) else end)
        for place, (head, mark) in enumerate(zip(heads, marks, strict=True))
    ]


def _table(lines: list[str], head: int, body: int, end: int) -> Table:
    rows = tuple(Row(index + 1, _cells(lines[index])) for index in range(body, end) if not _is_delimiter(lines[index]))
    return Table(Row(head + 1, _cells(lines[head])), rows, frozenset(range(head + 1, end + 1)))


def _text(lines: list[str]) -> list[Table]:
    """Columns parted by tabs or blanks: rows "bs16  728.496  1921.239" under a line that names two devices or more."""
    tables = []
    index = 1
    while index < len(lines):
        if not _TEXT_ROW.match(lines[index]) or "|" in lines[index] or "=" in lines[index]:
            index += 1
            continue
        head = index - 1
        while head > 0 and index - head < 3 and not lines[head].strip():
            head -= 1
        end = index
        while end < len(lines) and _TEXT_ROW.match(lines[end]) and "|" not in lines[end]:
            end += 1
        header = tuple(clean(cell) for cell in _GAP.split(lines[head].strip()))
        rows = [
            Row(place + 1, tuple(clean(cell) for cell in _GAP.split(lines[place].strip())))
            for place in range(index, end)
        ]
        named = sum(1 for cell in header if devices_in(cell))
        widths = {len(row.cells) for row in rows}
        if named >= 2 and len(widths) == 1 and "|" not in lines[head]:
            width = widths.pop()
            if len(header) == width - 1:
                header = ("", *header)
            if len(header) == width and not batches_in(header[0]):
                tables.append(
                    Table(Row(head + 1, header), tuple(rows), frozenset(range(head + 1, end + 1)), guessed=True)
                )
        index = end
    return tables


class _Cells(HTMLParser):
    """Collects rows of HTML tables, with spans filled in."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[Row]] = []
        self._row: list[str] | None = None
        self._line = 0
        self._text: list[str] | None = None
        self._spans = (1, 1)
        self._down: dict[int, tuple[int, str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._close()
            self.tables.append([])
            self._down = {}
        elif tag == "tr":
            self._close()
            if not self.tables:
                self.tables.append([])
            self._row, self._line = [], self.getpos()[0]
        elif tag in {"td", "th"} and self._row is not None:
            self._cell()
            self._text = []
            given = dict(attrs)
            self._spans = _span(given.get("colspan")), _span(given.get("rowspan"))
            self._fill()

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._cell()
        elif tag in {"tr", "table"}:
            self._close()

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def close(self) -> None:
        super().close()
        self._close()

    def _fill(self) -> None:
        while self._row is not None and len(self._row) in self._down:
            column = len(self._row)
            left, text = self._down.pop(column)
            self._row.append(text)
            if left > 1:
                self._down[column] = (left - 1, text)

    def _cell(self) -> None:
        if self._row is None or self._text is None:
            return
        text = clean(" ".join("".join(self._text).split()))
        across, down = self._spans
        for _ in range(across):
            if down > 1:
                self._down[len(self._row)] = (down - 1, text)
                self._row.append(text)
            else:
                self._row.append(text)
        self._text = None

    def _close(self) -> None:
        self._cell()
        if self._row:
            self._fill()
            self.tables[-1].append(Row(self._line, tuple(self._row)))
        self._row = None


def _span(value: str | None) -> int:
    return min(_MAX_SPAN, max(1, int(value))) if value and value.isascii() and value.isdigit() and len(value) < 6 else 1


def _html(lines: list[str]) -> list[Table]:
    parser = _Cells()
    parser.feed("\n".join(lines))
    parser.close()
    return [
        Table(rows[0], tuple(rows[1:]), frozenset(range(rows[0].line, rows[-1].line + 1)))
        for rows in parser.tables
        if len(rows) >= 2
    ]
