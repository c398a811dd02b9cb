"""What all checks read: the parsed report with its tables, statements and tool output, and the ledger they write to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kit.audit.findings import Finding, Kind, Ledger, Severity
from kit.audit.numbers import Agreement, Number, agree, show

if TYPE_CHECKING:
    from kit.audit.document import Document
    from kit.audit.statements import Mark, Statement
    from kit.audit.toolblocks import ToolBlock
    from kit.audit.views import Cell, View

__all__ = ["Context"]


@dataclass(slots=True)
class Context:
    """A report under audit. ``batches`` and ``devices`` correct wrong labels; ``npu`` is what a plain "NPU" means."""

    document: Document
    views: list[View]
    statements: list[Statement]
    marks: list[Mark]
    blocks: list[ToolBlock]
    ledger: Ledger
    batches: dict[int, int] = field(default_factory=dict)
    devices: dict[int, str] = field(default_factory=dict)
    npu: str | None = None
    _cells: dict[str, tuple[dict[int, list[Cell]], list[Cell]]] = field(default_factory=dict)

    def compare(
        self, line: int, kind: Kind, stated: Number, value: float, *, inputs: str, note: str, loose: float = 0.0
    ) -> bool:
        """Enter a printed number against its computed value; True where it holds.

        ``loose`` is how far the rounding of the inputs can move the value: within it a mismatch is one of digits.
        """
        verdict = agree(stated, value)
        if verdict is Agreement.SAME:
            self.ledger.hold(line, kind, stated.text, show(value), note)
            return True
        slip = verdict is Agreement.SLIP or abs(value - stated.value) <= loose + stated.unit
        self.ledger.find(
            Finding(
                line,
                kind,
                stated.text,
                show(value),
                inputs,
                f"{note} gives {show(value)}, but {stated.text} is printed",
                Severity.DIGITS if slip else Severity.MAJOR,
            )
        )
        return False

    def batch(self, statement: Statement) -> int:
        """The batch of a statement, corrected where its label is wrong; 0 where none is known."""
        return self.batches.get(statement.line, statement.batch)

    def device(self, statement: Statement) -> str | None:
        """The device of a statement, corrected where its label is wrong."""
        return self.devices.get(statement.line, statement.target)

    def cells(self, device: str, *, batch: int | None = None) -> list[tuple[int, Cell]]:
        """Throughput cells of a device, with their batch, from tables in which one column alone is of that device."""
        if device not in self._cells:
            self._cells[device] = self._collect(device)
        cells, lone = self._cells[device]
        if lone:
            # A table without batches is about the one batch that the prose knows for the device.
            batches = {self.batch(statement) for statement in self.statements if self.device(statement) == device}
            if len(batches) == 1:
                size = batches.pop()
                cells = {**cells, size: [*cells.get(size, []), *lone]}
        if batch is not None:
            return [(batch, cell) for cell in cells.get(batch, [])]
        return [(size, cell) for size, found in cells.items() for cell in found]

    def _collect(self, device: str) -> tuple[dict[int, list[Cell]], list[Cell]]:
        cells: dict[int, list[Cell]] = {}
        lone: list[Cell] = []
        for view in self.views:
            places = [place for place, series in enumerate(view.series) if series.device == device]
            if not view.performance or len(places) != 1 or view.series[places[0]].timed:
                continue
            for record in view.records:
                cell = record.cells[places[0]]
                if cell is None or record.best or record.accuracy or cell.unit not in {"", "rate"}:
                    continue
                if record.batch is not None:
                    cells.setdefault(record.batch, []).append(cell)
                elif len(view.records) == 1:
                    lone.append(cell)
        return cells, lone
