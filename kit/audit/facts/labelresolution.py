"""Which batch size and card each statement is about: those of its label, or others if the label cannot be right.

This is decided once, from the strongest evidence to the weakest, so that a wrong label is one finding and causes no
false findings about its numbers. The rules about labels report what is found here; the other rules use the result.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from kit.audit.facts.cellindex import CellIndex, DeviceCells
from kit.audit.facts.labelling import LabelCheck, Labels, divided_batch, formula_batch, missing_of_series
from kit.audit.facts.neighbours import Neighbours
from kit.audit.facts.printednumber import Agreement, Printed, agree, same_number, show
from kit.audit.facts.quoting import heading_of_quote
from kit.audit.facts.statements import Statement
from kit.audit.facts.toolruns import ToolRun

__all__ = ["resolve_labels"]

_LABEL_TEXT = re.compile(r"(?:batch[\s_-]{0,9}size|batch|bs)\s{0,9}[:=_]?\s{0,9}([0-9]{1,4})", re.IGNORECASE)
#: How far the rate that a tool prints and that of the mean time differ, relatively.
_EQUAL = 0.01
#: Rates of two batch sizes in use differ by more than this, relatively.
#: A number of so many digits is recognised in a table that lacks the batch size of the label.
_LONG = 5
_NEAR = 0.05
_REACH = 12


def resolve_labels(near: Neighbours, index: CellIndex) -> Labels:
    """Compare the label of every statement with its formula, the tables, its list and the run it quotes."""
    work = _Resolution(near, index)
    for statement in near.statements:
        work.against_formula(statement)
    work.against_tables()
    work.against_list()
    work.against_headings()
    work.against_gpu_times()
    return work.labels


def _shown(statement: Statement) -> str:
    match = _LABEL_TEXT.search(statement.text)
    return "".join(match[0].split()) if match else f"batch{statement.batch}"


def _telling(number: Printed) -> bool:
    """Whether a number has enough digits to be recognised elsewhere."""
    return len(number.text.strip("0.")) >= 3


@dataclass(slots=True)
class _Resolution:
    near: Neighbours
    index: CellIndex
    labels: Labels = field(default_factory=Labels)

    def fault(
        self, cause: str, statement: Statement, batch: int, inputs: str, message: str, *, sure: bool = True
    ) -> None:
        if sure:
            self.labels.batches[statement.line] = batch
        stated = _shown(statement) if cause != "heading" else f"batch{statement.batch}"
        self.labels.reject(LabelCheck(cause, statement.line, stated, f"batch{batch}", message, inputs))

    def confirm(self, cause: str, statement: Statement, stated: str, right: str, message: str) -> None:
        self.labels.confirmed.append(LabelCheck(cause, statement.line, stated, right, message))

    def against_formula(self, statement: Statement) -> None:
        used = None
        if statement.formula is not None:
            used = formula_batch(statement.formula, statement.target)
        elif "1000" in statement.text:
            used = divided_batch(statement)
        if used is None or not statement.labelled:
            return
        if used == statement.batch:
            message = "label equals the batch of the formula"
            self.confirm("formula", statement, _shown(statement), str(used), message)
            return
        slipped = False
        if statement.formula is not None and statement.value is not None:
            value = statement.formula.formula.value
            wrong = agree(statement.value, value) is Agreement.DIFFERENT
            slipped = wrong and agree(statement.value, value * statement.batch / used) is not Agreement.DIFFERENT
        formula = statement.formula.formula.text if statement.formula else statement.text.strip()[:60]
        message = f"the label says batch {statement.batch}, but the formula {formula} is for batch {used}"
        self.fault("formula", statement, used, formula, message, sure=not slipped)

    def against_tables(self) -> None:
        """Values that the table has under another batch size or another card, and not where the label puts them."""
        peers: dict[str, list[Statement]] = {}
        for statement in self.near.statements:
            if statement.target is not None and statement.value is not None:
                peers.setdefault(statement.target, []).append(statement)
        for device, statements in peers.items():
            cells = self.index.of(device)
            fitting = _Fitting(self, cells, statements)
            for statement in statements:
                number = statement.value
                if (
                    number is None
                    or not statement.labelled
                    or statement.line in self.labels.batches
                    or not number.value
                ):
                    continue
                if fitting.fits(statement, statement.batch):
                    continue
                if statement.batch not in cells.by_batch and len(number.text.replace(".", "")) < _LONG:
                    continue
                elsewhere = set(cells.batches.like(number)) if _telling(number) else set()
                if len(elsewhere) == 1 and fitting.free(statement, batch := elsewhere.pop()):
                    fitting.count(statement, batch)
                    message = (
                        f"the label says batch {statement.batch},"
                        f" but the table has {number.text} for {device} at batch {batch}"
                    )
                    self.fault("table", statement, batch, number.text, message)
                elif statement.device is not None:
                    self._device_by_table(statement, device, number)

    def _device_by_table(self, statement: Statement, device: str, number: Printed) -> None:
        if not _telling(number):
            return
        fitting = [
            other
            for other in self.index.devices()
            if other not in {device, "NPU"} and statement.batch in self.index.of(other).batches.like(number)
        ]
        if len(fitting) != 1:
            return
        self.labels.devices[statement.line] = fitting[0]
        message = f"the label says {device}, but the table has {number.text} for {fitting[0]}"
        self.labels.reject(LabelCheck("device", statement.line, device, fitting[0], message, number.text))

    def against_list(self) -> None:
        """Two lines with the same batch size, in a list that is in order if one of them has the missing batch size."""
        for group in self._lists():
            fixed = missing_of_series([self.labels.batch(statement) for statement in group])
            if fixed is None:
                continue
            place, twin, batch = fixed
            statement, other = group[place], group[twin]
            if statement.value and other.value and statement.value.value == other.value.value:
                continue
            message = (
                f"the label says batch {statement.batch},"
                f" but the list has batch {statement.batch} twice and lacks batch {batch}"
            )
            self.fault("list", statement, batch, statement.value.text if statement.value else "", message)

    def _lists(self) -> Iterator[list[Statement]]:
        """Consecutive statements about one device in one section."""
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
        """The label of a statement compared with the heading above the run it quotes."""
        seen: set[int] = set()
        for statement in self.near.statements:
            quote = heading_of_quote(self.near, statement, self.labels.device(statement), self.labels.batch(statement))
            if quote is None or quote[0].start in seen:
                continue
            run, mark = quote
            seen.add(run.start)
            if mark is None:
                continue
            label = f"batch{statement.batch}"
            if mark.batch == statement.batch:
                message = f"label equals the heading of line {mark.line}"
                self.confirm("heading", statement, label, str(mark.batch), message)
            elif statement.line not in self.labels.batches and mark.file != statement.batch:
                message = (
                    f"the label says batch {statement.batch} under the heading of batch {mark.batch} (line {mark.line})"
                )
                self.fault("heading", statement, mark.batch, f"heading of line {mark.line}", message)

    def against_gpu_times(self) -> None:
        """Labels with another batch size: below "batch16", 1000 * 16 / mean is printed for batch 32."""
        for statement in self.near.statements:
            target = self.labels.device(statement)
            if statement.formula is not None or not statement.labelled or target != "T4":
                continue
            above = self.near.runs_above(statement.line, ("trtexec",))
            if above and statement.line - above[0].end <= _REACH and not self.near.stated(above[0].end, statement.line):
                self._gpu_time(statement, above[0])

    def _gpu_time(self, statement: Statement, run: ToolRun) -> None:
        mark, mean, value = self.near.mark_of(run), run.values.get("mean"), statement.value
        if mark is None or mean is None or value is None or not mean[1].value or statement.line in self.labels.batches:
            return
        own, marked = (1000 * batch / mean[1].value for batch in (statement.batch, mark.batch))
        if abs(value.value - own) <= _EQUAL * own:
            message = f"1000 x batch / mean of line {mean[0]}"
            self.confirm("heading", statement, value.text, show(own), message)
        elif mark.batch != statement.batch and abs(value.value - marked) <= _NEAR * marked:
            message = (
                f"the label says batch {statement.batch} under the heading of batch {mark.batch} (line {mark.line}),"
                f" whose mean {mean[1].text} ms gives {show(marked)}"
            )
            self.fault("heading", statement, mark.batch, mean[1].text, message)


class _Fitting:
    """Which statements about one device agree with a cell of the table at a batch size."""

    def __init__(self, work: _Resolution, cells: DeviceCells, statements: list[Statement]) -> None:
        self._cells = cells
        self._right: dict[int, int] = {}
        for statement in statements:
            if self.fits(statement, work.labels.batch(statement)):
                self.count(statement, work.labels.batch(statement))

    def fits(self, statement: Statement, batch: int) -> bool:
        """Whether the table has the value of the statement at this batch size."""
        number = statement.value
        if number is None or not _telling(number):
            return False
        return any(same_number(number, cell.number) for cell in self._cells.by_batch.get(batch, ())[:32])

    def count(self, statement: Statement, batch: int) -> None:
        """Note that a statement agrees with the table at a batch size."""
        if statement.value is not None:
            self._right[batch] = self._right.get(batch, 0) + 1

    def free(self, statement: Statement, batch: int) -> bool:
        """Whether no other line states that batch size yet, or another line has the label of this one and is right."""
        return bool(self._right.get(statement.batch)) or not self._right.get(batch)
