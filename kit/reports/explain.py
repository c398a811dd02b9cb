"""From any number of the report to its formula, raw samples, source, artifact digests and run record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from kit.errors import InvalidInputError
from kit.recipe.schema import Text
from kit.reports.context import Report
from kit.reports.reportnumber import ReportNumber
from kit.results.evidence import Evidence
from kit.results.resultsfile import Artifact, Command, Results, Run

__all__ = ["Quote", "Trace", "find", "printed_by", "trace"]

#: The line or key at the place that evidence names; nothing where the file is not on this machine.
Quote = Callable[[Evidence], str]


@dataclass(frozen=True)
class Trace:
    """A number with everything that it comes from."""

    number: ReportNumber
    inputs: tuple[ReportNumber, ...]
    artifacts: tuple[Artifact, ...] = ()
    runs: tuple[Run, ...] = ()
    commands: tuple[Command, ...] = ()
    published_at: str | None = None
    conflicts: tuple[Text, ...] = ()
    evidence: Mapping[str, Evidence] = field(default_factory=dict)

    def data(self, quote: Quote) -> dict[str, Any]:
        """The trace as JSON data; ``quote`` gives the line or key that evidence names."""
        number = self.number
        return {
            "cell": number.id,
            "value": number.text,
            "unrounded": str(number.value),
            "unit": number.unit,
            "formula": number.formula,
            "source": number.source,
            "mode": number.mode,
            "toolchain": number.toolchain,
            "raw": dict(number.raw),
            "inputs": [{"cell": one.id, "value": one.text, "formula": one.formula} for one in self.inputs],
            "published_at": self.published_at,
            "conflicts": list(self.conflicts),
            "commands": [one.model_dump(mode="json") for one in self.commands],
            "artifacts": [one.model_dump(mode="json") for one in self.artifacts],
            "runs": [one.model_dump(mode="json") for one in self.runs],
            "evidence": [
                {"field": name, **one.model_dump(mode="json"), "line": quote(one)}
                for name, one in self.evidence.items()
            ],
        }


def find(report: Report, name: str) -> ReportNumber:
    """The number of that id; ``310/bs4`` finds a simulated one where there is no other.

    Raises:
        InvalidInputError: no such number.
    """
    for prefix in ("", "simulated:", "published:"):
        if prefix + name in report.numbers:
            return report.numbers[prefix + name]
    near = get_close_matches(name, report.numbers, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise InvalidInputError(
        f"the report has no number {name!r}", remedy=f"{hint}`kit explain` without a name lists all of them"
    )


def trace(report: Report, number: ReportNumber) -> Trace:
    """Everything that a number comes from."""
    inputs = tuple(report.numbers[id_] for id_ in number.inputs if id_ in report.numbers)
    view = next((one for one in report.targets if one.name == number.target), None)
    if number.inputs:  # computed from numbers that have traces of their own
        return Trace(number, inputs, evidence=number.evidence)
    if number.source == "published" or view is None or view.results is None:
        conflicts = view.published.conflicts if view and view.published and number.batch else ()
        at = number.raw.get("at") or report.recipe.published.report
        return Trace(number, inputs, published_at=str(at) if at else None, conflicts=conflicts)
    results = view.results
    printed = printed_by(number.evidence)
    steps = _with_those_before(results, printed)
    # The command that printed the number comes first.
    commands = sorted((one for one in results.commands if one.step in steps), key=lambda one: one.step not in printed)
    return Trace(
        number,
        inputs,
        artifacts=tuple(one for one in results.artifacts if one.step in steps or one.step == "weights"),
        runs=tuple(one for one in results.runs if one.step in steps),
        commands=tuple(commands),
        evidence=number.evidence,
    )


def printed_by(evidence: Mapping[str, Evidence]) -> set[str]:
    """Steps that printed a number itself, not further numbers printed with it."""
    return {one.step for name, one in evidence.items() if not name.startswith("raw[")}


def _with_those_before(results: Results, steps: set[str]) -> set[str]:
    """The steps and all whose outputs they took."""
    after = {run.step: run.after for run in results.runs}
    found, pending = set(steps), list(steps)
    while pending:
        new = set(after.get(pending.pop(), ())) - found
        found |= new
        pending += new
    return found
