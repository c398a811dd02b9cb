"""Operands that the report prints with more digits elsewhere: "229" in a table is "229.4873" under its run."""

from __future__ import annotations

from dataclasses import replace

from kit.audit.facts.facts import Facts
from kit.audit.facts.printednumber import Agreement, Printed, agree, same_number
from kit.audit.facts.ratioreading import Quotient, RatioColumn, RatioReading, quotient
from kit.audit.facts.views import NumberCell, RowRecord

__all__ = ["FinerOperands"]

#: How many copies of one measurement are compared.
_MOST = 16


class FinerOperands:
    """The throughputs that a report prints for each device and batch."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._printed: dict[tuple[str, int], list[Printed]] = {}
        self._stated: dict[tuple[str | None, int], list[Printed]] = {}
        for statement in facts.near.statements:
            if statement.value is not None:
                key = facts.labels.device(statement), facts.labels.batch(statement)
                self._stated.setdefault(key, []).append(statement.value)

    def quotient(
        self, column: RatioColumn, reading: RatioReading, record: RowRecord, found: Quotient
    ) -> Quotient | None:
        """The quotient of finer operands if it contradicts the printed one; None if there are none, or it fits.

        A result computed from the numbers of the table itself is right as well.
        """
        cell = record.cells[column.place]
        if cell is None or record.batch is None or record.best:
            return None
        cells = list(record.cells)
        for place in (reading.top, reading.bottom):
            operand = cells[place]
            device = column.view.series[place].device
            if operand is not None and device is not None:
                cells[place] = self._finest(operand, device, record.batch)
        if tuple(cells) == record.cells:
            return None
        number = cell.number.scaled(0.01) if cell.unit == "percent" else cell.number
        finer = quotient(reading, replace(record, cells=tuple(cells)))
        fits = finer is None or agree(number, finer.right) is Agreement.SAME
        return None if fits or agree(number, found.right.value) is Agreement.SAME else finer

    def _finest(self, cell: NumberCell, device: str, batch: int) -> NumberCell:
        """The cell with the copy of its number that has most digits; unchanged if several numbers fit."""
        key = device, batch
        if key not in self._printed:
            cells = self._facts.cells(device, batch)[:_MOST]
            self._printed[key] = [*self._stated.get(key, [])[:_MOST], *(one.number for one in cells)]
        finer = [one for one in self._printed[key] if one.unit < cell.number.unit and same_number(cell.number, one)]
        if not finer or not all(same_number(finer[0], one) for one in finer):
            return cell
        return cell._replace(number=min(finer, key=lambda one: one.unit))
