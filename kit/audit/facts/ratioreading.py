"""How the ratio columns of a table of devices were computed: which columns they divide, and in which way."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kit.audit.facts.document import Document
from kit.audit.facts.printednumber import Agreement, Bounded, agree, exactly
from kit.audit.facts.views import NumberCell, RowRecord, View
from kit.audit.facts.vocabulary import VARIANT

__all__ = ["Quotient", "RatioColumn", "RatioReading", "quotient", "ratio_columns"]

#: How many rows decide how a column is read, and how many columns are tried as operands.
_ROWS = 60
_TRIED = 12

_RATE_WORDS = re.compile(r"吞吐|fps|qps|throughput|samples", re.IGNORECASE)


#: How two values give the printed ratio.
_WAYS: dict[str, Callable[[Bounded, Bounded], Bounded]] = {
    "": operator.truediv,
    "inverse": lambda top, bottom: bottom / top,
    "gain": lambda top, bottom: top / bottom - exactly(1),
    "per device": lambda top, bottom: (top / bottom).scaled(0.25),
    "per card": lambda top, bottom: (top / bottom).scaled(4),
}


@dataclass(frozen=True, slots=True)
class RatioReading:
    """One way to compute a ratio column: the series it divides, and how."""

    top: int
    bottom: int
    way: str = ""


@dataclass(frozen=True, slots=True)
class RatioColumn:
    """A ratio column: its index among the series, how it was computed, and the rows that have a value.

    ``reading`` is None if the table lacks one of the operands, or they may be times. ``other`` is what the values
    are if they are clearly not what the header says.
    """

    view: View
    place: int
    reading: RatioReading | None
    other: RatioReading | None
    records: tuple[RowRecord, ...]


@dataclass(frozen=True, slots=True)
class Quotient:
    """The quotient of two cells, and the cells."""

    right: Bounded
    top: NumberCell
    bottom: NumberCell


def ratio_columns(view: View, document: Document) -> Iterator[RatioColumn]:
    """The ratio columns of a table, with how they were computed."""
    for place, series in enumerate(view.series):
        if series.operands is None:
            continue
        variants = VARIANT.search(series.header) is not None and not all(map(VARIANT.search, series.operands))
        tops, bottoms = (
            view.find(operand, variants=variants and not VARIANT.search(operand[:8])) for operand in series.operands
        )
        records = tuple(one for one in view.records if one.cells[place] is not None and not one.accuracy)
        if not tops or not bottoms:
            yield RatioColumn(view, place, None, None, records)
        else:
            yield _read(view, document, place, (tops, bottoms), records)


def quotient(reading: RatioReading, record: RowRecord) -> Quotient | None:
    """The quotient of a row; None if a cell is missing or zero."""
    top, bottom = record.cells[reading.top], record.cells[reading.bottom]
    if top is None or bottom is None or not top.number.value or not bottom.number.value:
        return None
    try:
        return Quotient(_WAYS[reading.way](top.number.bounds, bottom.number.bounds), top, bottom)
    except ZeroDivisionError:
        return None


def _read(
    view: View, document: Document, place: int, operands: tuple[list[int], list[int]], records: tuple[RowRecord, ...]
) -> RatioColumn:
    sample = records[:_ROWS]
    readings = [RatioReading(top, bottom) for top in operands[0] for bottom in operands[1]]
    stated, fits, rows = _best(readings, place, sample)
    other = None
    if fits * 2 < rows and rows >= 2:
        other, explained, tried = _best(_others(view, stated), place, sample)
        if explained < max(2, 0.8 * tried):
            other = None
    if _timed(view, stated, sample):
        inverse, explained, _ = _best([RatioReading(stated.top, stated.bottom, "inverse")], place, sample)
        if explained > fits:
            stated, other = inverse, None
    if other is not None and other.way == "gain":
        stated, other = other, None  # the column has the gain over the other device, not the quotient
    if other is not None and other.way == "inverse" and not _says_throughput(document, view):
        return RatioColumn(view, place, None, None, records)  # the values may be times
    return RatioColumn(view, place, stated, other, records)


def _says(cell: NumberCell, found: Quotient) -> Agreement:
    number = cell.number.scaled(0.01) if cell.unit == "percent" else cell.number
    return agree(number, found.right)


def _best(readings: Iterable[RatioReading], place: int, records: Sequence[RowRecord]) -> tuple[RatioReading, int, int]:
    """The reading that explains most rows of a column, how many it explains, and for how many it has a value."""
    best: list[tuple[RatioReading, int, int]] = []
    for reading in readings:
        pairs = ((record.cells[place], quotient(reading, record)) for record in records)
        agreements = [_says(cell, found) for cell, found in pairs if cell is not None and found is not None]
        fits = sum(agreement is not Agreement.DIFFERENT for agreement in agreements)
        best = best if best and best[0][1] >= fits else [(reading, fits, len(agreements))]
    return best[0]


def _says_throughput(document: Document, view: View) -> bool:
    lines = document.lines[max(0, view.header_line - 4) : view.header_line]
    return any(_RATE_WORDS.search(line) for line in lines)


def _timed(view: View, reading: RatioReading, records: Sequence[RowRecord]) -> bool:
    """Whether both operands are times, so that the ratio of performances is the inverse quotient."""
    return all(
        view.series[operand].timed
        or any(cell is not None and cell.unit == "time" for cell in (record.cells[operand] for record in records))
        for operand in (reading.top, reading.bottom)
    )


def _others(view: View, stated: RatioReading) -> list[RatioReading]:
    values = [place for place, one in enumerate(view.series) if one.operands is None and one.device is not None]
    values = values[:_TRIED]
    readings = [RatioReading(stated.top, stated.bottom, way) for way in ("inverse", "gain", "per device", "per card")]
    readings += [
        RatioReading(top, bottom)
        for top in values
        for bottom in values
        if top != bottom and (top, bottom) != (stated.top, stated.bottom)
    ]
    return readings
