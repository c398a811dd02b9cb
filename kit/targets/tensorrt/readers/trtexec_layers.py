"""The table of layers that ``trtexec --dumpProfile`` prints: the name comes first up to 8.6.0 and last from 8.6.1 on.

Its values are those of ``--exportProfile``, rounded: time in ms over all iterations, average and, since 8.4, median.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from kit.targets.tensorrt.readers.export_profile import LayerTime
from kit.toollogs.numbers import real
from kit.toollogs.output import Row, present, shown
from kit.toollogs.text import short

__all__ = ["HEADING", "LayerTable"]

HEADING = re.compile(r"=== Profile \((\d+) iterations? ?\) ===")
_COLUMNS = re.compile(
    r"[ \t]*(Layer[ \t]+)?Time ?\(ms\)[ \t]+Avg\.[ \t]?(?:Time )?\(ms\)([ \t]+Median[ \t]?(?:Time )?\(ms\))?"
)
_NUMBER = r"\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"


@dataclass(slots=True)
class LayerTable:
    """``layers`` in their order; ``total`` is the last row, which sums them."""

    iterations: int | None
    layers: list[LayerTime] = field(default_factory=list)
    total: LayerTime | None = None
    refused: list[str] = field(default_factory=list)
    _row: re.Pattern[str] | None = None

    @property
    def ended(self) -> bool:
        """Whether the row of the total was there."""
        return self.total is not None

    def line(self, body: str) -> bool:
        """Take a line after the heading, without stamp and severity; False where it is of something else."""
        if self.ended or not body.strip():
            return not self.ended
        if columns := _COLUMNS.match(body):
            numbers = rf"({_NUMBER})[ \t]+({_NUMBER})[ \t]+" + (rf"({_NUMBER})[ \t]+" if columns[2] else "()")
            numbers += rf"({_NUMBER})"
            name_first = rf"[ \t]*(?P<name>\S.*?)[ \t]+{numbers}[ \t]*\n"
            self._row = re.compile(name_first if columns[1] else rf"[ \t]*{numbers}[ \t]+(?P<name>\S.*)\n")
            return True
        if self._row is None or len(body) > 10_000:
            return False
        found = self._row.match(body)
        layer = self._layer(found) if found else None
        if layer is None:
            self.refused.append(f"a layer that cannot be read: {short(body)}")
        elif layer.name == "Total":
            self.total = layer
        else:
            self.layers.append(layer)
        return True

    def _layer(self, found: re.Match[str]) -> LayerTime | None:
        name = found["name"].strip()
        words = [group for index, group in enumerate(found.groups(), 1) if index != found.re.groupindex["name"]]
        time, average, median, percent = (None if word == "" else real(word) for word in words)
        if time is None or average is None or percent is None or (words[2] and median is None):
            return None
        return LayerTime(name, float(time), float(average), float(percent), None if median is None else float(median))

    def missing(self) -> list[str]:
        """What the table always has and this one lacks."""
        return [*self.refused, *([] if self.ended else ["the table of layers ends before its total"])]

    def contradictions(self) -> list[str]:
        """Sums that do not hold within the rounding of the rows."""
        if self.total is None or self.refused:
            return []
        added = math.fsum(layer.time for layer in self.layers)
        slack = 0.006 * (len(self.layers) + 1) + 1e-4 * added
        if abs(added - self.total.time) > slack:
            return [f"the layers take {added:.6g} ms together, their total says {self.total.time:g}"]
        return []

    def as_json(self) -> dict[str, Any]:
        """The table as ``kit read --json`` prints it."""
        layers = {"layers": [layer.as_json() for layer in self.layers]}
        return present(iterations=self.iterations) | layers | present(total=self.total and self.total.as_json())

    def rows(self) -> list[Row]:
        """Every layer, for people."""
        table = [] if self.iterations is None else [Row("profiled iterations", str(self.iterations))]
        table += [layer.row() for layer in self.layers]
        if self.total is not None:
            table.append(Row("all layers", shown(self.total.average), f"ms, {shown(self.total.time)} ms in all"))
        return table
