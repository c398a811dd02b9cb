"""The gate: what must not pass for a reproduced report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kit.errors import CheckFailedError
from kit.recipe.schema import Recipe
from kit.reports.context import Report, build
from kit.reports.facts import Facts, gather, reported_targets
from kit.results.schema import Results

__all__ = ["check", "failures"]


def failures(report: Report) -> list[str]:
    """Why the report does not pass, a sentence each: a simulated number, a difference, an accuracy below."""
    found = [
        f"{view.name} is SIMULATED: a rehearsal proves nothing about the hardware"
        for view in report.targets
        if view.simulated
    ]
    for verdict in report.verdicts:
        if verdict.outcome == "different":
            unit = "%" if verdict.delta.unit == "%" else " percentage points"
            found.append(
                f"{verdict.target} {verdict.quantity} is {verdict.shown.text} and not {verdict.published.text} as"
                f" published: {verdict.delta.text}{unit}, tolerance {verdict.tolerance}"
            )
    found.extend(
        f"{one.target} Top{one.k} is {one.shown.text} %, below the reference of {one.reference.text} % by more"
        f" than the tolerance of {report.recipe.tolerance.accuracy_points:g} percentage points"
        for one in report.checks
        if not one.met and one.shown.source != "simulated"
    )
    return [*found, *_unstable(report)]


def _unstable(report: Report) -> list[str]:
    """Measured throughputs that say against themselves that a second run may not give them again."""
    tolerance = report.recipe.tolerance
    if tolerance.unstable == "accept":
        return []
    return [
        f"{view.name} bs{batch} is unstable: {', '.join(reasons)}"
        for view in report.targets
        if view.run and not view.simulated
        for batch, reasons in view.run.unstable(tolerance.throughput_percent).items()
    ]


def check(
    recipe: Recipe,
    results: Mapping[str, Results],
    targets: Sequence[str] | None = None,
    *,
    facts: Mapping[str, Facts] | None = None,
) -> Report:
    """Raise CheckFailedError where the results must not pass; otherwise the report that was looked at."""
    chosen = reported_targets(recipe, results) if targets is None else list(targets)
    report = build(recipe, results, chosen, facts or gather(chosen, recipe, results))
    found = failures(report)
    if found:
        raise CheckFailedError(
            f"the gate is closed: {'; '.join(found)}",
            remedy="look at section 9 of the report, mend the cause and run `kit reproduce` again",
        )
    return report
