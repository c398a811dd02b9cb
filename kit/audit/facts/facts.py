"""The facts of a report, which are read once and do not change."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kit.audit.facts.cellindex import CellIndex
from kit.audit.facts.companions import Companions
from kit.audit.facts.document import Document, parse
from kit.audit.facts.expressions import Equation, Inequality, comparisons, equations
from kit.audit.facts.grids import Grid, read_grids
from kit.audit.facts.labelling import Labels
from kit.audit.facts.labelresolution import resolve_labels
from kit.audit.facts.multiples import TimesClaim, read_times_claims
from kit.audit.facts.neighbours import Neighbours
from kit.audit.facts.printednumber import Printed, number_from
from kit.audit.facts.ratioreading import RatioColumn, ratio_columns
from kit.audit.facts.statements import Statement, read_marks, read_statements
from kit.audit.facts.toolruns import find_runs
from kit.audit.facts.viewreading import read_views
from kit.audit.facts.views import NumberCell, View, with_npu

__all__ = ["Facts", "read_facts"]

#: Longer lines are paragraphs of HTML, in which a device can belong to anything.
_LONGEST_CLAIM = 600
_TIMES = re.compile(r"倍|times|310|[0-9]x\b")


@dataclass(frozen=True, slots=True)
class Facts:
    """A report under audit.

    ``views`` are the tables of devices, ``near`` the statements, marks and tool runs by line; ``labels`` has the batch
    size and device that each statement is about; ``ratios`` are the ratio columns of the views, ``grids`` all tables as
    columns of numbers. ``companions`` are other files. ``formulas``, ``comparisons`` and ``claims`` are those in prose.
    ``npu`` is the device that "NPU" alone means.
    """

    document: Document
    views: tuple[View, ...]
    near: Neighbours
    labels: Labels
    formulas: Mapping[int, tuple[Equation, ...]]
    comparisons: Mapping[int, tuple[Inequality, ...]]
    claims: tuple[TimesClaim, ...]
    npu: str | None
    index: CellIndex
    ratios: tuple[RatioColumn, ...]
    grids: tuple[Grid, ...]
    companions: Companions
    _alone: Mapping[str, int]

    def cells(self, device: str, batch: int) -> list[NumberCell]:
        """The throughput cells of a device at a batch size."""
        found = self.index.of(device)
        # A table without batch sizes is about the only one that the prose states for the device.
        lone = found.lone if self._alone.get(device) == batch else []
        return [*found.by_batch.get(batch, ()), *lone]

    def all_cells(self, device: str) -> Iterator[tuple[int, NumberCell]]:
        """All throughput cells of a device with their batch sizes."""
        found = self.index.of(device)
        yield from found.pairs()
        if device in self._alone:
            yield from ((self._alone[device], cell) for cell in found.lone)

    def claimed(
        self, patterns: Iterable[re.Pattern[str]], words: Iterable[str]
    ) -> Iterator[tuple[int, re.Match[str], Printed]]:
        """The lines of prose with one of the words that match a pattern, and the number in its group ``value``."""
        for line, text in self.document.prose():
            if len(text) < _LONGEST_CLAIM and any(word in text for word in words):
                for match in itertools.chain.from_iterable(pattern.finditer(text) for pattern in patterns):
                    number = number_from(match["value"], start=match.start("value"))
                    if number is not None:
                        yield line, match, number

    def column(self, device: str) -> dict[int, Printed] | None:
        """The throughput of a device by batch size; None if there are fewer than two, or several for one batch size."""
        values: dict[int, Printed] = {}
        for batch, cell in self.all_cells(device):
            if values.setdefault(batch, cell.number).value != cell.number.value:
                return None
        return values if len(values) >= 2 else None


def read_facts(text: str, companions: Companions | None = None) -> Facts:
    """Read the text of a report; ``companions`` are the files beside it."""
    document = parse(text)
    formulas = _formulas(document)
    marks = read_marks(document, formulas)
    statements = read_statements(document, marks, formulas)
    views = read_views(document)
    npu = _npu(statements, views)
    if npu is not None:
        views = [with_npu(view, npu) for view in views]
    near = Neighbours(document, tuple(statements), tuple(marks), tuple(find_runs(document)))
    index = CellIndex(views)
    labels = resolve_labels(near, index)
    return Facts(
        document,
        tuple(views),
        near,
        labels,
        formulas,
        _comparisons(document),
        tuple(_claims(document)),
        npu,
        index,
        tuple(column for view in views for column in ratio_columns(view, document)),
        tuple(read_grids(document)),
        companions or Companions(),
        _alone(statements, labels),
    )


def _npu(statements: list[Statement], views: list[View]) -> str | None:
    """The device that "NPU" alone means: the only one of the two in prose and tables."""
    measured = {statement.target for statement in statements} | {one.device for view in views for one in view.series}
    named = measured & {"310", "310P"}
    return named.pop() if len(named) == 1 else None


def _alone(statements: list[Statement], labels: Labels) -> dict[str, int]:
    """The batch size of each device for which the prose states only one."""
    batches: dict[str, set[int]] = {}
    for statement in statements:
        device = labels.device(statement)
        if device is not None:
            batches.setdefault(device, set()).add(labels.batch(statement))
    return {device: found.pop() for device, found in batches.items() if len(found) == 1}


def _formulas(document: Document) -> dict[int, tuple[Equation, ...]]:
    found = {}
    for line, text in enumerate(document.lines, start=1):
        if not ("=" in text or "倍" in text or "约等于" in text or "大约是" in text):
            continue
        if document.is_command(line) and "吞吐" not in text:
            continue
        if here := equations(text, decimal_comma=document.decimal_comma):
            found[line] = here
    return found


def _comparisons(document: Document) -> dict[int, tuple[Inequality, ...]]:
    found = {}
    for line, text in document.prose():
        if any(sign in text for sign in "<>≥≤") and not document.is_command(line):
            here = comparisons(text, decimal_comma=document.decimal_comma)
            if here:
                found[line] = tuple(here)
    return found


def _claims(document: Document) -> Iterator[TimesClaim]:
    for line, text in document.prose():
        if len(text) < _LONGEST_CLAIM and _TIMES.search(text):
            yield from read_times_claims(line, text)
