"""The throughputs in tables by device, batch size and value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kit.audit.facts.valueindex import ValueIndex
from kit.audit.facts.views import NumberCell, View

__all__ = ["CellIndex", "DeviceCells"]


@dataclass(frozen=True, slots=True)
class DeviceCells:
    """The throughput cells of a device by batch size, those of tables without batch sizes, batch sizes by value."""

    by_batch: dict[int, list[NumberCell]] = field(default_factory=dict)
    lone: list[NumberCell] = field(default_factory=list)
    batches: ValueIndex[int] = field(default_factory=ValueIndex)

    def pairs(self) -> Iterator[tuple[int, NumberCell]]:
        """All cells with their batch sizes."""
        return ((batch, cell) for batch, cells in self.by_batch.items() for cell in cells)


class CellIndex:
    """The cells of all tables that have one column for a device."""

    def __init__(self, views: Iterable[View]) -> None:
        self._devices: dict[str, DeviceCells] = {}
        for view in views:
            for device, place in _columns(view):
                self._add(view, device, place)

    def of(self, device: str | None) -> DeviceCells:
        """The cells of a device."""
        return self._devices.get(device or "", DeviceCells())

    def devices(self) -> list[str]:
        """The devices that have cells."""
        return list(self._devices)

    def _add(self, view: View, device: str, place: int) -> None:
        found = self._devices.setdefault(device, DeviceCells())
        for record in view.records:
            cell = record.cells[place]
            if cell is None or record.best or record.accuracy or cell.unit not in {"", "rate"}:
                continue
            if record.batch is not None:
                found.by_batch.setdefault(record.batch, []).append(cell)
                found.batches.add(cell.number, record.batch)
            elif len(view.records) == 1:
                found.lone.append(cell)


def _columns(view: View) -> Iterator[tuple[str, int]]:
    """The devices for which a throughput table has exactly one column, with its index."""
    if not view.performance:
        return
    for device in {one.device for one in view.series if one.device is not None and one.operands is None}:
        if (place := view.rate_of(device)) is not None:
            yield device, place
