"""A target of a report in one row, as ``report.json`` holds it for the page over all reports of a folder."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from kit.reports.context import Report, TargetView
from kit.reports.headlines import Headline, accuracy_of, throughput_of
from kit.reports.origins import origin
from kit.reports.reportnumber import Origin
from kit.reports.standing import State, standing
from kit.results.evidence import Sha256
from kit.results.resultsfile import Results, results_text

__all__ = ["CatalogueRow", "RowNumber", "results_digest", "rows"]

_Line = Annotated[str, Field(max_length=2000)]


class RowNumber(BaseModel):
    """A number as it is printed, and its value to sort by."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    label: _Line
    text: _Line
    value: float
    unit: _Line
    interval: tuple[_Line, _Line] | None = None
    source: Origin


class CatalogueRow(BaseModel):
    """One target."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    target: _Line
    state: State
    failing: tuple[_Line, ...] = Field((), max_length=1000, description="Quantities that are not as stated.")
    unstable: tuple[_Line, ...] = Field((), max_length=1000)
    changed: bool = Field(False, description="The recipe has other settings now than when this was measured.")
    hardware: _Line
    processor: _Line
    cores: _Line
    toolchain: _Line
    days: tuple[_Line, ...] = Field((), max_length=2, description="First and last day of the runs, UTC.")
    accuracy: RowNumber | None = None
    throughput: RowNumber | None = None
    rates: tuple[tuple[int, float], ...] = Field((), max_length=1000, description="Batch and items per second.")
    item: Literal["images", "samples"] = Field("images", description="What a throughput counts.")
    results: Sha256 | None = Field(None, description="Digest of the results that were rendered.")


def rows(report: Report) -> tuple[CatalogueRow, ...]:
    """A row for each target of a report."""
    return tuple(_row(report, view) for view in report.targets)


def _row(report: Report, view: TargetView) -> CatalogueRow:
    found = standing(report, view.name)
    simulated = found.state == "simulated"
    where = origin(view, simulated=simulated)
    figures = view.simulated if simulated else view.throughput
    return CatalogueRow(
        target=view.name,
        state=found.state,
        failing=tuple(f"{one.quantity} {one.delta.text} {one.delta.unit}".strip() for one in found.those(False)),
        unstable=found.unstable,
        changed=bool(found.changed),
        hardware=where.hardware,
        processor=where.processor,
        cores=where.cores,
        toolchain=where.toolchain,
        days=where.days,
        accuracy=_number(accuracy_of(report, view, simulated=simulated)),
        throughput=_number(throughput_of(report, figures) if figures else None),
        rates=tuple((batch, float(number.value)) for batch, number in figures.numbers.items()) if figures else (),
        item=report.item,
        results=results_digest(view.results) if view.results else None,
    )


def _number(head: Headline | None) -> RowNumber | None:
    if head is None:
        return None
    number = head.number
    return RowNumber(
        label=head.label.partition(" ")[2], text=number.text, value=float(number.value), unit=number.unit,
        interval=head.interval, source=number.source,
    )  # fmt: skip


def results_digest(results: Results) -> str:
    """Digest of results by their content, whichever kit wrote the file."""
    return hashlib.sha256(results_text(results).encode()).hexdigest()
