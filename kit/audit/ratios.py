"""Ratio columns, by the names in their headers: "310P/310" is the 310P column divided by the 310 column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kit.audit.findings import Finding, Kind, Severity
from kit.audit.numbers import Agreement, Number, agree, show
from kit.audit.vocabulary import VARIANT

if TYPE_CHECKING:
    from collections.abc import Callable

    from kit.audit.context import Context
    from kit.audit.views import Cell, Record, View

__all__ = ["check_ratios"]


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read a ratio column: which series it divides, and how."""

    top: int
    bottom: int
    way: str


def _plain(top: float, bottom: float) -> float:
    return top / bottom


#: How two values make the printed ratio, and whether the header says so by itself.
_WAYS: dict[str, Callable[[float, float], float]] = {
    "": _plain,
    "inverse": lambda top, bottom: bottom / top,
    "gain": lambda top, bottom: (top - bottom) / bottom,
    "per device": lambda top, bottom: top / bottom / 4,
    "per card": lambda top, bottom: top / bottom * 4,
}


def check_ratios(context: Context) -> None:
    """Recompute every ratio of every table whose header names two of the table's series."""
    for view in context.views:
        for place, series in enumerate(view.series):
            if series.sides is None:
                continue
            variants = VARIANT.search(series.header) is not None and not all(map(VARIANT.search, series.sides))
            tops, bottoms = (
                view.find(side, variants=variants and not VARIANT.search(side[:8])) for side in series.sides
            )
            records = [record for record in view.records if record.cells[place] is not None and not record.accuracy]
            if not tops or not bottoms:
                for record in records:
                    cell = record.cells[place]
                    if cell is not None:
                        context.ledger.skip(cell.line, Kind.RATIO, cell.number.text)
                continue
            _column(context, view, place, tops, bottoms, records)


def _column(
    context: Context, view: View, place: int, tops: list[int], bottoms: list[int], records: list[Record]
) -> None:
    series = view.series[place]
    stated = _Reading(tops[0], bottoms[0], "")
    if len(tops) > 1 or len(bottoms) > 1:
        readings = [_Reading(top, bottom, "") for top in tops for bottom in bottoms]
        stated = max(readings, key=lambda reading: _fits(reading, place, records))
    fits, rows = _fits(stated, place, records), _rows(stated, place, records)
    other = None
    if fits * 2 < rows and rows >= 2:
        other = max(_others(view, stated), key=lambda reading: _fits(reading, place, records), default=None)
        if other is not None and _fits(other, place, records) < max(2, 0.8 * _rows(other, place, records)):
            other = None
    timed = _timed(view, stated, records)
    if timed:
        inverse = _Reading(stated.top, stated.bottom, "inverse")
        if _fits(inverse, place, records) > fits:
            stated, other = inverse, None
    if other is not None and other.way == "gain":
        stated, other = other, None  # the column holds the gain over the other device, not the quotient
    if other is not None and other.way == "inverse" and not _says_throughput(context, view):
        for record in records:
            cell = record.cells[place]
            if cell is not None:
                context.ledger.skip(cell.line, Kind.RATIO, cell.number.text)  # the values may be times
        return
    if other is not None:
        _mislabelled(context, view, series.header, series.line, other)
    for record in records:
        _check(context, view, place, record, stated, follows=other is not None)
    _missing(context, view, place, stated)


def _quotient(reading: _Reading, record: Record) -> float | None:
    top, bottom = record.cells[reading.top], record.cells[reading.bottom]
    if top is None or bottom is None or not top.number.value or not bottom.number.value:
        return None
    return _WAYS[reading.way](top.number.value, bottom.number.value)


def _says(cell: Cell, value: float) -> Agreement:
    if cell.unit == "percent":
        return agree(cell.number.as_percent_of_one(), value)
    return agree(cell.number, value)


def _rows(reading: _Reading, place: int, records: list[Record]) -> int:
    return sum(1 for record in records if record.cells[place] is not None and _quotient(reading, record) is not None)


def _fits(reading: _Reading, place: int, records: list[Record]) -> int:
    count = 0
    for record in records:
        cell, value = record.cells[place], _quotient(reading, record)
        if cell is not None and value is not None and _says(cell, value) is not Agreement.DIFFERENT:
            count += 1
    return count


def _says_throughput(context: Context, view: View) -> bool:
    lines = context.document.lines[max(0, view.header_line - 4) : view.header_line]
    return any(re.search(r"吞吐|fps|qps|throughput|samples", line, re.IGNORECASE) for line in lines)


