"""The verdict on a report: whether the measured numbers agree with the stated ones, in one word and by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from kit.planning.planned import settings
from kit.reports.context import Report, TargetView
from kit.reports.reportnumber import ReportNumber

__all__ = ["Standing", "State", "StatedMatch", "standing"]

#: ``holds``: what could be compared with a stated number agrees; ``open``: nothing could be; ``measured``: none stated.
State = Literal["holds", "fails", "open", "measured", "published", "simulated"]


@dataclass(frozen=True)
class StatedMatch:
    """A measured number against a stated one; ``ok`` is None where the two cannot be compared."""

    target: str
    quantity: str  # "Top1", "bs16", the name of a metric
    ok: bool | None
    delta: ReportNumber
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Standing:
    """The verdict on a report, or on one target of it."""

    state: State
    matches: tuple[StatedMatch, ...] = ()
    unstable: tuple[str, ...] = ()  # "cpu bs64"
    changed: tuple[str, ...] = ()  # targets whose recipe has other settings now than when they were measured

    def those(self, ok: bool | None) -> tuple[StatedMatch, ...]:
        """Those that hold (True), that do not (False), or that cannot be compared (None)."""
        return tuple(one for one in self.matches if one.ok is ok)


def standing(report: Report, target: str | None = None) -> Standing:
    """The verdict over all targets of a report, or over one of them."""
    views = [view for view in report.targets if target in {None, view.name}]
    measured = [view for view in views if view.run and not view.simulated]
    if not measured:
        return Standing("simulated" if any(view.simulated for view in views) else "published")
    names = {view.name for view in measured}
    found = tuple(one for one in _matches(report) if one.target in names)
    limit = report.recipe.tolerance.throughput_percent
    outcomes = {one.ok for one in found}
    state: State = "measured"
    if outcomes:
        state = "fails" if False in outcomes else "holds" if True in outcomes else "open"
    return Standing(
        state,
        found,
        tuple(f"{view.name} bs{batch}" for view in measured if view.run for batch in view.run.unstable(limit)),
        tuple(view.name for view in measured if _changed(report, view)),
    )


def _matches(report: Report) -> Iterator[StatedMatch]:
    """Of measured numbers alone: with the open-source accuracy, the published numbers, the metrics' stated values."""
    for check in report.checks:
        if check.shown.source == "measured":
            reasons = () if check.complete else ("dataset",)
            yield StatedMatch(check.target, f"Top{check.k}", check.ok, check.delta, reasons)
    for one in report.verdicts:
        if one.shown.source == "measured":
            yield StatedMatch(one.target, one.quantity.replace("top", "Top"), one.ok, one.delta, one.reasons)
    for row in report.metrics:
        if row.delta and row.met is not None and not row.simulated:
            yield StatedMatch(row.target, row.name, row.met, row.delta)


def _changed(report: Report, view: TargetView) -> bool:
    planned = view.results.planned if view.results else None
    return planned is not None and planned.recipe != settings(report.recipe, view.name)
