"""Tables of any kind as columns of numbers with their units.

If the first column names quantities, the table is also read sideways, so that rules need to know one direction only. A
column "Latency / Throughput" whose cells have two numbers becomes two columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kit.audit.facts.document import Document
from kit.audit.facts.printednumber import Printed, find_numbers, number_from
from kit.audit.facts.quantities import (
    TIME_UNITS,
    Quantity,
    compares,
    derives,
    factor_of_unit,
    is_derived,
    names_derived,
    names_quantity,
    quantity_of,
    unit_of,
)
from kit.audit.facts.tablerows import ReportRow, Table
from kit.audit.facts.vocabulary import ACCURACY, LATENCY, devices_in, ratio_operands

__all__ = ["Column", "Entry", "Grid", "read_grids", "words_of"]

#: Further columns are not read.
_WIDEST = 64
_WIDE = 16
#: How many rows show whether a table has ratios in brackets.
_FIRST = 8
_NOTE = re.compile(r"\([^()]{0,80}\)|\[[^\[\]]{0,80}\]")
#: "1250.0 (2.50x)", "75.9 (-0.23)": a ratio or difference derived from the number and those beside it.
_COMPARING = re.compile(
    r"[(（]\s?(?P<number>[+−↑↓-]?\s?[0-9]{1,6}(?:\.[0-9]{1,6})?)\s?(?P<unit>[x×X倍%]|pp)?\s?[)）]\s{0,3}\Z"
)
_ERROR = re.compile(r"\s{0,3}(?:±|\+/-|\+-)\s{0,3}[0-9.]{1,12}")
_PARTS = re.compile(r"\s{0,3}/\s{0,3}")
#: Columns that number the rows.
_NUMBERING = re.compile(
    r"\s?(?:#|no\.?|id|idx|index|rank|seed|fold|epochs?|year|version|exp(?:eriment)?|序号|编号|版本|轮次)\s?",
    re.IGNORECASE,
)
_AGAINST = re.compile(r"\s{0,3}(?:/|÷|:|\bvs\b\.?|\bover\b|对比|比|\s-\s)\s{0,3}", re.IGNORECASE)
_VERSUS = re.compile(r"\b(?:vs|versus)\b", re.IGNORECASE)
_TOTAL = re.compile(r"\btotal\b|总", re.IGNORECASE)
_TIMED = re.compile(r"\((?:[muµ]?s|毫秒|秒)\)")
_LEAD = "~≈=约 \t<>xX*"
_WORDS = re.compile(r"[a-z]+|[0-9]+(?:\.[0-9]+)?|[\u4e00-\u9fff]+|@|%")


@dataclass(frozen=True, slots=True)
class Entry:
    """A number in a table: its line, the number, its unit as written."""

    line: int
    number: Printed
    unit: str

    @property
    def value(self) -> float:
        """The printed value."""
        return self.number.value


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers: its title, the words in it, what it measures, and its entries by row.

    ``measured``: it can be an operand, as most rows have a number that was measured. ``factor`` turns its numbers into
    seconds, samples per second or parts of one. ``texts`` are the cells as written.
    """

    place: int
    title: str
    line: int
    words: frozenset[str]
    quantity: Quantity
    factor: float
    entries: tuple[Entry | None, ...]
    texts: tuple[str, ...]
    measured: bool

    @property
    def scale(self) -> float:
        """What its numbers are scaled by to be parts of one: 0.01 for percentages."""
        return 0.01 if self.factor == 0.01 else 1.0

    def positive(self, row: int) -> Entry | None:
        """The number of a row, if it is above zero."""
        entry = self.entries[row]
        return entry if entry is not None and entry.value > 0 else None


@dataclass(frozen=True, slots=True)
class Grid:
    """A table as columns; ``labels`` are the first cells of its rows, ``context`` the words above it."""

    columns: tuple[Column, ...]
    labels: tuple[str, ...]
    line: int
    context: str
    sideways: bool

    @property
    def rows(self) -> range:
        """The indices of the rows."""
        return range(len(self.labels))

    def of(self, quantity: Quantity) -> list[Column]:
        """The columns of a quantity."""
        return [column for column in self.columns if column.quantity is quantity]

    @property
    def measured_rows(self) -> list[int]:
        """The indices of the rows that were measured, not derived from others."""
        known = {label.lower() for label in self.labels}
        return [row for row in self.rows if not derives(self.labels[row]) and not _compares(self.labels[row], known)]


