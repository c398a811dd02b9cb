"""The numbers of one target from one source: measured, published, or simulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from kit.recipe.schema import PublishedAccuracy, Recipe, Text
from kit.reports.cells import Cell, best_cell, throughput_cells
from kit.reports.targetfacts import TargetFacts, factor
from kit.results.measurements import Throughput, percent, plain, wilson
from kit.results.resultsfile import Results

__all__ = ["TOPS", "Cells", "Figures", "published_figures", "reference", "run_figures"]

#: The TopK that reports of this family publish.
TOPS = (1, 5)


class Cells(dict[str, Cell]):
    """All cells by id."""

    def keep(self, cell: Cell) -> Cell:
        return self.setdefault(cell.id, cell)


@dataclass(frozen=True)
class Figures:
    """The numbers of one target from one source."""

    target: str
    source: Literal["measured", "published", "simulated"]
    accuracy: Mapping[int, Cell]  # k -> TopK
    intervals: Mapping[int, tuple[Cell, Cell]]
    throughput: Mapping[int, Throughput]  # batch -> measurement
    cells: Mapping[int, Cell]  # batch -> images per second
    best: Cell | None
    toolchain: str
    conflicts: tuple[Text, ...] = ()
    command: str | None = None

    @property
    def simulated(self) -> bool:
        return self.source == "simulated"

    def unstable(self, percent: float) -> dict[int, tuple[str, ...]]:
        """Batch -> why a second run may not give its number again.

        What the measurement itself says of it; where it says nothing, a spread of its repeats of more than `percent`.
        """
        found = {}
        for batch, one in self.throughput.items():
            if one.unstable:
                found[batch] = one.unstable
            elif one.unstable is None and one.spread and 100 * one.spread > percent:
                found[batch] = (f"the repeats differ by {100 * one.spread:.1f} %",)
        return found

    @property
    def mode(self) -> str | None:
        """``dataset`` or ``synthetic``, where all batches agree."""
        modes = {one.mode for one in self.throughput.values()}
        return modes.pop() if len(modes) == 1 else None


def run_figures(name: str, results: Results, cells: Cells) -> Figures:
    """What a run of the target gave; cells of a simulated one have their own names."""
    prefix = "simulated:" if results.source == "simulated" else ""
    accuracy: dict[int, Cell] = {}
    intervals = {}
    if results.accuracy:
        for k in range(1, 6):
            id_ = f"{prefix}{name}/top{k}"
            accuracy[k] = cells.keep(
                Cell(
                    id=id_, value=results.accuracy.top(k), text=percent(results.accuracy.top(k)), unit="%",
                    source=results.source, formula=results.accuracy.formula(k), target=name,
                    toolchain=results.toolchain,
                    raw={"correct": results.accuracy.correct[k - 1], "n": results.accuracy.n,
                         "ties": results.accuracy.ties},
                    evidence={name: one for name, one in results.accuracy.evidence.items()
                              if name in {f"correct[{k - 1}]", "n", "ties"}},
                )
            )  # fmt: skip
            intervals[k] = _interval(accuracy[k], results.accuracy.correct[k - 1], results.accuracy.n, cells)
    return _figures(
        name, results.source, prefix, accuracy, intervals, {one.batch: one for one in results.throughput},
        results.toolchain, cells,
    )  # fmt: skip


def published_figures(
    recipe: Recipe, name: str, facts: TargetFacts, cells: Cells, *, accuracy_prefix: str, throughput_prefix: str
) -> Figures:
    """What the recipe says was published; a prefix tells cells apart from measured ones of the same name."""
    stated = recipe.published.accuracy.get(name)
    rates = recipe.published.throughput.get(name)
    accuracy: dict[int, Cell] = {}
    intervals = {}
    if stated:
        for k in TOPS:
            accuracy[k] = cells.keep(_stated(f"{accuracy_prefix}{name}/top{k}", stated, k, recipe, target=name))
            n = recipe.dataset.count
            intervals[k] = _interval(accuracy[k], round(accuracy[k].value * n / 100), n, cells)
    measured = {}
    if rates:
        for batch, rate in sorted(rates.rates.items()):
            measured[batch] = Throughput(
                batch=batch,
                rate=rate,
                per=rates.per,
                factor=factor(rates, batch, facts),
                unit=rates.unit,
                mode=rates.mode,
                conditions=rates.conditions,
            )  # fmt: skip
    toolchain = (rates.toolchain if rates else None) or (stated.toolchain if stated else None) or ""
    return _figures(
        name, "published", throughput_prefix, accuracy, intervals, measured, toolchain, cells,
        conflicts=rates.conflicts if rates else (), command=rates.command if rates else None,
    )  # fmt: skip


def _figures(
    name: str,
    source: Literal["measured", "published", "simulated"],
    prefix: str,
    accuracy: Mapping[int, Cell],
    intervals: Mapping[int, tuple[Cell, Cell]],
    throughput: Mapping[int, Throughput],
    toolchain: str,
    cells: Cells,
    *,
    conflicts: tuple[Text, ...] = (),
    command: str | None = None,
) -> Figures:
    values = {}
    for batch in sorted(throughput):
        made = throughput_cells(prefix, name, source, throughput[batch], toolchain)
        for cell in made.values():
            cells.keep(cell)
        values[batch] = made[f"{prefix}{name}/bs{batch}"]
    best = cells.keep(best_cell(f"{prefix}{name}/best", values)) if values else None
    ordered = {batch: throughput[batch] for batch in sorted(throughput)}
    return Figures(name, source, accuracy, intervals, ordered, values, best, toolchain, conflicts, command)


def _stated(id_: str, stated: PublishedAccuracy, k: int, recipe: Recipe, target: str | None) -> Cell:
    number = stated.top1 if k == 1 else stated.top5
    value = Decimal(repr(number))
    text = f"{value:.{stated.digits[TOPS.index(k)]}f}" if stated.digits else plain(value)
    where = stated.source or recipe.published.report
    return Cell(
        id=id_, value=value, text=text, unit="%", source="published", formula=f"{text} % as published", target=target,
        toolchain=stated.toolchain, raw={"published": number, "at": where} if where else {"published": number},
    )  # fmt: skip


def reference(recipe: Recipe, cells: Cells) -> dict[int, Cell]:
    """The open-source accuracy: k -> TopK."""
    stated = recipe.published.reference
    if stated is None:
        return {}
    return {k: cells.keep(_stated(f"reference:top{k}", stated, k, recipe, target=None)) for k in TOPS}


def _interval(cell: Cell, successes: int, n: int, cells: Cells) -> tuple[Cell, Cell]:
    low, high = wilson(successes, n)
    made = []
    for name, bound in (("low", low), ("high", high)):
        value = Decimal(repr(bound))
        made.append(
            cells.keep(
                Cell(
                    id=f"{cell.id}/{name}", value=value, text=f"{value:.2f}", unit="%", source=cell.source,
                    formula=f"95 % Wilson interval of {successes} of {n}: {low:.2f} to {high:.2f} %", inputs=(cell.id,),
                    raw={"correct": successes, "n": n}, target=cell.target, exact=False,
                )
            )
        )  # fmt: skip
    return made[0], made[1]