def _timed(view: View, reading: _Reading, records: list[Record]) -> bool:
    """Whether both sides are times: the ratio of performances is then the inverse quotient."""
    sides = reading.top, reading.bottom
    return all(
        view.series[side].timed
        or any(cell is not None and cell.unit == "time" for cell in (record.cells[side] for record in records))
        for side in sides
    )


def _others(view: View, stated: _Reading) -> list[_Reading]:
    values = [place for place, series in enumerate(view.series) if series.sides is None and series.device is not None]
    readings = [_Reading(stated.top, stated.bottom, way) for way in ("inverse", "gain", "per device", "per card")]
    readings += [
        _Reading(top, bottom, "")
        for top in values
        for bottom in values
        if top != bottom and (top, bottom) != (stated.top, stated.bottom)
    ]
    return readings


def _mislabelled(context: Context, view: View, header: str, line: int, other: _Reading) -> None:
    top, bottom = view.series[other.top].header, view.series[other.bottom].header
    meaning = {
        "inverse": f"{bottom} / {top}",
        "per device": f"{top} / (4 x {bottom})",
        "per card": f"4 x {top} / {bottom}",
    }.get(other.way, f"{top} / {bottom}")
    context.ledger.find(
        Finding(
            line,
            Kind.LABEL,
            header,
            meaning,
            f"{top}, {bottom}",
            f"the header says {header}, but the values below are {meaning}",
            Severity.MAJOR,
        )
    )


def _check(context: Context, view: View, place: int, record: Record, reading: _Reading, *, follows: bool) -> None:
    cell, value = record.cells[place], _quotient(reading, record)
    if cell is None:
        return
    if value is None:
        context.ledger.skip(cell.line, Kind.RATIO, cell.number.text)
        return
    top, bottom = record.cells[reading.top], record.cells[reading.bottom]
    assert top is not None  # noqa: S101 - there is a quotient
    assert bottom is not None  # noqa: S101
    header = view.series[place].header
    note = f"{record.label or 'row'} | {header} = {top.number.text} / {bottom.number.text}"
    number = cell.number.as_percent_of_one() if cell.unit == "percent" else cell.number
    if follows and agree(number, value) is not Agreement.SAME:
        context.ledger.find(
            Finding(
                cell.line,
                Kind.RATIO,
                cell.number.text,
                show(value),
                f"{top.number.text}, {bottom.number.text}",
                f"{note} gives {show(value)}; the whole column is of something else than its header says",
                Severity.OPTIONAL,
            )
        )
        return
    if record.best and agree(number, value) is not Agreement.SAME:
        best = _best_quotient(view, reading)
        if best is not None and agree(number, best) is Agreement.SAME:
            context.ledger.find(
                Finding(
                    cell.line,
                    Kind.RATIO,
                    cell.number.text,
                    show(value),
                    f"{top.number.text}, {bottom.number.text}",
                    f"{note} gives {show(value)}; {cell.number.text} is the quotient of the true best values",
                    Severity.OPTIONAL,
                )
            )
            return
    slack = abs(value) * (_rounding(top.number) + _rounding(bottom.number))
    context.compare(
        cell.line,
        Kind.RATIO,
        number,
        value,
        inputs=f"{top.number.text}, {bottom.number.text}",
        note=note,
        loose=slack,
    )


def _rounding(number: Number) -> float:
    return number.unit / 2 / abs(number.value) if number.value else 0.0


def _best_quotient(view: View, reading: _Reading) -> float | None:
    bests = []
    for side in (reading.top, reading.bottom):
        values = [
            cell.number.value
            for cell in (record.cells[side] for record in view.records if not record.best and not record.accuracy)
            if cell is not None
        ]
        if not values:
            return None
        bests.append(max(values))
    return _WAYS[reading.way](bests[0], bests[1]) if bests[0] and bests[1] else None


def _missing(context: Context, view: View, place: int, reading: _Reading) -> None:
    filled = sum(1 for record in view.records if record.cells[place] is not None)
    for record in view.records:
        value = _quotient(reading, record)
        if record.texts[place] or value is None or filled < 2 or record.accuracy:
            continue
        line = view.series[place].line if view.transposed else record.line
        context.ledger.find(
            Finding(
                line,
                Kind.MISSING,
                "",
                show(value),
                view.series[place].header,
                f"{record.label or 'row'} | {view.series[place].header} is empty although both values are there",
                Severity.OPTIONAL,
            )
        )
