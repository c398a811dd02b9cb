"""``trtexec --exportProfile``: the time of every layer over all iterations, as JSON.

The first object has the count of iterations, the others a layer each: total and average time in ms, since 8.5 also the
median, and the share of the total in per cent. Builds from other sources may leave the count out.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, ClassVar

from kit.toollogs.numbers import finite, load_json
from kit.toollogs.output import Findings, Row, ToolOutput, present, present_rows, shown
from kit.toollogs.text import clean

__all__ = ["ExportProfileReading", "LayerTime", "read", "sniff"]

_OBJECT = re.compile(r"^[^{\n]{0,200}(\{[^\n]*\})[ \t,\]]*$", re.MULTILINE)
#: Where a list begins: trtexec puts each bracket on a line of its own.
_BEGIN = re.compile(r"^[^\n\[\]{}\"]{0,80}\[[ \t]*(?:$|\{[ \t]*\"(?:count|name)\")", re.MULTILINE)
_KEYS = {"timeMs": "time", "averageMs": "average", "medianMs": "median", "percentage": "percent"}
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class LayerTime:
    """One layer: ``time`` in ms over all iterations, ``average`` and ``median`` in ms, ``percent`` of the total."""

    name: str
    time: float
    average: float
    percent: float
    median: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The layer as ``kit read --json`` prints it."""
        times = present(time_ms=self.time, average_ms=self.average, median_ms=self.median, percent=self.percent)
        return {"name": self.name, **times}

    def row(self) -> Row:
        """The layer in the table for people."""
        return Row(self.name, shown(self.average), f"ms, {self.percent:g} %")


@dataclass
class ExportProfileReading(ToolOutput):
    """The layers in their order; ``count`` is None where the file does not say how many iterations there were."""

    family: ClassVar[str] = "export_profile"

    layers: list[LayerTime]
    count: int | None

    @property
    def total_ms(self) -> float | None:
        """Time of all layers over all iterations; None where layers may be missing."""
        whole = self.layers and self.status in ("ok", "lenient")
        return math.fsum(layer.time for layer in self.layers) if whole else None

    def values(self) -> dict[str, Any]:
        """Every layer."""
        total = None if self.total_ms is None else float(f"{self.total_ms:.9g}")
        return present(count=self.count, total_ms=total) | {"layers": [layer.as_json() for layer in self.layers]}

    def rows(self) -> list[Row]:
        """The layers that take most."""
        total = None if self.total_ms is None else f"{self.total_ms:.6g}"
        table = present_rows(
            ("iterations", self.count, ""),
            ("layers", len(self.layers), ""),
            ("all layers", total, "ms over all iterations"),
        )
        slowest = sorted(self.layers, key=lambda layer: -layer.time)[:_SHOWN]
        return table + [layer.row() for layer in slowest]


def sniff(text: str) -> float:
    """How likely the text is to be a profile."""
    return 1.0 if re.search(r"\"timeMs\"\s*:[^{}\n]{0,1000}\"averageMs\"\s*:", text) else 0.0


def read(text: str) -> ExportProfileReading:
    """The layers; of a cut file, those that are whole. trtexec does not escape names."""
    text = clean(text)
    layers: list[LayerTime] = []
    counts: list[int] = []
    refused = 0
    for item in _items(text):
        if item is not None and type(item.get("count")) is int and item["count"] >= 0:
            counts.append(item["count"])
        elif item is not None and (layer := _layer(item)):
            layers.append(layer)
        else:
            refused += 1
    findings = Findings()
    if refused:
        findings.missing.append(f"{refused} objects are not whole or not finite: they are left out")
    whole = re.search(r"\}\s*\]", text) is not None
    if not whole:
        findings.missing.append("the list is cut off: the whole layers are used")
    if len(counts) > 1 or len(_BEGIN.findall(text)) > 1:
        findings.missing.append("profiles of several runs in one file; none is used")
        layers, counts = [], []
    count = counts[0] if counts else None
    findings.contradictions += _contradictions(layers, count)
    outcome = findings.outcome(usable=bool(layers), nothing="there is no layer in this text")
    return ExportProfileReading(*outcome, layers, count)


def _items(text: str) -> list[dict[str, Any] | None]:
    try:
        items = load_json(text)
    except ValueError:
        items = None  # cut, in a report, or with a name that is not JSON: an object stands on a line
    if isinstance(items, list):
        return [item if isinstance(item, dict) else None for item in items]
    return [_item(found[1]) for found in _OBJECT.finditer(text)]


def _item(text: str) -> dict[str, Any] | None:
    try:
        item = load_json(text)
    except ValueError:
        # A name with a quote or a backslash in it: what stands between the first and the last key is the name.
        named = re.match(r"\{\s*\"name\"\s*:\s*\"(.*)\"\s*,\s*(\"timeMs\".*\})\Z", text)
        try:
            item = {**load_json("{" + named[2]), "name": named[1]} if named else None
        except ValueError:
            item = None
    return item if isinstance(item, dict) else None


def _layer(item: dict[str, Any]) -> LayerTime | None:
    values: dict[str, float] = {}
    for key, part in _KEYS.items():
        value = item.get(key)
        if value is None and part == "median":
            continue
        if not finite(value) or float(value) < 0:
            return None
        values[part] = float(value)
    name = item.get("name")
    return LayerTime(name, **values) if isinstance(name, str) else None


def _contradictions(layers: list[LayerTime], count: int | None) -> list[str]:
    found = []
    unequal = sum(
        1 for layer in layers if count and abs(layer.time / count - layer.average) > 1e-4 * layer.average + 1e-6
    )
    if unequal:
        found.append(f"{unequal} averages are not time / {count} iterations")
    total = math.fsum(layer.percent for layer in layers)
    if layers and abs(total - 100) > 0.5:
        found.append(f"the shares of the layers are {total:.4g} % together")
    return found
