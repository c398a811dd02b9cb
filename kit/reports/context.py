"""What the report says, computed from recipe and results alone: cells, tables, checks, verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from kit.measurements import Interval, Throughput, percent, plain, wilson
from kit.recipe import PublishedAccuracy, Recipe, TargetEntry, Text
from kit.reports import compare
from kit.reports.cells import Cell, best_cell, difference, mixed, ratio_cell, throughput_cells
from kit.reports.compare import Check, Verdict
from kit.reports.facts import Facts, factor
from kit.results import Results

__all__ = ["Claim", "Report", "Row", "Side", "Table", "TargetView", "build"]

TOPS = (1, 5)


@dataclass(frozen=True)
class Side:
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

    def unstable(self, percent: float) -> list[int]:
        """Batches whose repeats differ by more than ``percent``: numbers that a second run may not give again."""
        return [batch for batch, one in self.throughput.items() if one.spread and 100 * one.spread > percent]

    @property
    def mode(self) -> str | None:
        """``dataset`` or ``synthetic``, where all batches agree."""
        modes = {one.mode for one in self.throughput.values()}
        return modes.pop() if len(modes) == 1 else None


@dataclass(frozen=True)
class TargetView:
    """One target of the report: its run, if any, and what was published for it."""

    name: str
    facts: Facts
    entry: TargetEntry | None
    published: Side | None
    run: Side | None
    results: Results | None

    def _shown(self, kind: Literal["accuracy", "throughput"]) -> Side | None:
        """The real side: a measurement replaces the published numbers of its kind, a simulation never does."""
        if self.run and not self.run.simulated and getattr(self.run, kind):
            return self.run
        return self.published if self.published and getattr(self.published, kind) else None

    @property
    def accuracy(self) -> Side | None:
        return self._shown("accuracy")

    @property
    def throughput(self) -> Side | None:
        return self._shown("throughput")

    @property
    def simulated(self) -> Side | None:
        return self.run if self.run and self.run.simulated else None

    @property
    def ran(self) -> bool:
        return self.results is not None

    def sides(self, kind: Literal["accuracy", "throughput"]) -> list[Side]:
        """Real numbers first, simulated ones after: never in one table."""
        found = [self._shown(kind), self.simulated]
        return [side for side in found if side and getattr(side, kind)]


@dataclass(frozen=True)
class Row:
    """A row of the comparison: one batch, or the best of each column (``batch`` is None)."""

    batch: int | None
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Claim:
    """The sentence on the best ratio: the subject's best against another target's best."""

    subject: str
    other: str
    ratio: Cell
    times: Cell


@dataclass(frozen=True)
class Table:
    """Section 7.4: throughput of all targets by batch, and the ratios of the subject to the others."""

    simulated: bool
    targets: tuple[str, ...]
    ratios: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    claims: tuple[Claim, ...]
    modes: Mapping[str, str | None]

    @property
    def sources(self) -> set[str]:
        return {cell.source for row in self.rows for cell in row.cells if cell}


@dataclass(frozen=True)
class Report:
    """Everything that the templates, the plots, the HTML and ``kit explain`` show."""

    recipe: Recipe
    targets: tuple[TargetView, ...]
    reference: Mapping[int, Cell]
    tables: tuple[Table, ...]
    checks: tuple[Check, ...]
    verdicts: tuple[Verdict, ...]
    cells: Mapping[str, Cell]
    families: tuple[str, ...] = field(default=())

    @property
    def simulated(self) -> bool:
        return any(view.simulated for view in self.targets)

    @property
    def measured(self) -> bool:
        return any(view.run and not view.simulated for view in self.targets)

    @property
    def ran(self) -> bool:
        return any(view.ran for view in self.targets)

    @property
    def uncontained(self) -> tuple[str, ...]:
        """Targets whose run was not in containers."""
        return tuple(view.name for view in self.targets if view.results and not view.results.containerized)

    def view(self, name: str) -> TargetView:
        return next(view for view in self.targets if view.name == name)


class _Cells(dict[str, Cell]):
    """All cells by id."""

    def keep(self, cell: Cell) -> Cell:
        return self.setdefault(cell.id, cell)


def build(recipe: Recipe, results: Mapping[str, Results], targets: Sequence[str], facts: Mapping[str, Facts]) -> Report:
    """Compute the report.

    Args:
        recipe: what was to be reproduced, and the published numbers.
        results: stored results by target.
        targets: the targets to report, in order.
        facts: each target in words.

    Raises:
        InvalidInputError: a published rate per device of a target that nobody described.
    """
    cells = _Cells()
    views = tuple(_view(recipe, results.get(name), name, facts[name], cells) for name in targets)
    reference = _reference(recipe, cells)
    real = [(view.name, view.throughput) for view in views]
    fake = [(view.name, view.simulated) for view in views]
    tables = [_table(recipe, real, cells, ""), _table(recipe, fake, cells, "simulated:")]
    checks = [
        check
        for view in views
        for side in view.sides("accuracy")
        for check in _checks(recipe, view, side, reference, cells)
    ]
    verdicts = [verdict for view in views for verdict in _verdicts(recipe, view, cells)]
    return Report(
        recipe=recipe,
        targets=views,
        reference=reference,
        tables=tuple(table for table in tables if table),
        checks=tuple(checks),
        verdicts=tuple(verdicts),
        cells=cells,
        families=tuple(dict.fromkeys(view.facts.family for view in _described(views))),
    )


def _described(views: Iterable[TargetView]) -> list[TargetView]:
    """Targets whose conversion and inference are described: those with an accuracy, or all where none has one."""
    listed = list(views)
    return [view for view in listed if view.ran or view.accuracy] or listed


def _view(recipe: Recipe, results: Results | None, name: str, facts: Facts, cells: _Cells) -> TargetView:
    run = _run_side(name, results, cells) if results else None
    measured = run is not None and not run.simulated
    accuracy, throughput = recipe.published.accuracy.get(name), recipe.published.throughput.get(name)
    published = None
    if accuracy or throughput:
        published = _published_side(
            recipe, name, facts, cells,
            accuracy_prefix="published:" if measured and run and run.accuracy else "",
            throughput_prefix="published:" if measured and run and run.throughput else "",
        )  # fmt: skip
    return TargetView(name, facts, recipe.targets.get(name), published, run, results)


def _run_side(name: str, results: Results, cells: _Cells) -> Side:
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
                )
            )  # fmt: skip
            intervals[k] = _interval(accuracy[k], results.accuracy.correct[k - 1], results.accuracy.n, cells)
    return _side(
        name, results.source, prefix, accuracy, intervals, {one.batch: one for one in results.throughput},
        results.toolchain, cells,
    )  # fmt: skip


def _published_side(
    recipe: Recipe, name: str, facts: Facts, cells: _Cells, *, accuracy_prefix: str, throughput_prefix: str
) -> Side:
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
            )  # fmt: skip
    toolchain = (rates.toolchain if rates else None) or (stated.toolchain if stated else None) or ""
    return _side(
        name, "published", throughput_prefix, accuracy, intervals, measured, toolchain, cells,
        conflicts=rates.conflicts if rates else (), command=rates.command if rates else None,
    )  # fmt: skip


def _side(
    name: str,
    source: Literal["measured", "published", "simulated"],
    prefix: str,
    accuracy: Mapping[int, Cell],
    intervals: Mapping[int, tuple[Cell, Cell]],
    throughput: Mapping[int, Throughput],
    toolchain: str,
    cells: _Cells,
    *,
    conflicts: tuple[Text, ...] = (),
    command: str | None = None,
) -> Side:
    values = {}
    for batch in sorted(throughput):
        made = throughput_cells(prefix, name, source, throughput[batch], toolchain)
        for cell in made.values():
            cells.keep(cell)
        values[batch] = made[f"{prefix}{name}/bs{batch}"]
    best = cells.keep(best_cell(f"{prefix}{name}/best", values)) if values else None
    ordered = {batch: throughput[batch] for batch in sorted(throughput)}
    return Side(name, source, accuracy, intervals, ordered, values, best, toolchain, conflicts, command)


def _stated(id_: str, stated: PublishedAccuracy, k: int, recipe: Recipe, target: str | None) -> Cell:
    number = stated.top1 if k == 1 else stated.top5
    value = Decimal(repr(number))
    text = f"{value:.{stated.digits[TOPS.index(k)]}f}" if stated.digits else plain(value)
    where = stated.source or recipe.published.report
    return Cell(
        id=id_, value=value, text=text, unit="%", source="published", formula=f"{text} % as published", target=target,
        toolchain=stated.toolchain, raw={"published": number, "at": where} if where else {"published": number},
    )  # fmt: skip


def _reference(recipe: Recipe, cells: _Cells) -> dict[int, Cell]:
    stated = recipe.published.reference
    if stated is None:
        return {}
    return {k: cells.keep(_stated(f"reference:top{k}", stated, k, recipe, target=None)) for k in TOPS}


def _interval(cell: Cell, successes: int, n: int, cells: _Cells) -> tuple[Cell, Cell]:
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


def _checks(recipe: Recipe, view: TargetView, side: Side, reference: Mapping[int, Cell], cells: _Cells) -> list[Check]:
    checks = []
    for k, stated in reference.items():
        shown = side.accuracy[k]
        low, high = side.intervals[k]
        delta = cells.keep(difference(f"{shown.id}@reference", shown, stated, "points"))
        complete = side.source == "published" or bool(
            view.results and view.results.accuracy and view.results.accuracy.n == recipe.dataset.count
        )
        checks.append(
            Check(
                target=view.name, k=k, shown=shown, reference=stated, delta=delta, low=low, high=high,
                met=delta.value >= -Decimal(repr(recipe.tolerance.accuracy_points)),
                inside=low.value <= stated.value <= high.value,
                complete=complete,
            )
        )  # fmt: skip
    return checks


def _verdicts(recipe: Recipe, view: TargetView, cells: _Cells) -> list[Verdict]:
    run, published, results = view.run, view.published, view.results
    if run is None or published is None or results is None:
        return []
    verdicts = []
    stated = recipe.published.accuracy.get(view.name)
    if stated:
        reasons = compare.accuracy_reasons(recipe, results, stated.toolchain)
        for k in TOPS:
            if k not in run.accuracy:
                continue
            shown, against = run.accuracy[k], published.accuracy[k]
            delta = cells.keep(difference(f"{shown.id}@published", shown, against, "points"))
            low, high = run.intervals[k]
            interval: Interval = (float(low.value), float(high.value))
            tolerance = recipe.tolerance.accuracy_points
            outcome = compare.judge_accuracy(reasons, delta.value, against.value, interval, tolerance)
            verdicts.append(
                Verdict(
                    view.name, f"top{k}", shown, against, delta, outcome, reasons,
                    f"{plain(tolerance)} points", low.text, high.text,
                )
            )  # fmt: skip
    rates = recipe.published.throughput.get(view.name)
    for batch, throughput in run.throughput.items():
        if rates is None or batch not in published.cells:
            continue
        shown, against = run.cells[batch], published.cells[batch]
        delta = cells.keep(difference(f"{shown.id}@published", shown, against, "%"))
        why = compare.throughput_reasons(recipe, results, throughput, rates, published.throughput[batch].factor)
        low_end, high_end = throughput.extent
        tolerance = recipe.tolerance.throughput_percent
        outcome, reasons = compare.judge_throughput(why, throughput.value, throughput.extent, against.value, tolerance)
        several = len(throughput.repeats) > 1
        verdicts.append(
            Verdict(
                view.name, f"bs{batch}", shown, against, delta, outcome, reasons, f"{plain(tolerance)} %",
                plain(low_end, 3) if several else "", plain(high_end, 3) if several else "",
            )
        )  # fmt: skip
    return verdicts


def _table(recipe: Recipe, sides: Sequence[tuple[str, Side | None]], cells: _Cells, prefix: str) -> Table | None:
    present = {name: side for name, side in sides if side and side.cells}
    if not present:
        return None
    bests = {name: side.best for name, side in present.items() if side.best}
    subject = recipe.subject if recipe.subject in present else None
    if subject is None:
        subject = max(bests, key=lambda name: bests[name].value)  # the first of equals
    pairs = tuple((subject, name) for name in present if name != subject)
    rows = []
    for batch in sorted({batch for side in present.values() for batch in side.cells}):
        row: list[Cell | None] = [side.cells.get(batch) for side in present.values()]
        for one, other in pairs:
            numerator, denominator = present[one].cells.get(batch), present[other].cells.get(batch)
            row.append(
                cells.keep(ratio_cell(f"{prefix}{one}/{other}@bs{batch}", numerator, denominator))
                if numerator and denominator
                else None
            )
        rows.append(Row(batch, tuple(row)))
    claims = []
    last: list[Cell | None] = list(bests.values())
    for one, other in pairs:
        quotient = cells.keep(ratio_cell(f"{prefix}{one}/{other}@best", bests[one], bests[other]))
        last.append(quotient)
        claims.append(Claim(one, other, quotient, cells.keep(_times(quotient))))
    rows.append(Row(None, tuple(last)))
    modes = {name: side.mode for name, side in present.items()}
    return Table(bool(prefix), tuple(present), pairs, tuple(rows), tuple(claims), modes)


def _times(quotient: Cell) -> Cell:
    """The ratio as the sentence prints it: three decimals."""
    text = plain(quotient.value, 3) if quotient.value >= Decimal("0.1") else f"{quotient.value:.3g}"
    return Cell(
        id=f"{quotient.id}/times", value=quotient.value, text=text, unit="", source=mixed((quotient.source,)),
        formula=f"{quotient.formula}, printed as {text}", inputs=(quotient.id,), exact=False,
    )  # fmt: skip
