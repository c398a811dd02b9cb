"""A table of devices: its series are devices or ratios of them, its records are batch sizes or the best one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from kit.audit.facts.document import Document
from kit.audit.facts.printednumber import Printed, find_numbers
from kit.audit.facts.tablerows import ReportRow
from kit.audit.facts.vocabulary import ACCURACY, BEST, RATE_UNIT, TIME_UNIT, VARIANT, devices_in, only

__all__ = ["NumberCell", "NumberSeries", "RowRecord", "View", "cell_number", "placed", "with_npu"]

_CELL_NOTE = re.compile(r"\([^()]*\)|（[^（）]*）|\[[^\[\]]*\]")
#: "16:6005.48" and "bs16 6005.48fps" in a best row name the batch size before the value.
_BATCH_LEAD = re.compile(r"^(?:(?:bs|batch)?\s?[0-9]{1,4}\s*:\s*|(?:bs|batch)\s?[0-9]{1,4}\s+)(?=[0-9])", re.IGNORECASE)
#: "1729,43": a typo for a decimal point, as no group has two digits.
_SLIPPED_COMMA = re.compile(r"[0-9]+,[0-9]{1,2}|[0-9]{4,},[0-9]+")
_LEAD = "~≈=约 \t"
_MOST = 6
_UNITS = {"": "", "%": "percent", "倍": "times", "x": "times", "times": "times", "*": "times"}


class NumberCell(NamedTuple):
    """A cell with a number: its line, text, number and unit (rate, time, percent, times or none)."""

    line: int
    text: str
    number: Printed
    unit: str


@dataclass(frozen=True, slots=True)
class NumberSeries:
    """A device or a ratio of two: header, reduced key, device, keys of the ratio's operands, line of the header."""

    header: str
    key: str
    device: str | None
    operands: tuple[str, str] | None
    line: int
    timed: bool


@dataclass(frozen=True, slots=True)
class RowRecord:
    """What was measured at one batch size: its label, and the batch size if it names one."""

    label: str
    line: int
    batch: int | None
    cells: tuple[NumberCell | None, ...]
    texts: tuple[str, ...]

    @property
    def best(self) -> bool:
        """Whether it is the row of the best values."""
        return BEST.search(self.label) is not None

    @property
    def accuracy(self) -> bool:
        """Whether it is a row of accuracies."""
        return ACCURACY.search(self.label) is not None


@dataclass(frozen=True)  # with slots it could not cache its index
class View:
    """A table as series by records. ``cells[i]`` of a record belongs to ``series[i]``."""

    series: tuple[NumberSeries, ...]
    records: tuple[RowRecord, ...]
    header_line: int
    performance: bool
    transposed: bool

    @cached_property
    def _places(self) -> Mapping[str | tuple[str], Sequence[int]]:
        """The indices of the value series by key, and by (device,)."""
        places: dict[str | tuple[str], list[int]] = {}
        for place, one in enumerate(self.series):
            if one.operands is None:
                places.setdefault(one.key, []).append(place)
                if one.device is not None:
                    places.setdefault((one.device,), []).append(place)
        return places

    @cached_property
    def greatest(self) -> list[float | None]:
        """The greatest value of each series, without best rows and accuracies."""
        records = [record for record in self.records if not record.best and not record.accuracy]
        cells = [[one for record in records if (one := record.cells[place])] for place in range(len(self.series))]
        return [max((cell.number.value for cell in column), default=None) for column in cells]

    def of_device(self, device: str | None) -> Sequence[int]:
        """The indices of the value series of a device."""
        return self._places.get((device or "",), ())

    def rate_of(self, device: str) -> int | None:
        """The index of the only series of a device that is no time; None if it has none or several."""
        rates = [place for place in self.of_device(device) if not self.series[place].timed]
        return rates[0] if len(rates) == 1 else None

    def find(self, key: str, *, variants: bool = False) -> list[int]:
        """The value series that an operand of a ratio can mean: those with the same key, or else the same device.

        With ``variants``, all of the same device: the header names the variant ("after AOE") outside the ratio.
        """
        exact = self._places.get(key, ())
        if exact and not variants:
            return list(exact[:_MOST])
        same = self.of_device(only(devices_in(key)))[:_MOST]
        tuned = [place for place in same if VARIANT.search(self.series[place].header)]
        return tuned if tuned and VARIANT.search(key) else list(same)


def with_npu(view: View, npu: str) -> View:
    """The view with "NPU" replaced by the device that it means in this report."""
    if not view.of_device("NPU"):
        return view
    series = tuple(replace(one, device=npu) if one.device == "NPU" else one for one in view.series)
    return replace(view, series=series)


def placed(row: ReportRow, column: int, document: Document) -> NumberCell | None:
    """The number of a cell of a table, with its position."""
    line, offset = row.place(column)
    cell = cell_number(row.cell(column), line, decimal_comma=document.decimal_comma)
    return cell and cell._replace(number=document.located(cell.number, line, offset))


def cell_number(text: str, line: int, *, decimal_comma: bool = False) -> NumberCell | None:
    """The number of a cell with its unit; None if the cell has words, several numbers or nothing."""
    body = _BATCH_LEAD.sub("", _CELL_NOTE.sub("", text).strip(_LEAD))
    if not body or not (body[0].isdigit() or body[0] in "+-"):
        return None
    numbers = find_numbers(body, decimal_comma=decimal_comma or _SLIPPED_COMMA.fullmatch(body) is not None)
    if len(numbers) != 1 or body[: numbers[0].start].strip("+ "):
        return None
    rest = body[numbers[0].end :].strip()
    unit = "rate" if RATE_UNIT.fullmatch(rest) else "time" if TIME_UNIT.fullmatch(rest) else _UNITS.get(rest.lower())
    return NumberCell(line, text, numbers[0], unit) if unit is not None else None
