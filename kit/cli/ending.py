"""The end of ``kit reproduce`` in four lines: what was reproduced, what is the same, what differs, where to look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from itertools import groupby
from typing import TYPE_CHECKING

from kit.results.digits import rounded
from kit.terminal import visible

if TYPE_CHECKING:
    from kit.execution.reproduction import Reproduction
    from kit.recipe.schema import Recipe
    from kit.results.comparison import Compared
    from kit.results.resultsfile import Results

__all__ = ["ending", "files_written"]


def ending(recipe: Recipe, done: Reproduction, archived: Mapping[str, Results] | None = None) -> Iterator[str]:
    """The lines; two of them only where an archive or a committed report holds results of the same targets."""
    before = archived or done.committed
    yield f"reproduced  {visible(recipe.model.name)}: {'; '.join(map(_one, done.results.values()))}"
    if before:
        from kit.results.comparison import Margins, compare, pairs

        matched, _ = pairs(before, done.results)
        rule = Margins(recipe.tolerance.throughput_percent, recipe.tolerance.accuracy_points, recipe.comparison.accept)
        found = [line for name, first, second in matched for line in compare(name, first, second, rule)]
        yield f"the same    {_listed(line for line in found if line.outcome == 'same')}"
        yield f"different   {_listed(line for line in found if line.outcome != 'same')}"
    note = "; the committed report is as it was: --update replaces it" if done.committed else ""
    yield f"report: {done.folder / 'README.md'} ({files_written(done.changed)}{note})"


def files_written(changed: Sized) -> str:
    """What a rendering did, in the brackets behind its report."""
    return f"{_counted(len(changed), 'file', 'files')} written" if changed else "nothing changed"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _listed(lines: Iterable[Compared]) -> str:
    """Numbers by target and outcome: ``cpu bs1, bs4 slower (unstable); T4 top1``."""
    parts = []
    for (target, outcome, unstable), group in groupby(lines, lambda one: (one.target, one.outcome, bool(one.unstable))):
        numbers = ", ".join(one.quantity for one in group)
        said = f" {outcome}" * (outcome != "same") + " (unstable)" * unstable
        parts.append(f"{visible(target)} {numbers}{said}")
    return "; ".join(parts) or "nothing"


def _one(results: Results) -> str:
    accuracy = results.accuracy
    top1 = f", {accuracy.correct[0]} of {accuracy.n} right" if accuracy else ""
    short = [one.model_copy(update={"value": float(rounded(one.value, None))}) for one in results.metrics[:2]]
    scores = "".join(f", {visible(one.name)} {one.text}" for one in short)
    batches = f", {_counted(len(results.throughput), 'batch', 'batches')}" if results.throughput else ""
    return f"{results.target}{' SIMULATED' if results.source == 'simulated' else ''}{top1}{scores}{batches}"
