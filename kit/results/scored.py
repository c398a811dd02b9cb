"""Metrics that one of kit's own programs computed, with their intervals."""

from __future__ import annotations

from kit.results.evidence import measurement
from kit.results.metrics import Metric
from kit.results.outputs import Outputs

__all__ = ["read_metrics"]


def read_metrics(outputs: Outputs, step: str) -> tuple[Metric, ...]:
    """The fractions in ``metrics.json`` of a step."""
    found = outputs.file(step, "metrics.json")
    made = []
    for index, entry in enumerate(found.key("metrics").value):
        place = ("metrics", index)
        has_interval = entry.get("interval") is not None
        interval = [found.key(*place, "interval", end) for end in (0, 1)] if has_interval else None
        made.append(
            measurement(
                Metric, name=entry["name"], value=found.key(*place, "value"), unit="fraction",
                samples=found.key(*place, "samples"), interval=interval, method="bootstrap" if has_interval else None,
            )
        )  # fmt: skip
    return tuple(made)
