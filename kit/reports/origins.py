"""Where the numbers of a target come from: measured, published or simulated, on which hardware, with what, and when."""

from __future__ import annotations

from dataclasses import dataclass

from kit.reports.context import TargetView
from kit.reports.reportnumber import Origin

__all__ = ["TargetOrigin", "origin"]


@dataclass(frozen=True)
class TargetOrigin:
    """Of one target. What no record states is empty or None."""

    accuracy: Origin | None
    throughput: Origin | None
    simulated: bool  # a rehearsal ran as well, or alone
    hardware: str
    processor: str  # of the host that measured
    cores: str
    toolchain: str
    days: tuple[str, ...]  # first and last day of the runs, UTC, from their records
    containerized: bool | None


def origin(view: TargetView, *, simulated: bool) -> TargetOrigin:
    """From the records of the runs, and for what was only published from the recipe.

    ``simulated``: describe the rehearsal. Otherwise its records are left out: the numbers shown are not from it.
    """
    published = view.published
    results = view.results if simulated or not view.simulated else None
    accuracy = view.accuracy.source if view.accuracy else None
    if results and results.metrics and not view.simulated:
        accuracy = "measured"
    host = results.host if results else {}
    days = sorted({run.started[:10] for run in results.runs}) if results else []
    stated = published.toolchain if published else ""
    return TargetOrigin(
        accuracy=accuracy,
        throughput=view.throughput.source if view.throughput else None,
        simulated=view.simulated is not None,
        hardware=(results.hardware if results else "") or view.facts.hardware or view.name,
        processor=host.get("cpu", ""),
        cores=host.get("cores", ""),
        toolchain=results.toolchain if results else stated or view.facts.toolchain,
        days=tuple(dict.fromkeys((days[0], days[-1]))) if days else (),
        containerized=results.containerized if results else None,
    )