def _compares(label: str, known: set[str]) -> bool:
    """Whether a label names two others: "INT8/FP32", "INT8 vs FP32"."""
    parts = _AGAINST.split(label.lower())
    return len(parts) == 2 and all(part in known for part in parts)


def read_grids(document: Document) -> Iterator[Grid]:
    """The tables of a report as grids, each along its header and, where its rows name quantities, sideways."""
    for table in document.tables:
        if table.guessed or len(table.header.cells) < 2 or not table.rows or not _telling(table):
            continue
        context = _context(table, document)
        rows = [row for row in table.rows if _full(row, table)]
        header = table.header
        yield _grid(document, header, rows, context, sideways=False)
        labels = [row.cell(0) for row in rows]
        named = sum(1 for label in labels[:_WIDEST] if names_quantity(label))
        if len(rows) <= _WIDEST and (
            named >= 2 or (named and len(header.cells) == 2) or any(compares(label) for label in labels)
        ):
            turned = list(_turned(header, rows))
            yield _grid(document, turned[0], turned[1:], context, sideways=True)


def _telling(table: Table) -> bool:
    """Whether anything in a table is derived, by its header or row labels; views read the quotients of devices."""
    titles = table.header.cells[:_WIDEST]
    for title in titles:
        derived = names_derived(title) or names_quantity(title) or _TIMED.search(title)
        if _TOTAL.search(title) or (derived and not _of_devices(title)):
            return True
    labels = [row.cell(0) for row in table.rows]
    noted = any(cell.endswith(")") and _COMPARING.search(cell) for row in table.rows[:_FIRST] for cell in row.cells)
    return noted or any(map(names_derived, labels)) or any(map(names_quantity, labels[:_WIDEST]))


def _of_devices(title: str) -> bool:
    return all(devices_in(operand) for operand in ratio_operands(title) or ("",))


def words_of(text: str) -> frozenset[str]:
    """The words of a title, in lower case."""
    return frozenset(_WORDS.findall(text.lower()))


def _context(table: Table, document: Document) -> str:
    """The heading above a table and the lines just above it."""
    above = [document.lines[line - 1] for line in range(max(1, table.first - 2), table.first)]
    return " ".join([document.heading(table.first), *(text for text in above if len(text) < 200)])


def _full(row: ReportRow, table: Table) -> bool:
    """Whether a row is read: not a heading across the table, nor a short row below a wide header (too costly)."""
    width = len(table.header.cells)
    if len(row.cells) > 1 and len(set(row.sources)) == 1 and width > 1 and row.sources:
        return False  # a heading across the whole table
    return width <= _WIDE or 4 * len(row.cells) >= width


def _turned(header: ReportRow, rows: Sequence[ReportRow]) -> Iterator[ReportRow]:
    lines = [header, *rows]
    for column in range(min(len(header.cells), _WIDEST)):
        yield ReportRow(
            header.place(column)[0],
            tuple(row.cell(column) for row in lines),
            tuple(row.place(column) for row in lines),
        )


def _grid(document: Document, header: ReportRow, rows: Sequence[ReportRow], context: str, *, sideways: bool) -> Grid:
    columns: list[Column] = []
    for place, title in enumerate(header.cells[:_WIDEST]):
        cells = tuple(row.cell(place) for row in rows)
        parts = _split_title(title, cells)
        for part, name in enumerate(parts):
            entries = tuple(
                _entry(document, row, place, part if len(parts) > 1 else -1) if cell else None
                for row, cell in zip(rows, cells, strict=True)
            )
            if any(entry is not None for entry in entries):
                columns.append(_column(place, name, header.place(place)[0], entries, cells, context))
        if (notes := _notes(document, place, title, header, rows, cells)) is not None:
            columns.append(notes)
    return Grid(tuple(columns), tuple(row.cell(0) for row in rows), header.line, context, sideways)


