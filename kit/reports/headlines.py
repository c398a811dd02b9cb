"""The first numbers of a report: an accuracy, the best throughput, its ratio to another target or else a latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from kit.reports.context import Report, TargetView
from kit.reports.figures import Figures
from kit.reports.reportnumber import ReportNumber, ratio_ends
from kit.reports.tables import ReportTable

__all__ = ["Headline", "accuracy_of", "headlines", "throughput_of"]


@dataclass(frozen=True)
class Headline:
    """A number with its interval, and the stated number that it is compared with, where there is one."""

    kind: Literal["accuracy", "throughput", "ratio", "latency"]
    label: str  # "cpu Top1", "310P bs8", "310P/T4"
    number: ReportNumber
    interval: tuple[str, str] | None = None  # 95 %, as printed
    against: ReportNumber | None = None
    delta: ReportNumber | None = None
    ok: bool | None = None  # None: nothing is stated, or they cannot be compared
    others: tuple[tuple[str, ReportNumber], ...] = ()  # of the same kind, by their label


def headlines(report: Report, *, simulated: bool) -> tuple[Headline, ...]:
    """Up to three real numbers, or simulated ones, of the target that the others are compared with."""
    table = next((one for one in report.tables if one.simulated == simulated), None)
    first = (table.ratios[0][0] if table.ratios else table.targets[0]) if table else None
    views = sorted(report.targets, key=lambda view: view.name != first)
    found = [next((one for view in views if (one := accuracy_of(report, view, simulated=simulated))), None)]
    for view in views:
        figures = view.simulated if simulated else view.throughput
        if figures and figures.best:
            found += [throughput_of(report, figures), (table and _ratio(table)) or _latency(report, figures)]
            break
    return tuple(one for one in found if one)


def accuracy_of(report: Report, view: TargetView, *, simulated: bool) -> Headline | None:
    """The first metric of a target, or its Top1."""
    for row in report.metrics_of(view.name):
        if row.simulated == simulated:
            label, ends = f"{row.target} {row.name}", _ends(row.low, row.high)
            return Headline("accuracy", label, row.shown, ends, row.published, row.delta, row.met)
    figures = view.simulated if simulated else view.accuracy
    if figures is None or 1 not in figures.accuracy:
        return None
    head = Headline("accuracy", f"{view.name} Top1", figures.accuracy[1], _ends(*figures.intervals[1]))
    return _against(report, head, "top1")


def throughput_of(report: Report, figures: Figures) -> Headline | None:
    """The best throughput of a target."""
    if figures.best is None or figures.best.batch is None:
        return None
    number = figures.numbers[figures.best.batch]
    ends = _ends(report.numbers.get(f"{number.id}/low"), report.numbers.get(f"{number.id}/high"))
    return _against(
        report, Headline("throughput", f"{figures.target} bs{number.batch}", number, ends), f"bs{number.batch}"
    )


def _ends(low: ReportNumber | None, high: ReportNumber | None) -> tuple[str, str] | None:
    return (low.text, high.text) if low and high else None


def _against(report: Report, head: Headline, quantity: str) -> Headline:
    """With the stated number: the published one of the target, or else that of the checkpoint."""
    for one in report.verdicts:
        if one.shown is head.number and one.quantity == quantity:
            return replace(head, against=one.published, delta=one.delta, ok=one.ok)
    for check in report.checks:
        if check.shown is head.number:
            return replace(head, against=check.reference, delta=check.delta, ok=check.ok)
    return head


def _ratio(table: ReportTable) -> Headline | None:
    """The first of the ratios of the bests; the others follow."""
    cells: Sequence[object] = table.rows[-1].cells[len(table.targets) :]
    pairs = zip(table.ratios, cells, strict=True)
    found = [(f"{one}/{two}", cell) for (one, two), cell in pairs if isinstance(cell, ReportNumber)]
    if not found:
        return None
    label, number = found[0]
    return Headline("ratio", label, number, ratio_ends(number), others=tuple(found[1:]))


def _latency(report: Report, figures: Figures) -> Headline | None:
    """Of one call of the smallest batch."""
    for batch, number in figures.numbers.items():
        known = [(name, report.numbers.get(f"{number.id}/{name}")) for name in ("p50", "p90", "p99")]
        (_, middle), *others = known
        if middle:
            rest = tuple((name, one) for name, one in others if one)
            return Headline("latency", f"{figures.target} bs{batch} p50", middle, others=rest)
    return None
