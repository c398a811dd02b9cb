"""From any number of the report to its formula, raw samples, source, artifact digests and run record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from kit.errors import InvalidInputError
from kit.recipe.schema import Text
from kit.reports.cells import Cell
from kit.reports.context import Report
from kit.results.schema import Artifact, Command, Results, Run

__all__ = ["Trace", "find", "trace"]

_THROUGHPUT = ("bench", "infer")
_ACCURACY = ("preprocess", "infer", "metrics")
#: What comes before every number of a run.
_BEFORE = ("export", "convert")


@dataclass(frozen=True)
class Trace:
    """A number with everything behind it."""

    cell: Cell
    inputs: tuple[Cell, ...]
    artifacts: tuple[Artifact, ...] = ()
    runs: tuple[Run, ...] = ()
    commands: tuple[Command, ...] = ()
    published_at: str | None = None
    conflicts: tuple[Text, ...] = ()

    def data(self) -> dict[str, Any]:
        """The trace as JSON data."""
        cell = self.cell
        return {
            "cell": cell.id,
            "value": cell.text,
            "unrounded": str(cell.value),
            "unit": cell.unit,
            "formula": cell.formula,
            "source": cell.source,
            "mode": cell.mode,
            "toolchain": cell.toolchain,
            "raw": dict(cell.raw),
            "inputs": [{"cell": one.id, "value": one.text, "formula": one.formula} for one in self.inputs],
            "published_at": self.published_at,
            "conflicts": list(self.conflicts),
            "commands": [one.model_dump(mode="json") for one in self.commands],
            "artifacts": [one.model_dump(mode="json") for one in self.artifacts],
            "runs": [one.model_dump(mode="json") for one in self.runs],
        }


def find(report: Report, name: str) -> Cell:
    """The cell of that id; ``310/bs4`` finds a simulated one where there is no other.

    Raises:
        InvalidInputError: there is none.
    """
    for prefix in ("", "simulated:", "published:"):
        if prefix + name in report.cells:
            return report.cells[prefix + name]
    near = get_close_matches(name, report.cells, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise InvalidInputError(
        f"the report has no number {name!r}", remedy=f"{hint}`kit explain` without a name lists all of them"
    )


def trace(report: Report, cell: Cell) -> Trace:
    """Everything behind a number."""
    inputs = tuple(report.cells[id_] for id_ in cell.inputs if id_ in report.cells)
    view = next((one for one in report.targets if one.name == cell.target), None)
    if cell.inputs:  # computed from numbers that have traces of their own
        return Trace(cell, inputs)
    if cell.source == "published" or view is None or view.results is None:
        conflicts = view.published.conflicts if view and view.published and cell.batch else ()
        at = cell.raw.get("at") or report.recipe.published.report
        return Trace(cell, inputs, published_at=str(at) if at else None, conflicts=conflicts)
    steps = _steps(view.results, cell)
    return Trace(
        cell,
        inputs,
        artifacts=tuple(one for one in view.results.artifacts if one.step in steps or one.step == "weights"),
        runs=tuple(one for one in view.results.runs if one.step in steps),
        commands=tuple(one for one in view.results.commands if one.step in steps),
    )


def _steps(results: Results, cell: Cell) -> set[str]:
    """Steps that made a number: of its batch where it has one."""
    return {one.step for one in _relevant(results.commands, cell.batch, throughput=cell.mode is not None)}


def _relevant(commands: tuple[Command, ...], batch: int | None, *, throughput: bool) -> Iterator[Command]:
    stages = list(_ACCURACY)
    if throughput:
        measured = [stage for stage in _THROUGHPUT if any(one.stage == stage for one in commands)]
        stages = measured[:1]
    batches: Mapping[str, list[int]] = {
        stage: sorted({one.batch for one in commands if one.stage == stage and one.batch is not None})
        for stage in (*_BEFORE, *stages)
    }
    for one in commands:
        if one.stage not in (*_BEFORE, *stages):
            continue
        # Accuracy is that of the smallest batch where the data set was inferred at several.
        chosen = batch if throughput else next(iter(batches[one.stage]), None)
        if one.batch is None or chosen is None or one.batch == chosen:
            yield one
