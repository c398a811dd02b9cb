"""The throughputs in tables by device, batch size and value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kit.audit.facts.printednumber import Printed, same_number
from kit.audit.facts.views import NumberCell, View

__all__ = ["CellIndex", "DeviceCells"]

#: How many equal values are compared; more than any report has.
_ALIKE = 32
#: Numbers that can be the same differ by less than one of these steps in their logarithm.
_STEPS = 50


@dataclass(frozen=True, slots=True)
class DeviceCells:
    """The throughput cells of a device: by batch size, and those of tables without batch sizes."""

    by_batch: dict[int, list[NumberCell]]
    lone: list[NumberCell]
    _by_value: dict[int, list[tuple[int, NumberCell]]]

    def pairs(self) -> Iterator[tuple[int, NumberCell]]:
        """All cells with their batch sizes."""
        for batch, cells in self.by_batch.items():
            for cell in cells:
                yield batch, cell

    def like(self, number: Printed) -> Iterator[tuple[int, NumberCell]]:
        """The cells, with their batch sizes, that can have the same value as a number."""
        step = _step(number.value)
        for key in (step - 1, step, step + 1):
            for batch, cell in self._by_value.get(key, ()):
                if same_number(number, cell.number):
                    yield batch, cell


class CellIndex:
    """The cells of all tables that have one column for a device."""

    def __init__(self, views: Iterable[View]) -> None:
        self._devices: dict[str, DeviceCells] = {}
        for view in views:
            for device, place in _columns(view):
                self._add(view, device, place)

    def of(self, device: str | None) -> DeviceCells:
        """The cells of a device."""
        return self._devices.get(device or "", DeviceCells({}, [], {}))

    def devices(self) -> list[str]:
        """The devices that have cells."""
        return list(self._devices)

    def _add(self, view: View, device: str, place: int) -> None:
        found = self._devices.setdefault(device, DeviceCells({}, [], {}))
        for record in view.records:
            cell = record.cells[place]
            if cell is None or record.best or record.accuracy or cell.unit not in {"", "rate"}:
                continue
            if record.batch is not None:
                found.by_batch.setdefault(record.batch, []).append(cell)
                alike = found._by_value.setdefault(_step(cell.number.value), [])  # noqa: SLF001 - made here
                if len(alike) < _ALIKE:
                    alike.append((record.batch, cell))
            elif len(view.records) == 1:
                found.lone.append(cell)


def _columns(view: View) -> Iterator[tuple[str, int]]:
    """The devices for which a throughput table has exactly one column, with its index."""
    if not view.performance:
        return
    for device in {one.device for one in view.series if one.device is not None and one.operands is None}:
        places = view.of_device(device)
        if len(places) == 1 and not view.series[places[0]].timed:
            yield device, places[0]


def _step(value: float) -> int:
    return int(math.log(abs(value)) * _STEPS) if value else -(10**6)
