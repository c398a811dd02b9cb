"""The gate: what must not pass for a reproduced report, each reason by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kit.errors import CheckFailedError
from kit.recipe.schema import PublishedAccuracy, Recipe
from kit.reports.compare import same_toolchain
from kit.reports.context import Report, TargetView, build
from kit.results.measurements import plain
from kit.results.resultsfile import Results
from kit.storage.store import Store
from kit.verification.link import Link
from kit.verification.verification import find_weights, verify_results

__all__ = ["GateInput", "check", "criteria", "failures"]

#: A tolerance beyond these admits what no reader would take for the same; of the last two, one below.
_WIDEST = {"accuracy_points": 5.0, "throughput_percent": 50.0, "parity_max_abs": 0.1}
_LOOSEST = {"parity_cosine": 0.99, "parity_top1": 0.9}


@dataclass(frozen=True)
class GateInput:
    """What the gate looks at: a report, the links of its verification, and the recipe at the base revision."""

    report: Report
    links: Sequence[Link]
    base: Recipe | None = None
    required: tuple[str, ...] = ()  # targets that must be measured

    @property
    def recipe(self) -> Recipe:
        return self.report.recipe

    @property
    def measured(self) -> list[TargetView]:
        return [view for view in self.report.targets if view.run and not view.simulated]


def _nothing(given: GateInput) -> Iterator[str]:
    if not given.measured:
        yield "nothing was measured"


def _simulated(given: GateInput) -> Iterator[str]:
    for view in given.report.targets:
        if view.simulated:
            yield f"{view.name} is SIMULATED: a rehearsal proves nothing about the hardware"


def _unproven(given: GateInput) -> Iterator[str]:
    for link in given.links:
        if link.state == "wrong":
            yield f"edited: {link.subject}: {link.message}"
        elif link.state == "unproven":
            yield f"unproven: {link.subject}: {link.message}"


def _incomplete(given: GateInput) -> Iterator[str]:
    measured = {view.name: view for view in given.measured}
    for recipe, origin in ((given.recipe, "the recipe"), (given.base, "the recipe at the base revision")):
        if recipe is None:
            continue
        needed = given.required or recipe.default or tuple(recipe.targets)
        for name in needed if recipe is given.recipe else dict.fromkeys((*needed, *measured)):
            if name not in recipe.targets:
                continue
            view = measured.get(name)
            if view is None:
                yield f"incomplete: target {name} of {origin} was not measured"
                continue
            there = view.run.throughput if view.run else {}
            missing = [f"bs{batch}" for batch in recipe.batches_of(name) if batch not in there]
            if missing:
                yield f"incomplete: {name} lacks {', '.join(missing)} of {origin}"
    for view in given.measured:
        accuracy = view.results.accuracy if view.results else None
        if accuracy and accuracy.n != given.recipe.dataset.count:
            yield f"incomplete: {view.name} counted {accuracy.n} of {given.recipe.dataset.count} images"


def _unstable(given: GateInput) -> Iterator[str]:
    """Throughputs whose own measurement says that a second run may not give them again."""
    tolerance = given.recipe.tolerance
    if tolerance.unstable == "accept":
        return
    for view in given.measured:
        found = view.run.unstable(tolerance.throughput_percent) if view.run else {}
        if found:
            first, reasons = next(iter(found.items()))
            rest = "".join(f", bs{batch}" for batch in list(found)[1:])
            also = f"; so {'is' if len(found) == 2 else 'are'} {rest[2:]}" if rest else ""
            yield f"{view.name} bs{first} is unstable: {', '.join(reasons)}{also}"


def _unmeasured(given: GateInput) -> Iterator[str]:
    """Published numbers of a measured target that the measurement leaves out."""
    published = given.recipe.published
    for view in given.measured:
        there = view.run.throughput if view.run else {}
        rates = published.throughput.get(view.name)
        missing = [f"bs{batch}" for batch in sorted(rates.rates if rates else ()) if batch not in there]
        if missing:
            yield f"{view.name}: {', '.join(missing)} was published and not measured"
        if view.name in published.accuracy and not (view.run and view.run.accuracy):
            yield f"{view.name}: its accuracy was published and not measured"


def _toolchain(given: GateInput) -> Iterator[str]:
    for view in given.measured:
        stated = given.recipe.toolchain_of(view.name) if view.name in given.recipe.targets else None
        if view.results and stated and not same_toolchain(stated, view.results.toolchain, view.results.environment):
            yield f"{view.name} ran {view.results.toolchain}, the recipe states {stated}"


def _different(given: GateInput) -> Iterator[str]:
    for verdict in given.report.verdicts:
        if verdict.shown.source == "simulated":
            continue
        if verdict.outcome == "different":
            unit = "%" if verdict.delta.unit == "%" else " percentage points"
            yield (
                f"{verdict.target} {verdict.quantity} is {verdict.shown.text} and not {verdict.published.text} as"
                f" published: {verdict.delta.text}{unit}, tolerance {verdict.tolerance}"
            )
        elif verdict.outcome == "not comparable":
            reasons = ", ".join(verdict.reasons)
            yield f"{verdict.target} {verdict.quantity} cannot be compared with the published value: {reasons}"


def _below(given: GateInput) -> Iterator[str]:
    points = given.recipe.tolerance.accuracy_points
    for one in given.report.checks:
        if not one.met and one.shown.source != "simulated":
            yield (
                f"{one.target} Top{one.k} is {one.shown.text} %, below the reference of {one.reference.text} % by more"
                f" than the tolerance of {points:g} percentage points"
            )


def _worse(given: GateInput) -> Iterator[str]:
    for row in given.report.metrics:
        if row.met is False and row.published and not row.simulated:
            unit = row.unit and f" {row.unit}"
            yield (
                f"{row.target} {row.name} is {row.shown.text}{unit}, worse than the published {row.published.text} by"
                f" more than the tolerance of {row.tolerance}"
            )


def _fraction(given: GateInput) -> Iterator[str]:
    """An accuracy of 0.998 is meant as 99.8 %, and would let anything pass."""
    published = given.recipe.published
    stated: dict[str, PublishedAccuracy | None] = {"published -> reference": published.reference}
    stated |= {f"published -> accuracy -> {name}": one for name, one in published.accuracy.items()}
    for place, one in stated.items():
        for name, value in (("top1", one.top1), ("top5", one.top5)) if one else ():
            if value <= 1:
                yield f"{place} -> {name}: {value:g} is a fraction, and an accuracy is given in percent"


def _tolerance(given: GateInput) -> Iterator[str]:
    tolerance = given.recipe.tolerance
    for name, widest in _WIDEST.items():
        if getattr(tolerance, name) > widest:
            yield f"tolerance -> {name}: {getattr(tolerance, name):g} admits anything; {widest:g} is the most"
    for name, least in _LOOSEST.items():
        if getattr(tolerance, name) < least:
            yield f"tolerance -> {name}: {getattr(tolerance, name):g} admits anything; {least:g} is the least"


def _removed(given: GateInput) -> Iterator[str]:
    """What the recipe at the base revision stated, and the recipe now leaves out or states otherwise."""
    if given.base is None:
        return
    before, now = given.base.published, given.recipe.published
    if before.reference and before.reference != now.reference:
        yield "published -> reference is not that of the base revision"
    for kind in ("accuracy", "throughput"):
        for name, stated in getattr(before, kind).items():
            current = getattr(now, kind).get(name)
            if current is None:
                yield f"published -> {kind} -> {name} of the base revision was removed"
            elif current != stated:
                yield f"published -> {kind} -> {name} is not that of the base revision"
    for name in (*_WIDEST, *_LOOSEST):
        was, is_ = getattr(given.base.tolerance, name), getattr(given.recipe.tolerance, name)
        if is_ > was if name in _WIDEST else is_ < was:
            yield f"tolerance -> {name} was {was:g} at the base revision and is {is_:g}"
    if given.recipe.tolerance.unstable == "accept" != given.base.tolerance.unstable:
        yield "tolerance -> unstable: accept was not so at the base revision"


#: Every reason that closes the gate.
_REASONS: tuple[Callable[[GateInput], Iterator[str]], ...] = (
    _nothing, _simulated, _unproven, _incomplete, _unstable, _unmeasured, _toolchain, _different, _below, _worse,
    _fraction, _tolerance, _removed,
)  # fmt: skip


def failures(given: GateInput) -> list[str]:
    """Why the report does not pass, a sentence each."""
    return list(dict.fromkeys(text for reason in _REASONS for text in reason(given)))


def criteria(recipe: Recipe) -> str:
    """The values that the gate compares with, in one line."""
    published, tolerance = recipe.published, recipe.tolerance
    parts = []
    if published.reference:
        stated = {1: published.reference.top1, 5: published.reference.top5}
        shown = (f"Top{k} {plain(value)} %" for k, value in stated.items() if k <= recipe.model.classes)
        parts.append(f"reference {', '.join(shown)}")
    parts += [f"{name}: {len(rates.rates)} published rates" for name, rates in published.throughput.items()]
    parts.append(
        f"tolerance {plain(tolerance.accuracy_points)} percentage points, {plain(tolerance.throughput_percent)} %"
    )
    return "; ".join(parts)


def check(
    recipe: Recipe,
    folder: Path,
    results: Mapping[str, Results],
    store: Store,
    targets: Sequence[str] | None = None,
    *,
    base: Recipe | None = None,
    weights: Path | None = None,
    simulated: bool = False,
) -> Report:
    """The report that was looked at, where nothing speaks against it.

    Args:
        recipe: what was to be reproduced.
        folder: the report's folder, which holds the results.
        results: what was measured, by target.
        store: where the raw outputs are, if they are on this machine.
        targets: the targets that must be measured; otherwise the recipe's default ones, or all.
        base: the recipe at the revision that this one is compared with.
        weights: a local file instead of the recipe's.
        simulated: whether the folder is that of rehearsals.

    Raises:
        CheckFailedError: the results must not pass; every reason is named.
    """
    report = build(recipe, results, targets)
    chosen = {view.name for view in report.targets}
    looked_at = {name: one for name, one in results.items() if name in chosen}
    digest, _ = find_weights(recipe, store, weights)
    links = verify_results(recipe, folder, looked_at, store, digest, simulated=simulated)
    found = failures(GateInput(report, tuple(links), base, tuple(targets or ())))
    if found:
        raise CheckFailedError(
            f"the gate is closed: {'; '.join(found)}",
            remedy="look at section 9 of the report, remove the cause and run `kit reproduce` again",
        )
    return report
