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

    def _lone_batch(self, view: View, device: str) -> int | None:
        """The batch that a table without batches is about: the prose knows one only for the device."""
        if len(view.records) != 1:
            return None
        batches = {self.batch(statement) for statement in self.statements if self.device(statement) == device}
        return batches.pop() if len(batches) == 1 else None

    def cells(self, device: str, *, batch: int | None = None) -> list[tuple[int, Cell]]:
        """Throughput cells of a device, with their batch, from tables in which one column alone is of that device."""
        found = []
        for view in self.views:
            places = [place for place, series in enumerate(view.series) if series.device == device]
            if not view.performance or len(places) != 1 or view.series[places[0]].timed:
                continue
            for record in view.records:
                cell = record.cells[places[0]]
                if cell is None or record.best or record.accuracy or cell.unit not in {"", "rate"}:
                    continue
                size = record.batch if record.batch is not None else self._lone_batch(view, device)
                if size is not None and batch in {None, size}:
                    found.append((size, cell))
        return found
