"""Tables of a report as rows of cells, each with its position: Markdown tables and columns of text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kit.audit.facts.vocabulary import batches_in, devices_in

__all__ = ["ReportRow", "Table", "clean", "csv_tables", "markdown_tables", "text_tables"]

_SPLIT = re.compile(r"(?<!\\)\|")
_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()\s]{0,500}\)")
_TAG = re.compile(r"<[^<>]{1,200}>|&nbsp;")
#: A footnote mark after a number, not a power of ten.
_MARK = re.compile(r"(?<=[0-9%xX*`])(?<!10)\s?<sup>\[?[0-9*†‡a-d]{1,2}\]?</sup>", re.IGNORECASE)
_TEXT_ROW = re.compile(r"\s*(?:bs|batch)\s?_?-?(?:size)?\s?=?[0-9]+\b[:\s]", re.IGNORECASE)
_GAP = re.compile(r"\t+\s*|\s{2,}")
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_COMMA = re.compile(",")
#: A fence with no more lines than this is no table.
_FEW_LINES = 3
_RULE_CELL = re.compile(r":?-+:?\Z")


@dataclass(frozen=True, slots=True)
class ReportRow:
    """The cells of a row without markup, and its line, from 1.

    ``places[i]`` is the line of cell i and the offset of its text in the normalised line. ``sources[i]`` numbers the
    cells as written: columns that one cell spans have the same number.
    """

    line: int
    cells: tuple[str, ...]
    places: tuple[tuple[int, int], ...] = ()
    sources: tuple[int, ...] = ()

    def cell(self, column: int) -> str:
        """The text of a cell; empty if the row is too short."""
        return self.cells[column] if column < len(self.cells) else ""

    def place(self, column: int) -> tuple[int, int]:
        """The line and offset of a cell."""
        return self.places[column] if column < len(self.places) else (self.line, 0)

    def spans(self, one: int, other: int) -> bool:
        """Whether one cell spans both columns."""
        return max(one, other) < len(self.sources) and self.sources[one] == self.sources[other]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its header, its rows, and the lines ``first`` to ``last``. A row can have fewer cells than the header.

    A header of several rows is joined into one: each cell has the words of all rows, outermost first. ``guessed``: the
    columns are text separated by blanks.
    """

    header: ReportRow
    rows: tuple[ReportRow, ...]
    first: int
    last: int
    guessed: bool = False


def clean(cell: str) -> str:
    """The text of a cell without emphasis, code marks, tags and links."""
    if cell.isalnum():
        return cell
    if "[" in cell:
        cell = _LINK.sub(r"\1", cell)
    if "<" in cell or "&" in cell:
        cell = _MARK.sub("", cell)
        cell = _TAG.sub(" ", cell)
    return cell.replace("**", "").replace("`", "").replace("~~", "").replace("\\|", "|").strip(" \t*")


def _row(line: int, text: str) -> ReportRow:
    start = 0
    while start < len(text) and text[start] in " \t>":  # quoted
        start += 1
    stop = len(text.rstrip())
    if text[start : start + 1] == "|":
        start += 1
    if stop > start and text[stop - 1] == "|" and text[stop - 2 : stop - 1] != "\\":
        stop -= 1
    return _split(_SPLIT, line, text, start, stop)


def _split(separator: re.Pattern[str], line: int, text: str, start: int, stop: int) -> ReportRow:
    cells, places = [], []
    ends = [match.span() for match in separator.finditer(text, start, stop)]
    for end, following in [*ends, (stop, stop)]:
        cells.append(clean(text[start:end]))
        places.append((line, start))
        start = following
    return ReportRow(line, tuple(cells), tuple(places), tuple(range(len(cells))))


def _is_delimiter(line: str) -> bool:
    if "-" not in line or "|" not in line or len(line) > 2000 or line.strip(" \t>|:-"):
        return False
    body = line.strip(" \t>").removeprefix("|").removesuffix("|")
    return all(_RULE_CELL.match(cell.strip()) for cell in body.split("|"))


def _is_border(line: str) -> bool:
    """Whether a line is a border of a table drawn with "+---+"."""
    body = line.strip(" \t>")
    return len(body) > 4 and body[0] == body[-1] == "+" and len(body) < 2000 and not body.strip("+-=:")


