"""The appendix of an artifact evaluation: claim, command, expected value with its tolerance, what was obtained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kit.reports.compare import Verdict
from kit.reports.context import Report, TargetView
from kit.results.measurements import plain

__all__ = ["AppendixRow", "claims", "claims_page"]


@dataclass(frozen=True)
class AppendixRow:
    """One number that somebody may obtain again. What is not known is empty."""

    target: str
    quantity: str  # "top1", "bs16", "mAP"
    claim: str
    command: str
    expected: str
    origin: str  # "published", "reference", "this measurement"
    tolerance: str
    obtained: str
    source: str  # "measured", "simulated", or empty: nothing was obtained here
    outcome: (
        str  # "same", "different", "not comparable", "met", "not met", "measured here", "SIMULATED", "to be obtained"
    )


def claims(report: Report) -> list[AppendixRow]:
    """Every accuracy, metric and throughput of a report, by target."""
    found = []
    for view in report.targets:
        rows = (*_accuracy(report, view), *_metrics(report, view), *_rates(report, view))
        found += [_rehearsed(row) if row.source == "simulated" else row for row in rows]
    return found


def _rehearsed(row: AppendixRow) -> AppendixRow:
    """What stand-ins gave is neither measured nor met."""
    origin = "this rehearsal" if row.origin == "this measurement" else row.origin
    return replace(row, origin=origin, outcome="SIMULATED")


def _command(view: TargetView, batch: int | None = None) -> str:
    words = f"kit reproduce --from ARCHIVE --target {view.name}"
    words += f" --batch {batch}" if batch else ""
    return words + (" --simulate" if view.simulated else "")


def _verdict(report: Report, view: TargetView, quantity: str) -> Verdict | None:
    return next((one for one in report.verdicts if (one.target, one.quantity) == (view.name, quantity)), None)


def _accuracy(report: Report, view: TargetView) -> Iterator[AppendixRow]:
    points = f"{plain(report.recipe.tolerance.accuracy_points)} percentage points"
    for k in (1, 5):
        shown = view.run.accuracy.get(k) if view.run else None
        stated = view.published.accuracy.get(k) if view.published else None
        reference = report.reference.get(k)
        expected, origin = next(
            (
                (number, name)
                for number, name in ((stated, "published"), (reference, "reference"), (shown, "this measurement"))
                if number
            ),
            (None, ""),
        )
        if expected is None or not (shown or stated):
            continue
        outcome = "to be obtained"
        if verdict := _verdict(report, view, f"top{k}"):
            outcome = verdict.outcome
        elif shown:
            check = next((one for one in report.checks if one.shown == shown), None)
            outcome = ("met" if check.met else "not met") if check else "measured here"
        yield AppendixRow(
            view.name, f"top{k}", f"Top{k} of {view.name} over {report.recipe.dataset.count} images", _command(view),
            f"{expected.text} %", origin, points, f"{shown.text} %" if shown else "",
            shown.source if shown else "", outcome if shown else "to be obtained",
        )  # fmt: skip


def _metrics(report: Report, view: TargetView) -> Iterator[AppendixRow]:
    for row in report.metrics_of(view.name):
        unit = f" {row.unit}" if row.unit else ""
        expected = row.published or row.shown
        outcome = "measured here" if row.met is None else "met" if row.met else "not met"
        yield AppendixRow(
            view.name, row.name, f"{row.name} of {view.name}", _command(view), f"{expected.text}{unit}",
            "published" if row.published else "this measurement", f"{row.tolerance}{unit}" if row.tolerance else "",
            f"{row.shown.text}{unit}", row.shown.source, outcome,
        )  # fmt: skip


def _rates(report: Report, view: TargetView) -> Iterator[AppendixRow]:
    measured = view.run.numbers if view.run else {}
    stated = view.published.numbers if view.published else {}
    for batch in sorted({*measured, *stated}):
        shown = measured.get(batch)
        expected = stated.get(batch) or measured[batch]
        verdict = _verdict(report, view, f"bs{batch}")
        yield AppendixRow(
            view.name, f"bs{batch}", f"throughput of {view.name} at batch {batch}", _command(view, batch),
            f"{expected.text} {expected.unit}", "published" if batch in stated else "this measurement",
            f"{plain(report.recipe.tolerance.throughput_percent)} %",
            f"{shown.text} {shown.unit}" if shown else "", shown.source if shown else "",
            verdict.outcome if verdict else "measured here" if shown else "to be obtained",
        )  # fmt: skip


def claims_page(model: str, found: list[AppendixRow]) -> str:
    """The appendix as Markdown."""
    lines = [
        f"# Artifact appendix: claims about {model}",
        "",
        "Each row is one claim, the command that obtains it again, and how near the value must come. A value that is",
        "expected from *this measurement* was published nowhere else. Throughputs are those of the machines in",
        "`system/`.",
        "What stand-ins for a vendor's tools gave says SIMULATED, and proves nothing about the hardware.",
        "",
        "| claim | command | expected | from | tolerance | obtained here | outcome |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in found:
        obtained = (one.obtained + (" SIMULATED" if one.source == "simulated" else "")) or "-"
        columns = (one.claim, f"`{one.command}`", one.expected, one.origin, one.tolerance or "-", obtained, one.outcome)
        lines.append("| " + " | ".join(text.replace("|", "\\|") for text in columns) + " |")
    return "\n".join(lines) + "\n"
