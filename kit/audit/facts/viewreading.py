"""What a table of devices means: which columns or rows are devices or ratios, and which are batch sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from kit.audit.facts.document import Document
from kit.audit.facts.tablerows import ReportRow, Table
from kit.audit.facts.views import NumberCell, NumberSeries, RowRecord, View, placed
from kit.audit.facts.vocabulary import (
    ACCURACY,
    LATENCY,
    column_key,
    devices_in,
    label_batches,
    only,
    ratio_operands,
)

__all__ = ["read_views"]

_PLAIN_BATCH = re.compile(r"\s*([0-9]{1,3})\s*$")
_RATE_HEADER = re.compile(r"性能|吞吐|fps|qps|throughput|\bperf(?:ormance)?\b", re.IGNORECASE)
_BATCH_HEADER = re.compile(r"batch|^\s*bs\b|批", re.IGNORECASE)
_BARE_SPEED = re.compile(r"性能|fps|吞吐|throughput", re.IGNORECASE)
_SPEED_HEADER = re.compile(r"fps|吞吐|throughput|latency|时延", re.IGNORECASE)
#: Further columns of a table are not read.
_WIDEST = 200
_WIDE = 16


def read_views(document: Document) -> list[View]:
    """The tables of a report that name devices, as series by records."""
    return [view for table in document.tables if (view := _view(table, document)) is not None]


def _view(table: Table, document: Document) -> View | None:
    if len(table.header.cells) > _WIDE:
        # Short rows below a wide header would make more cells than there is text.
        rows = tuple(row for row in table.rows if 4 * len(row.cells) >= len(table.header.cells))
        table = replace(table, rows=rows)
    header = table.header.cells
    keys = frozenset(column_key(cell) for cell in header[:_WIDEST]) - {""}
    named = [
        place for place, cell in enumerate(header[:_WIDEST]) if _is_series(cell) or _composed(cell, keys) is not None
    ]
    labels = [row.cell(0) for row in table.rows]
    down = [place for place, label in enumerate(labels) if _is_series(label)]
    upright = bool(named) and not (len(named) == 1 and len(down) > 1)
    if not upright and len({labels[place] for place in down}) < len(down):
        return _long(table, down, document)
    if not upright and (len(down) < 2 or len(header) < 2):
        return None
    series, records = _upright(table, named, keys, document) if upright else _sideways(table, down, document)
    return View(series, records, table.header.line, _is_performance(table, document, series, records), not upright)


_Read = tuple[tuple[NumberSeries, ...], tuple[RowRecord, ...]]


def _is_series(text: str) -> bool:
    if len(text) > 60:
        return False
    if ratio_operands(text) is not None:
        return True
    accuracy = ACCURACY.search(text) is not None and not _BARE_SPEED.search(text)
    return only(devices_in(text)) is not None and not accuracy


def _composed(text: str, keys: frozenset[str]) -> tuple[str, str] | None:
    """The operands of a ratio that names the headers of two other columns ("310P_gelu+fix/T4")."""
    above, slash, below = text.partition("/")
    if not slash:
        return None
    operands = column_key(above), column_key(below)
    if operands[0] == operands[1] or not keys.issuperset(operands) or not (devices_in(above) and devices_in(below)):
        return None
    return operands


def _series(text: str, line: int, keys: frozenset[str] = frozenset()) -> NumberSeries:
    operands = ratio_operands(text) or _composed(text, keys)
    device = only(devices_in(text)) if operands is None else None
    return NumberSeries(text, column_key(text), device, operands, line, LATENCY.search(text) is not None)


def _label(cells: Sequence[str], header: Sequence[str]) -> tuple[str, int | None]:
    """The label and batch size of a record, from its cells without measurements."""
    label = " ".join(part for part in cells if part)
    batches = label_batches(label)
    if batches:
        return label, batches[0] if len(set(batches)) == 1 else None
    for place, cell in enumerate(cells):
        match = _PLAIN_BATCH.match(cell)
        if match and place < len(header) and (_BATCH_HEADER.search(header[place]) or (place == 0 and _tiny(cell))):
            return label, int(match[1])
    return label, None


def _tiny(cell: str) -> bool:
    return cell.strip() in {"1", "2", "4", "8", "16", "32", "64", "128", "256"}


def _upright(table: Table, named: list[int], keys: frozenset[str], document: Document) -> _Read:
    """A table with a column for each device and ratio."""
    header = table.header
    series = tuple(_series(header.cells[place], header.line, keys) for place in named)
    if _is_timed(table, document):
        series = tuple(replace(one, timed=one.operands is None) for one in series)
    # The label of a row says what was measured; a column of accuracies beside it does not.
    others = [
        place
        for place in range(max((len(row.cells) for row in table.rows), default=0))
        if place not in set(named) and not (place and ACCURACY.search(header.cell(place)))
    ]
    titles = [header.cell(place) for place in others]
    records = []
    for row in table.rows:
        label, batch = _label([row.cell(place) for place in others], titles)
        records.append(_record(label, batch, row.line, [(row, place) for place in named], document))
    return series, tuple(records)


def _sideways(table: Table, down: list[int], document: Document) -> _Read:
    """A table with a row for each device and ratio."""
    header = table.header
    rows = [table.rows[place] for place in down[:_WIDEST]]
    series = tuple(_series(row.cells[0], row.line) for row in rows)
    records = tuple(
        _record(title, _title_batch(title, header), header.line, [(row, column) for row in rows], document)
        for column, title in enumerate(header.cells[1:_WIDEST], start=1)
    )
    return series, records


def _title_batch(title: str, header: ReportRow) -> int | None:
    batches = set(label_batches(title))
    if not batches and _tiny(title) and _BATCH_HEADER.search(header.cells[0]):
        return int(title)
    return batches.pop() if len(batches) == 1 else None


def _record(
    label: str, batch: int | None, line: int, places: Sequence[tuple[ReportRow, int]], document: Document
) -> RowRecord:
    cells = tuple(placed(row, column, document) for row, column in places)
    return RowRecord(label, line, batch, cells, tuple(row.cell(column) for row, column in places))


def _long(table: Table, down: list[int], document: Document) -> View | None:
    """A table with one row for each device and batch size, and one column of throughput."""
    header = table.header
    batches = [place for place, cell in enumerate(header.cells) if place and _BATCH_HEADER.search(cell)]
    values = [place for place, cell in enumerate(header.cells) if place and _RATE_HEADER.search(cell)]
    if len(batches) != 1 or len(values) != 1:
        return None
    names = list(dict.fromkeys(table.rows[place].cells[0] for place in down))[:_WIDEST]
    grid: dict[int, dict[str, NumberCell]] = {}
    for row in (table.rows[place] for place in down):
        size, cell = _PLAIN_BATCH.match(row.cell(batches[0])), placed(row, values[0], document)
        if size is not None and cell is not None:
            grid.setdefault(int(size[1]), {}).setdefault(row.cells[0], cell)
    records = []
    for batch, found in grid.items():
        cells = tuple(found.get(name) for name in names)
        texts = tuple(cell.text if cell else "" for cell in cells)
        records.append(RowRecord(f"bs{batch}", header.line, batch, cells, texts))
    return View(tuple(_series(name, header.line) for name in names), tuple(records), header.line, True, True)


def _is_timed(table: Table, document: Document) -> bool:
    """Whether the caption above the table or its header speaks of times, and not of throughput."""
    above = [document.lines[line - 1] for line in range(max(1, table.header.line - 3), table.header.line)]
    caption = " ".join([*above, *table.header.cells])
    return bool(re.search(r"时延|延迟|耗时|latency|\(m?s\)", caption, re.IGNORECASE)) and not re.search(
        r"吞吐|fps|qps|throughput|samples", caption, re.IGNORECASE
    )


def _is_performance(
    table: Table, document: Document, series: Iterable[NumberSeries], records: Sequence[RowRecord]
) -> bool:
    """Whether the table has throughput or latency, by its header, its rows, or else the heading above it.

    A column of accuracies beside the devices does not count.
    """
    header = " ".join(table.header.cells)
    if any(ratio_operands(cell) for cell in table.header.cells):
        return True
    spoken = _SPEED_HEADER.search(header) is not None
    if any(ACCURACY.search(one.header) for one in series) and not spoken and not _BARE_SPEED.search(header):
        return False
    if ACCURACY.search(" ".join(row.cell(0) for row in table.rows)):
        return False
    if any(one.operands is not None for one in series) and not ACCURACY.search(header):
        return True
    if spoken or any(cell is not None and cell.unit == "rate" for record in records[:8] for cell in record.cells):
        return True
    for line in range(table.header.line - 1, max(0, table.header.line - 4), -1):
        text = document.lines[line - 1].strip()
        if text and not document.in_table(line):
            if ACCURACY.search(text) and "性能" not in text:
                return False
            if _RATE_HEADER.search(text) and not ACCURACY.search(text):
                return True
            break
    for heading in document.path(table.header.line)[:-3:-1]:  # "Comparison" within "Performance"
        if ACCURACY.search(heading.text) or _RATE_HEADER.search(heading.text):
            return not ACCURACY.search(heading.text)
    return False