def markdown_tables(lines: list[str]) -> list[Table]:
    """Tables with "|", also indented, quoted, or without a delimiter row."""
    tables = []
    index = 0
    while index < len(lines):
        if "|" not in lines[index] or _is_delimiter(lines[index]):
            index += 1
            continue
        end = index
        while end < len(lines) and ("|" in lines[end] or _is_border(lines[end])):
            end += 1
        tables += _block(lines, index, end)
        index = end
    return tables


def _block(lines: list[str], start: int, end: int) -> list[Table]:
    """Tables in consecutive lines with "|": one per delimiter row; without one, the first line is the header."""
    rules = {index for index in range(start, end) if _is_delimiter(lines[index])}
    borders = {index for index in range(start, end) if _is_border(lines[index])}
    if borders:
        return [_table(lines, start, start + 1, end, rules | borders)]
    if not rules:
        barred = all(lines[index].strip(" \t>").startswith("|") for index in range(start, end))
        return [_table(lines, start, start + 1, end, rules)] if barred and end - start >= 2 else []
    marks = sorted(rules)
    heads = [max(start, mark - 1) for mark in marks]
    return [
        _table(lines, head, mark + 1, heads[place + 1] if place + 1 < len(heads) else end, rules)
        for place, (head, mark) in enumerate(zip(heads, marks, strict=True))
    ]


def _table(lines: list[str], head: int, body: int, end: int, rules: set[int]) -> Table:
    rows = tuple(_row(index + 1, lines[index]) for index in range(body, end) if index not in rules)
    header = _row(head + 1, lines[head])
    if len(rows) > 1 and "" in header.cells[1:] and _continues(header, rows[0]):
        return Table(_joined(header, rows[0]), rows[1:], head + 1, end)
    return Table(header, rows, head + 1, end)


def _continues(header: ReportRow, row: ReportRow) -> bool:
    """Whether the first row belongs to a header with empty cells: all of its cells are words."""
    return len(row.cells) == len(header.cells) and all(cell and not cell[0].isdigit() for cell in row.cells[1:])


def _joined(header: ReportRow, row: ReportRow) -> ReportRow:
    """A header of two rows; an empty cell in the upper row has the words of the one before it."""
    cells, above = [row.cells[0] or header.cells[0]], ""
    for upper, lower in zip(header.cells[1:], row.cells[1:], strict=True):
        above = upper or above
        cells.append(lower if "/" in lower else f"{above} {lower}".strip())
    return ReportRow(header.line, tuple(cells), row.places, row.sources)


def text_tables(lines: list[str]) -> list[Table]:
    """Columns separated by tabs or blanks: rows "bs16  728.496  1921.239" below a line that names two devices."""
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
        table = _columns(lines, head, index, end)
        if table is not None:
            tables.append(table)
        index = end
    return tables


def csv_tables(lines: list[str]) -> list[Table]:
    """Comma-separated values in a fence: a line of words above lines of as many cells that end with a number."""
    tables = []
    start = -1
    for index, line in enumerate(lines):
        if not _FENCE.match(line):
            continue
        if start >= 0 and index - start > _FEW_LINES and "," in lines[start + 1]:
            header, *rows = (
                _split(_COMMA, place + 1, lines[place], 0, len(lines[place])) for place in range(start + 1, index)
            )
            regular = {len(row.cells) for row in rows} == {len(header.cells)}
            if (
                regular
                and all(cell[:1].isalpha() for cell in header.cells)
                and all(row.cells[-1][:1].isdigit() for row in rows)
            ):
                tables.append(Table(header, tuple(rows), start + 2, index))
        start = -1 if start >= 0 else index
    return tables


def _columns(lines: list[str], head: int, start: int, end: int) -> Table | None:
    header = _spaced(head + 1, lines[head])
    rows = tuple(_spaced(place + 1, lines[place]) for place in range(start, end))
    widths = {len(row.cells) for row in rows}
    if sum(1 for cell in header.cells if devices_in(cell)) < 2 or len(widths) != 1 or "|" in lines[head]:
        return None
    width = widths.pop()
    if len(header.cells) == width - 1:
        header = ReportRow(header.line, ("", *header.cells), ((header.line, 0), *header.places))
    if len(header.cells) != width or batches_in(header.cells[0]):
        return None
    return Table(header, rows, head + 1, end, guessed=True)


def _spaced(line: int, text: str) -> ReportRow:
    return _split(_GAP, line, text, len(text) - len(text.lstrip()), len(text.rstrip()))