def _notes(
    document: Document, place: int, title: str, header: ReportRow, rows: Sequence[ReportRow], cells: Sequence[str]
) -> Column | None:
    """The ratios or differences in brackets after the numbers of a column, if most cells have one, as a column."""
    found = [_COMPARING.search(cell) if cell.endswith((")", "）")) else None for cell in cells]
    units = {match["unit"] for match in found if match is not None}
    signed = [match["number"][0] in "+−-↑↓" for match in found if match is not None]
    if len(signed) < 2 or 2 * len(signed) < len(cells) or len(units) != 1:
        return None
    times = units <= {"x", "X", "×", "倍"}
    if not (times or all(signed)):
        return None
    entries: list[Entry | None] = []
    for row, cell, match in zip(rows, cells, found, strict=True):
        number = number_from(match["number"].strip("+−-↑↓ ")) if match else None
        if number is None or match is None:
            entries.append(None)
            continue
        line, offset = row.place(place)
        number = document.located(number, line, offset + cell.rfind(match[0]))
        entries.append(Entry(line, number, match["unit"] or ""))
    name = f"{title} ({'ratio' if times else 'difference'})"
    factor = 0.01 if units == {"%"} else 1.0
    quantity = Quantity.RATIO if times else Quantity.DIFFERENCE
    place_line = header.place(place)[0]
    return Column(place, name, place_line, words_of(name), quantity, factor, tuple(entries), tuple(cells), False)


def _split_title(title: str, cells: Iterable[str]) -> list[str]:
    """The parts of "Latency / Throughput" if most cells have two numbers, else the title."""
    parts = _PARTS.split(title)
    if len(parts) != 2 or not all(names_quantity(part) for part in parts):
        return [title]
    filled = [cell for cell in cells if cell]
    double = sum(1 for cell in filled if len(find_numbers(_PARTS.split(_NOTE.sub("", cell))[-1])) == 1 and "/" in cell)
    return parts if 2 * double > len(filled) else [title]


def _entry(document: Document, row: ReportRow, place: int, part: int) -> Entry | None:
    body = _ERROR.sub("", _NOTE.sub("", row.cells[place]))
    if part >= 0:
        # "10.0 ms / 100.0 img/s": only the first slash separates the two numbers.
        pieces = re.split(r"\s{1,3}/\s{1,3}", body)
        if len(pieces) != 2:
            pieces = _PARTS.split(body, maxsplit=1)
        body = pieces[part] if part < len(pieces) else ""
    body = body.strip(_LEAD)
    if not body or not (body[0].isdigit() or (body[0] in "+-" and body[1:2].isdigit())):
        return None
    numbers = find_numbers(body, decimal_comma=document.decimal_comma)
    rest = body[numbers[0].end :].strip() if numbers else ""
    if len(numbers) != 1 or numbers[0].start > 1 or len(rest) > 16:
        return None
    line, offset = row.place(place)
    number = document.located(numbers[0], line, offset)
    return Entry(line, number.scaled(-1) if body[0] == "-" else number, rest)


def _has_base(entries: Sequence[Entry | None]) -> bool:
    """Whether a "gain" is a ratio: its first row is the 1.00 that the others are compared with."""
    first = next((entry for entry in entries if entry is not None), None)
    return first is not None and first.value == 1 and first.number.unit < 1 and "%" not in first.unit


def _column(
    place: int, title: str, line: int, entries: tuple[Entry | None, ...], cells: tuple[str, ...], context: str
) -> Column:
    units = {unit_of(entry.unit) for entry in entries if entry is not None}
    # A column can have times in several units, with the unit of each number in its cell.
    unit = min(units) if units and (len(units) == 1 or units <= TIME_UNITS) else ""
    if not unit:
        unit = unit_of(title)
        if unit in TIME_UNITS and ACCURACY.search(title) and not LATENCY.search(title):
            unit = ""  # "AP_S" and "mIoU (ms+flip)" are not times
    pairs = [(cell, entry) for cell, entry in zip(cells, entries, strict=True) if entry]
    quantity = quantity_of(title, unit, context)
    if quantity is Quantity.CARDS and any(entry is not None and entry.number.unit < 1 for entry in entries):
        quantity = quantity_of("", unit, context)  # the performance of a "GPU", not how many
    if unit == "percent" and all(cell[:1] in "+-−" for cell, _ in pairs):
        quantity = Quantity.DIFFERENCE  # "vs. baseline" over "+80%"
    if _VERSUS.search(title) and all(cell[-1:] in "xX倍" and entry.number.unit < 1 for cell, entry in pairs):
        quantity = Quantity.RATIO  # "vs T4" over "2.48x"
    if quantity is Quantity.DIFFERENCE and _has_base(entries):
        quantity = Quantity.RATIO
    filled = sum(1 for entry in entries if entry is not None)
    measured = 2 * filled >= len(entries) and not (
        _NUMBERING.fullmatch(title) or is_derived(quantity) or quantity is Quantity.BATCH or quantity is Quantity.CARDS
    )
    return Column(place, title, line, words_of(title), quantity, factor_of_unit(unit), entries, cells, measured)
