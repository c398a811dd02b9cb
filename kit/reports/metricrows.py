"""Metrics of a task in the report: each with its interval, and against what was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from kit.recipe.schema import Recipe
from kit.reports.figures import NumberIndex
from kit.reports.reportnumber import ReportNumber, mixed
from kit.results.measurements import plain
from kit.results.metrics import Declaration, Metric
from kit.results.resultsfile import Results

__all__ = ["MetricRow", "declarations", "metric_rows"]


#: Scripts print no more decimals than that.
_PRINTED = 8


@dataclass(frozen=True)
class MetricRow:
    """One metric of one target. What is not known is None."""

    target: str
    name: str
    unit: str
    shown: ReportNumber
    low: ReportNumber | None = None
    high: ReportNumber | None = None
    method: str | None = None  # of the interval
    samples: int | None = None
    published: ReportNumber | None = None
    delta: ReportNumber | None = None
    tolerance: str = ""
    met: bool | None = None

    @property
    def simulated(self) -> bool:
        """Whether a rehearsal gave it."""
        return self.shown.simulated


def declarations(recipe: Recipe) -> dict[str, Declaration]:
    """The metrics that the recipe's task declares, by name; empty for a task that is not installed."""
    from kit.errors import InvalidInputError
    from kit.planning.task import task_of

    try:
        return {one.name: one for one in task_of(recipe).metrics(recipe)}
    except InvalidInputError:
        return {}


def metric_rows(
    target: str, results: Results | None, declared: Mapping[str, Declaration], numbers: NumberIndex
) -> tuple[MetricRow, ...]:
    """A row for each metric that a target's run gave."""
    if results is None:
        return ()
    return tuple(_row(target, results, one, declared.get(one.name), numbers) for one in results.metrics)


def _row(
    target: str, results: Results, metric: Metric, declared: Declaration | None, numbers: NumberIndex
) -> MetricRow:
    prefix = "simulated:" if results.source == "simulated" else ""
    unit = "" if metric.unit in {"none", "fraction"} else "%" if metric.unit == "percent" else metric.unit
    base = f"{prefix}{target}/{metric.name}"

    def number(id_: str, value: float, formula: str, field: str) -> ReportNumber:
        return numbers.keep(
            ReportNumber(
                id=id_, value=Decimal(repr(value)), text=_shown(value), unit=unit, source=results.source,
                formula=formula, target=target, toolchain=results.toolchain,
                raw={"value": metric.value} | ({"samples": metric.samples} if metric.samples else {}),
                evidence={name: one for name, one in metric.evidence.items() if name.startswith(field)},
            )
        )  # fmt: skip

    shown = number(base, metric.value, metric.text, "value")
    row = MetricRow(target, metric.name, unit, shown, samples=metric.samples)
    if metric.interval:
        how = f"95 % interval ({metric.method})"
        low, high = (
            number(f"{base}/{end}", value, how, "interval")
            for end, value in zip(("low", "high"), metric.interval, strict=True)
        )
        row = replace(row, low=low, high=high, method=metric.method)
    return _compared(row, metric, declared, numbers) if declared and declared.published is not None else row


def _shown(value: float) -> str:
    """As a script printed it; of what kit computed, four decimals."""
    text = plain(value)
    return plain(value, 4) if len(text.partition(".")[2]) > _PRINTED else text


def _compared(row: MetricRow, metric: Metric, declared: Declaration, numbers: NumberIndex) -> MetricRow:
    stated = Decimal(repr(declared.published))
    published = numbers.keep(
        ReportNumber(
            id=f"published:{row.target}/{row.name}", value=stated, text=plain(stated), unit=row.unit,
            source="published", formula="as published", target=row.target,
            raw={"published": declared.published} | ({"at": declared.source} if declared.source else {}),
        )
    )  # fmt: skip
    value = row.shown.value - stated
    text = _shown(float(value))
    delta = numbers.keep(
        ReportNumber(
            id=f"{row.shown.id}@published", value=value, text=f"+{text}" if value > 0 else text, unit=row.unit,
            source=mixed((row.shown.source, "published")), formula=f"{row.shown.text} - {published.text} = {text}",
            inputs=(row.shown.id, published.id), target=row.target,
        )
    )  # fmt: skip
    row = replace(row, published=published, delta=delta)
    if declared.tolerance is None:
        return row
    worse = -value if metric.better == "higher" else value
    return replace(row, tolerance=plain(declared.tolerance), met=worse <= Decimal(repr(declared.tolerance)))
