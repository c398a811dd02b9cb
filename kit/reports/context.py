"""What the report says, computed from recipe and results alone: numbers, tables, checks, verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from kit.host import speed_facts
from kit.recipe.schema import Recipe, TargetEntry
from kit.reports import compare, tables
from kit.reports.compare import AccuracyCheck, Verdict
from kit.reports.figures import Figures, NumberIndex, published_figures, reference, run_figures
from kit.reports.metricrows import MetricRow, declarations, metric_rows
from kit.reports.reportnumber import ReportNumber, difference
from kit.reports.tables import ReportTable
from kit.reports.targetfacts import TargetFacts, describe_targets, reported_targets
from kit.results.comparison import classify
from kit.results.measurements import plain
from kit.results.resultsfile import Results

__all__ = ["Report", "TargetView", "build"]


@dataclass(frozen=True)
class TargetView:
    """One target of the report: its run, if any, and what was published for it."""

    name: str
    facts: TargetFacts
    entry: TargetEntry | None
    published: Figures | None
    run: Figures | None
    results: Results | None

    def _shown(self, kind: Literal["accuracy", "throughput"]) -> Figures | None:
        """The real figures: a measurement replaces the published numbers of its kind, a simulation never does."""
        if self.run and not self.run.simulated and getattr(self.run, kind):
            return self.run
        return self.published if self.published and getattr(self.published, kind) else None

    @property
    def accuracy(self) -> Figures | None:
        return self._shown("accuracy")

    @property
    def throughput(self) -> Figures | None:
        return self._shown("throughput")

    @property
    def simulated(self) -> Figures | None:
        return self.run if self.run and self.run.simulated else None

    @property
    def ran(self) -> bool:
        return self.results is not None

    @property
    def tool(self) -> str:
        """What inferred, or would infer, where a family of targets has several programs for that."""
        return self.results.environment.get("inference tool", "") if self.results else self.facts.tool

    @property
    def stated(self) -> bool:
        """Whether its published numbers are those to report: nothing real was measured."""
        return self.published is not None and (not self.ran or self.simulated is not None)

    def figures(self, kind: Literal["accuracy", "throughput"]) -> list[Figures]:
        """Real numbers first, simulated ones after: never in one table."""
        found = [self._shown(kind), self.simulated]
        return [figures for figures in found if figures and getattr(figures, kind)]


@dataclass(frozen=True)
class Report:
    """Everything that the templates, the plots, the HTML and ``kit explain`` show."""

    recipe: Recipe
    targets: tuple[TargetView, ...]
    reference: Mapping[int, ReportNumber]
    tables: tuple[ReportTable, ...]
    checks: tuple[AccuracyCheck, ...]
    verdicts: tuple[Verdict, ...]
    numbers: Mapping[str, ReportNumber]
    families: tuple[str, ...] = ()
    metrics: tuple[MetricRow, ...] = ()
    counts_classes: bool = True

    @property
    def simulated(self) -> bool:
        return any(view.simulated for view in self.targets)

    @property
    def ran(self) -> bool:
        return any(view.ran for view in self.targets)

    @property
    def item(self) -> Literal["images", "samples"]:
        """What a throughput counts: images, or what a script made of its data where the recipe has no preprocessing."""
        return "images" if self.recipe.preprocess else "samples"

    def metrics_of(self, target: str) -> tuple[MetricRow, ...]:
        """The metrics of one target."""
        return tuple(row for row in self.metrics if row.target == target)

    def has_published_scripts(self, views: Sequence[TargetView]) -> bool:
        """Whether numbers of one of the targets are those of a published report with scripts of the usual names."""
        published = self.recipe.published
        known = published.report is not None and published.python is not None
        return known and self.counts_classes and any(view.stated for view in views)

    @property
    def uncontained(self) -> tuple[str, ...]:
        """Targets whose run was not in containers."""
        return tuple(view.name for view in self.targets if view.results and not view.results.containerized)

    @property
    def hosts(self) -> tuple[tuple[str, str, Mapping[str, str]], ...]:
        """Target, label of the host that measured it, and what that is; none where not several hosts did."""
        hosts = [(view.name, view.results.host) for view in self.targets if view.results]
        labels = {host.get("host") for _, host in hosts}
        return () if len(labels) < 2 else tuple((name, host.get("host", "home"), host) for name, host in hosts)

    @property
    def hosts_differ(self) -> bool:
        """Whether the hosts are not equally fast by what is known of them."""
        return len({speed_facts(host) for _, _, host in self.hosts}) > 1


def build(
    recipe: Recipe,
    results: Mapping[str, Results],
    targets: Sequence[str] | None = None,
    facts: Mapping[str, TargetFacts] | None = None,
) -> Report:
    """Compute the report.

    Args:
        recipe: what was to be reproduced, and the published numbers.
        results: stored results by target.
        targets: the targets to report, in order; by default those with a stored or published number.
        facts: each target in words; taken from the installed targets where absent.

    Raises:
        InvalidInputError: a target that is not installed and has no results, or a published rate per device of one
            whose devices are unknown.
    """
    numbers = NumberIndex()
    chosen = reported_targets(recipe, results) if targets is None else targets
    known = facts or describe_targets(chosen, recipe, results)
    views = tuple(_view(recipe, results.get(name), name, known[name], numbers) for name in chosen)
    stated = reference(recipe, numbers)
    real = [(view.name, view.throughput) for view in views]
    fake = [(view.name, view.simulated) for view in views]
    both = [tables.table(recipe, real, numbers, ""), tables.table(recipe, fake, numbers, "simulated:")]
    checks = tuple(check for view in views for check in _checks(recipe, view, stated, numbers))
    verdicts = tuple(verdict for view in views for verdict in _verdicts(recipe, view, numbers))
    declared = declarations(recipe)
    return Report(
        recipe=recipe,
        targets=views,
        reference=stated,
        tables=tuple(table for table in both if table),
        checks=checks,
        verdicts=verdicts,
        numbers=numbers,
        families=tuple(dict.fromkeys(view.facts.family for view in _described(views))),
        metrics=tuple(row for view in views for row in metric_rows(view.name, view.results, declared, numbers)),
        counts_classes=not declared,
    )


def _described(views: Sequence[TargetView]) -> Sequence[TargetView]:
    """Targets whose conversion and inference are described: those with an accuracy, or all where none has one."""
    return [view for view in views if view.ran or view.accuracy] or views


def _view(recipe: Recipe, results: Results | None, name: str, facts: TargetFacts, numbers: NumberIndex) -> TargetView:
    run = run_figures(name, results, numbers) if results else None
    measured = run is not None and not run.simulated
    accuracy, throughput = recipe.published.accuracy.get(name), recipe.published.throughput.get(name)
    published = None
    if accuracy or throughput:
        published = published_figures(
            recipe, name, facts, numbers,
            accuracy_prefix="published:" if measured and run and run.accuracy else "",
            throughput_prefix="published:" if measured and run and run.throughput else "",
        )  # fmt: skip
    return TargetView(name, facts, recipe.targets.get(name), published, run, results)


def _checks(
    recipe: Recipe, view: TargetView, reference: Mapping[int, ReportNumber], numbers: NumberIndex
) -> Iterator[AccuracyCheck]:
    accuracy = view.results.accuracy if view.results else None
    whole = accuracy is not None and accuracy.n == recipe.dataset.count
    for figures in view.figures("accuracy"):
        for k, stated in reference.items():
            if k not in figures.accuracy:  # results of a model of fewer classes
                continue
            shown = figures.accuracy[k]
            low, high = figures.intervals[k]
            delta = numbers.keep(difference(f"{shown.id}@reference", shown, stated, "points"))
            yield AccuracyCheck(
                target=view.name, k=k, shown=shown, reference=stated, delta=delta, low=low, high=high,
                met=delta.value >= -Decimal(repr(recipe.tolerance.accuracy_points)),
                inside=low.value <= stated.value <= high.value,
                complete=whole or figures.source == "published",
            )  # fmt: skip


def _verdicts(recipe: Recipe, view: TargetView, numbers: NumberIndex) -> Iterator[Verdict]:
    run, published, results = view.run, view.published, view.results
    if run is None or published is None or results is None:
        return
    stated, points = recipe.published.accuracy.get(view.name), recipe.tolerance.accuracy_points
    if stated and run.accuracy:
        reasons = compare.accuracy_reasons(recipe, results, stated.toolchain)
        for k, against in published.accuracy.items():
            if k not in run.accuracy:
                continue
            shown, (low, high) = run.accuracy[k], run.intervals[k]
            delta = numbers.keep(difference(f"{shown.id}@published", shown, against, "points"))
            # Chance may explain the distance where the interval holds the published value.
            same = abs(delta.value) <= Decimal(repr(points)) or low.value <= against.value <= high.value
            yield Verdict(
                view.name, f"top{k}", shown, against, delta, compare.outcome(reasons, same=same), reasons,
                f"{plain(points)} points", low.text, high.text,
            )  # fmt: skip
    rates, percent = recipe.published.throughput.get(view.name), recipe.tolerance.throughput_percent
    for batch, throughput in run.throughput.items():
        if rates is None or batch not in published.numbers:
            continue
        shown, against = run.numbers[batch], published.numbers[batch]
        delta = numbers.keep(difference(f"{shown.id}@published", shown, against, "%"))
        # The rule of `kit compare`: different where value and interval are beyond the tolerance.
        relation = classify(throughput.value, throughput.extent, against.value, percent)
        reasons = compare.throughput_reasons(recipe, results, throughput, rates, published.throughput[batch].factor)
        if not reasons and relation == "unclear":
            reasons = ("spread",)
        ends = (plain(end, 3) for end in throughput.extent) if len(throughput.repeats) > 1 else ()
        yield Verdict(
            view.name, f"bs{batch}", shown, against, delta, compare.outcome(reasons, same=relation == "same"), reasons,
            f"{plain(percent)} %", *ends,
        )  # fmt: skip
