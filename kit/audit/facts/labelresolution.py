"""Which batch and card each statement is really about: its own label, or a better one where the label cannot be right.

This is worked out once, from the surest evidence to the weakest, so that a wrong label is one fault and not a row of
false alarms about the numbers behind it. The rules about labels report what is found here; all others read the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from kit.audit.facts.cellindex import CellIndex, DeviceCells
from kit.audit.facts.labelling import LabelFault, LabelRight, Labels, divided_batch, formula_batch, missing_of_series
from kit.audit.facts.neighbours import Neighbours
from kit.audit.facts.printednumber import Agreement, Printed, agree, same_number, show
from kit.audit.facts.quoting import heading_of_quote
from kit.audit.facts.statements import Statement
from kit.audit.facts.toolruns import ToolRun

__all__ = ["resolve_labels"]

_LABEL_TEXT = re.compile(r"(?:batch[\s_-]{0,9}size|batch|bs)\s{0,9}[:=_]?\s{0,9}([0-9]{1,4})", re.IGNORECASE)
#: The rate that the tool prints and the one of the mean time differ by so much, relatively.
_EQUAL = 0.01
#: No two batches in use have rates so near each other by their batch alone.
_NEAR = 0.05
_REACH = 12


def resolve_labels(near: Neighbours, index: CellIndex) -> Labels:
    """Hold every label of a statement against its formula, the tables, its list and the run that it quotes."""
    work = _Resolution(near, index)
    for statement in near.statements:
        work.against_formula(statement)
    work.against_tables()
    work.against_list()
    work.against_headings()
    work.against_gpu_times()
    faulty = frozenset(fault.line for fault in work.faults)
    return Labels(work.batches, work.devices, tuple(work.faults), tuple(work.right), faulty)


def _shown(statement: Statement) -> str:
    match = _LABEL_TEXT.search(statement.text)
    return "".join(match[0].split()) if match else f"batch{statement.batch}"


def _printed(statement: Statement) -> str:
    return statement.value.text if statement.value else ""


def _telling(number: Printed) -> bool:
    """Whether a number has digits enough to be recognised elsewhere."""
    return len(number.text.strip("0.")) >= 3


@dataclass(slots=True)
class _Resolution:
    """The state of one resolution; it does not outlive :func:`resolve_labels`."""

    near: Neighbours
    index: CellIndex
    batches: dict[int, int] = field(default_factory=dict)
    devices: dict[int, str] = field(default_factory=dict)
    faults: list[LabelFault] = field(default_factory=list)
    right: list[LabelRight] = field(default_factory=list)

    def batch(self, statement: Statement) -> int:
        return self.batches.get(statement.line, statement.batch)

    def fault(self, cause: str, statement: Statement, right: str, inputs: str, message: str) -> None:
        stated = _shown(statement) if cause != "heading" else f"batch{statement.batch}"
        self.faults.append(LabelFault(cause, statement.line, stated, right, inputs, message))

    def against_formula(self, statement: Statement) -> None:
        used = None
        if statement.formula is not None:
            used = formula_batch(statement.formula, statement.target)
        elif "1000" in statement.text:
            used = divided_batch(statement)
        if used is None or not statement.labelled:
            return
        if used == statement.batch:
            note = "label equals the batch of the formula"
            self.right.append(LabelRight("formula", statement.line, _shown(statement), str(used), note))
            return
        slipped = False
        if statement.formula is not None and statement.value is not None:
            value = statement.formula.formula.value
            wrong = agree(statement.value, value) is Agreement.DIFFERENT
            slipped = wrong and agree(statement.value, value * statement.batch / used) is not Agreement.DIFFERENT
        if not slipped:
            self.batches[statement.line] = used
        formula = statement.formula.formula.text if statement.formula else statement.text.strip()[:60]
        message = f"the label says batch {statement.batch}, the formula {formula} is that of batch {used}"
        self.fault("formula", statement, f"batch{used}", formula, message)

    def against_tables(self) -> None:
        """A value that the table has under another batch or another card, and not where its label puts it."""
        peers: dict[str, list[Statement]] = {}
        for statement in self.near.statements:
            if statement.target is not None and statement.value is not None:
                peers.setdefault(statement.target, []).append(statement)
        for device, statements in peers.items():
            cells = self.index.of(device)
            fitting = _Fitting(self, cells, statements)
            for statement in statements:
                number = statement.value
                if number is None or not statement.labelled or statement.line in self.batches or not number.value:
                    continue
                if statement.batch not in cells.by_batch or fitting.fits(statement, statement.batch):
                    continue
                elsewhere = {batch for batch, _ in cells.like(number)} if _telling(number) else set()
                if len(elsewhere) == 1 and fitting.free(statement, batch := elsewhere.pop()):
                    self.batches[statement.line] = batch
                    fitting.count(statement, batch)
                    message = (
                        f"the label says batch {statement.batch},"
                        f" but the table has {number.text} for {device} at batch {batch}"
                    )
                    self.fault("table", statement, f"batch{batch}", number.text, message)
                elif statement.device is not None:
                    self._device_by_table(statement, device, number)

    def _device_by_table(self, statement: Statement, device: str, number: Printed) -> None:
        if not _telling(number):
            return
        fitting = [
            other
            for other in self.index.devices()
            if other not in {device, "NPU"}
            and any(batch == statement.batch for batch, _ in self.index.of(other).like(number))
        ]
        if len(fitting) != 1:
            return
        self.devices[statement.line] = fitting[0]
        message = f"the label says {device}, but the table has {number.text} for {fitting[0]}"
        self.faults.append(LabelFault("device", statement.line, device, fitting[0], number.text, message))

    def against_list(self) -> None:
        """Two lines for the same batch in a list that is in order once one of them gets the batch that is left out."""
        for group in self._lists():
            fixed = missing_of_series([self.batch(statement) for statement in group])
            if fixed is None:
                continue
            place, twin, batch = fixed
            statement, other = group[place], group[twin]
            if statement.value and other.value and statement.value.value == other.value.value:
                continue
            self.batches[statement.line] = batch
            message = (
                f"the label says batch {statement.batch},"
                f" but the list has batch {statement.batch} twice and lacks batch {batch}"
            )
            self.fault("list", statement, f"batch{batch}", _printed(statement), message)

    def _lists(self) -> Iterator[list[Statement]]:
        """Statements of one device that follow each other in one section."""
        group: list[Statement] = []
        section = self.near.document.section
        for statement in self.near.statements:
            if statement.value is None or not statement.labelled:
                continue
            if group and (statement.target != group[-1].target or section(statement.line) != section(group[-1].line)):
                yield group
                group = []
            group.append(statement)
        if group:
            yield group

    def against_headings(self) -> None:
        """The label of a statement against the heading above the run that it quotes."""
        seen: set[int] = set()
        for statement in self.near.statements:
            quote = heading_of_quote(self.near, statement, self.batch, self.devices)
            if quote is None or quote[0].start in seen:
                continue
            run, mark = quote
            seen.add(run.start)
            if mark is None:
                continue
            label = f"batch{statement.batch}"
            if mark.batch == statement.batch:
                note = f"label equals the heading of line {mark.line}"
                self.right.append(LabelRight("heading", statement.line, label, str(mark.batch), note))
            elif statement.line not in self.batches and mark.file != statement.batch:
                self.batches[statement.line] = mark.batch
                message = (
                    f"the label says batch {statement.batch} under the heading of batch {mark.batch} (line {mark.line})"
                )
                self.fault("heading", statement, f"batch{mark.batch}", f"heading of line {mark.line}", message)

    def against_gpu_times(self) -> None:
        """Find the label of another batch: under "batch16", 1000 * 16 / mean is printed as the throughput of 32."""
        for statement in self.near.statements:
            target = self.devices.get(statement.line, statement.target)
            if statement.formula is not None or not statement.labelled or target != "T4":
                continue
            above = self.near.runs_above(statement.line, ("trtexec",))
            if above and statement.line - above[0].end <= _REACH and not self.near.stated(above[0].end, statement.line):
                self._gpu_time(statement, above[0])

    def _gpu_time(self, statement: Statement, run: ToolRun) -> None:
        mark, mean, value = self.near.mark_of(run), run.values.get("mean"), statement.value
        if mark is None or mean is None or value is None or not mean[1].value or statement.line in self.batches:
            return
        own, marked = (1000 * batch / mean[1].value for batch in (statement.batch, mark.batch))
        if abs(value.value - own) <= _EQUAL * own:
            note = f"1000 x batch / mean of line {mean[0]}"
            self.right.append(LabelRight("heading", statement.line, value.text, show(own), note))
        elif mark.batch != statement.batch and abs(value.value - marked) <= _NEAR * marked:
            self.batches[statement.line] = mark.batch
            message = (
                f"the label says batch {statement.batch} under the heading of batch {mark.batch} (line {mark.line}),"
                f" whose mean {mean[1].text} ms makes {show(marked)}"
            )
            self.fault("heading", statement, f"batch{mark.batch}", mean[1].text, message)


class _Fitting:
    """For the statements of one device: which agree with a cell of the table under a batch."""

    def __init__(self, work: _Resolution, cells: DeviceCells, statements: list[Statement]) -> None:
        self._cells = cells
        self._right: dict[int, int] = {}
        for statement in statements:
            if self.fits(statement, work.batch(statement)):
                self.count(statement, work.batch(statement))

    def fits(self, statement: Statement, batch: int) -> bool:
        """Whether the table has the value of the statement at this batch."""
        number = statement.value
        if number is None or not _telling(number):
            return False
        return any(same_number(number, cell.number) for cell in self._cells.by_batch.get(batch, ())[:32])

    def count(self, statement: Statement, batch: int) -> None:
        """Note that a statement agrees with the table at a batch."""
        if statement.value is not None:
            self._right[batch] = self._right.get(batch, 0) + 1

    def free(self, statement: Statement, batch: int) -> bool:
        """Whether no other line states that batch already, or another is right under the label of this one."""
        return bool(self._right.get(statement.batch)) or not self._right.get(batch)
