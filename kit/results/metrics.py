"""A metric of any task: one number with its unit, its direction, and where it was read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kit.results.evidence import Evident
from kit.results.measurements import Interval, plain

__all__ = ["Better", "Declaration", "Metric", "Unit"]

Unit = Literal["percent", "fraction", "dB", "px", "mm", "none"]
Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Declaration:
    """What a task says of a metric before it is measured; published value and tolerance are in its unit."""

    name: str
    unit: Unit
    better: Better = "higher"
    published: float | None = None
    tolerance: float | None = None
    source: str | None = None  # where it was published


class Metric(Evident):
    """How good the results of a model are, by one measure.

    ``value`` is in the declared unit: a fraction is not turned into a percentage.
    """

    computed: ClassVar[frozenset[str]] = frozenset({"samples"})

    name: str
    value: float
    unit: Unit
    better: Better = "higher"
    samples: Annotated[int, Field(gt=0, strict=True)] | None = Field(None, description="Images it was computed over.")
    interval: Interval | None = Field(None, description="95 % interval, in the same unit.")
    method: Literal["wilson", "bootstrap"] | None = Field(None, description="How the interval was found.")

    @property
    def text(self) -> str:
        """The number with its unit, as a report prints it."""
        units = {"percent": " %", "none": "", "fraction": ""}
        return plain(self.value) + units.get(self.unit, f" {self.unit}")
