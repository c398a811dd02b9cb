"""A table of devices: series that are devices or ratios, records that are batches or the best batch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from kit.audit.facts.document import Document
from kit.audit.facts.printednumber import Printed, find_numbers
from kit.audit.facts.tablerows import ReportRow
from kit.audit.facts.vocabulary import (
    RATE_UNIT,
    TIME_UNIT,
    VARIANT,
    devices_in,
    only,
)

__all__ = ["NumberCell", "NumberSeries", "RowRecord", "View", "cell_number", "placed", "with_npu"]

_CELL_NOTE = re.compile(r"\([^()]*\)|（[^（）]*）|\[[^\[\]]*\]")
#: "16:6005.48" and "bs16 6005.48fps" in a best row name the batch before the value.
_BATCH_LEAD = re.compile(r"^(?:(?:bs|batch)?\s?[0-9]{1,4}\s*:\s*|(?:bs|batch)\s?[0-9]{1,4}\s+)(?=[0-9])", re.IGNORECASE)
#: "1729,43": a slip of the finger, as no group has two digits.
_SLIPPED_COMMA = re.compile(r"[0-9]+,[0-9]{1,2}|[0-9]{4,},[0-9]+")
_LEAD = "~≈=约 \t"
_MOST = 6


class NumberCell(NamedTuple):
    """A cell with a number in it: where, the text, the number, and the unit (rate, time, percent, times or none).

    ``start`` is where the number begins in the normalised line, -1 where that is not known.
    """

    line: int
    text: str
    number: Printed
    unit: str
    start: int = -1


@dataclass(frozen=True, slots=True)
class NumberSeries:
    """A device or a ratio of two: the header, its reduced key, the device, the keys of a ratio, the header's line."""

    header: str
    key: str
    device: str | None
    operands: tuple[str, str] | None
    line: int
    timed: bool


@dataclass(frozen=True, slots=True)
class RowRecord:
    """What was measured at one batch: the label, the batch size if it names one, and whether it is the best row."""

    label: str
    line: int
    batch: int | None
    best: bool
    accuracy: bool
    cells: tuple[NumberCell | None, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A table as series by records. ``cells[i]`` of a record belongs to ``series[i]``."""

    series: tuple[NumberSeries, ...]
    records: tuple[RowRecord, ...]
    header_line: int
    performance: bool
    transposed: bool
    _keys: Mapping[str, Sequence[int]]
    _devices: Mapping[str, Sequence[int]]

    @classmethod
    def of(
        cls,
        series: tuple[NumberSeries, ...],
        records: Iterable[RowRecord],
        line: int,
        *,
        performance: bool,
        transposed: bool,
    ) -> View:
        """The view of a table whose header stands on a line."""
        keys: dict[str, list[int]] = {}
        devices: dict[str, list[int]] = {}
        for place, one in enumerate(series):
            if one.operands is None:
                keys.setdefault(one.key, []).append(place)
                if one.device is not None:
                    devices.setdefault(one.device, []).append(place)
        return cls(series, tuple(records), line, performance, transposed, keys, devices)

    def of_device(self, device: str | None) -> Sequence[int]:
        """The series of values of a device, by their places."""
        return self._devices.get(device or "", ())

    def find(self, key: str, *, variants: bool = False) -> list[int]:
        """Value series that an operand of a ratio can mean: those of the same key, or else of the same device.

        With ``variants``, all of the same device: the header says of which ("after AOE") in a place of its own.
        """
        exact = self._keys.get(key, ())
        if exact and not variants:
            return list(exact[:_MOST])
        same = self.of_device(only(devices_in(key)))[:_MOST]
        tuned = [place for place in same if VARIANT.search(self.series[place].header)]
        return tuned if tuned and VARIANT.search(key) else list(same)


def with_npu(view: View, npu: str) -> View:
    """The view with the device that a plain "NPU" means in this report."""
    if not view.of_device("NPU"):
        return view
    series = tuple(replace(one, device=npu) if one.device == "NPU" else one for one in view.series)
    return View.of(series, view.records, view.header_line, performance=view.performance, transposed=view.transposed)


def placed(text: str, row: ReportRow, column: int, document: Document) -> NumberCell | None:
    """The number of a cell of a table, with its place."""
    line, offset = row.place(column)
    cell = cell_number(text, line, decimal_comma=document.decimal_comma)
    if cell is None:
        return None
    return cell._replace(start=document.lines[line - 1].find(cell.number.text, offset))


def cell_number(text: str, line: int, *, decimal_comma: bool = False) -> NumberCell | None:
    """The number of a cell, with its unit; None where the cell holds words, several numbers or nothing."""
    body = _BATCH_LEAD.sub("", _CELL_NOTE.sub("", text).strip(_LEAD))
    if not body or not (body[0].isdigit() or body[0] in "+-"):
        return None
    numbers = find_numbers(body, decimal_comma=decimal_comma or _SLIPPED_COMMA.fullmatch(body) is not None)
    if len(numbers) != 1 or body[: numbers[0].start].strip("+ "):
        return None
    rest = body[numbers[0].end :].strip()
    if not rest:
        unit = ""
    elif RATE_UNIT.fullmatch(rest):
        unit = "rate"
    elif TIME_UNIT.fullmatch(rest):
        unit = "time"
    elif rest == "%":
        unit = "percent"
    elif rest.lower() in {"倍", "x", "times", "*"}:
        unit = "times"
    else:
        return None
    return NumberCell(line, text, numbers[0], unit)
