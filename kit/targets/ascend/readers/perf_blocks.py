"""One run of the ``benchmark`` tool: its five lines or its pure inference summary, and what follows from them.

Numbers come as the tool prints them: six significant digits, so identities are checked within that rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from kit.toollogs.numbers import Number
from kit.toollogs.output import Row, present, present_rows, shown
from kit.toollogs.text import six_digits, spread

__all__ = ["KEYS", "STAGES", "DatasetBlock", "PureBlock"]

#: The stages in the order of the lines; widedeep models have two kinds of preprocessing.
STAGES = ("e2e", "data_read", "preprocess", "wide_preprocess", "deep_preprocess", "infer", "post")
#: What each line holds.
KEYS: dict[str, tuple[str, ...]] = dict.fromkeys(STAGES, ("throughputRate", "moduleLatency"))
KEYS |= {"e2e": ("throughputRate", "latency"), "infer": ("throughputRate", "interface", "moduleLatency")}


@dataclass(slots=True)
class DatasetBlock:
    """One run over a data set: ``stages[stage][key]``, rates in samples/s of one device, latencies in ms.

    Stages: e2e, data_read, preprocess, infer, post. Keys: throughputRate, moduleLatency (per sample); of ``e2e``
    latency (whole run) instead, of ``infer`` also interface.
    """

    stages: dict[str, dict[str, Number]] = field(default_factory=dict)
    card_factor: int = 4  # devices of a card, if the text does not say otherwise

    @property
    def interface(self) -> float | None:
        """Interface throughputRate: samples/s of one device; None if not in the log."""
        return self.stages.get("infer", {}).get("interface")

    @property
    def samples(self) -> float | None:
        """Samples of the run according to ``e2e``: throughputRate x latency / 1000, close to a whole number."""
        e2e = self.stages.get("e2e", {})
        return e2e["throughputRate"] * e2e["latency"] / 1000 if len(e2e) == 2 else None

    @property
    def images(self) -> int | None:
        """The whole number of samples, if the rounding of the two numbers leaves exactly one."""
        low, high = self._between()
        return math.floor(high) if math.floor(high) == math.ceil(low) else None

    @property
    def missing(self) -> list[str]:
        """Missing stages, and missing keys of the others."""
        absent = []
        for stage in STAGES:
            values = self.stages.get(stage)
            if values is not None:
                absent += [f"{stage}.{key}" for key in KEYS[stage] if key not in values]
            elif not stage.startswith(("wide", "deep")) and not (stage == "preprocess" and self._widedeep):
                absent.append(stage)
        return absent

    @property
    def _widedeep(self) -> bool:
        return "wide_preprocess" in self.stages or "deep_preprocess" in self.stages

    def _between(self) -> tuple[float, float]:
        e2e = self.stages.get("e2e", {})
        if len(e2e) != 2:
            return 1.0, 0.0
        rate, latency = e2e["throughputRate"], e2e["latency"]
        near, far = rate - spread(rate), rate + spread(rate)
        return near * (latency - spread(latency)) / 1000, far * (latency + spread(latency)) / 1000

    def contradictions(self) -> list[str]:
        """The identities of the tool that do not hold, as sentences."""
        found = []
        low, high = self._between()
        if low < high < math.ceil(low):
            found.append(f"e2e: throughputRate x latency / 1000 = {self.samples:.2f} is not a whole number of samples")
        for stage in STAGES[1:]:
            values = self.stages.get(stage, {})
            rate, latency = values.get("throughputRate"), values.get("moduleLatency")
            if stage != "infer" and rate and latency and abs(rate * latency / 1000 - 1) > 2e-5:
                found.append(f"{stage}: moduleLatency {latency:g} is not 1000 / throughputRate ({1000 / rate:.6g})")
        infer = self.stages.get("infer", {})
        if "interface" in infer and "throughputRate" in infer:
            rate, interface = infer["throughputRate"], infer["interface"]
            if interface < rate * (1 - 1e-5):
                found.append(f"infer: Interface throughputRate {interface:g} is below throughputRate {rate:g}")
        return found

    def edited(self) -> list[str]:
        """Numbers with more digits than the tool prints."""
        return [
            _too_precise(f"{stage}.{key}", value)
            for stage, values in self.stages.items()
            for key, value in values.items()
            if not six_digits(value)
        ]

    def as_json(self) -> dict[str, Any]:
        """The block as ``kit read --json`` prints it."""
        return present(
            kind="dataset",
            **{stage: dict(self.stages.get(stage, {})) for stage in STAGES},
            missing=self.missing,
            samples=None if self.samples is None else round(self.samples, 1),
            card_fps_x4=_card_rate(self.interface, self.card_factor),
        )

    def rows(self) -> list[Row]:
        """The table for people."""
        table = []
        for stage in STAGES:
            for key, value in self.stages.get(stage, {}).items():
                name = "Interface throughputRate" if key == "interface" else key
                unit = "ms" if key.lower().endswith("latency") else "samples/s per device"
                table.append(Row(f"{stage.replace('_', ' ')} {name}", shown(value), unit))
        if self.samples is not None:
            table.append(Row("samples", str(self.images or f"{self.samples:.1f}"), "throughputRate x latency / 1000"))
        return table + _card_rows("Interface", _card_rate(self.interface, self.card_factor))


@dataclass(slots=True)
class PureBlock:
    """One run of pure inference: random data, no data set. ``latency`` is ms per sample, ``rate`` samples/s."""

    rate: float | None = None
    latency: float | None = None
    result_file: str | None = None
    card_factor: int = 4  # devices of a card, if the text does not say otherwise

    @property
    def _values(self) -> dict[str, float | None]:
        return {"ave_throughputRate": self.rate, "ave_latency": self.latency}

    @property
    def missing(self) -> list[str]:
        """Names of the values that are not in the log."""
        return [name for name, value in self._values.items() if value is None]

    @property
    def product(self) -> float | None:
        """Rate x latency / 1000: near 1, never exactly, since the tool trims the first rounds."""
        return None if self.rate is None or self.latency is None else self.rate * self.latency / 1000

    def contradictions(self) -> list[str]:
        """The relation between rate and latency, where it is far off."""
        if self.product is None or 0.75 < self.product < 1.33:
            return []
        return [f"ave_throughputRate x ave_latency / 1000 = {self.product:.3g}, not near 1: not of one run, or edited"]

    def edited(self) -> list[str]:
        """Numbers with more digits than the tool prints."""
        return [_too_precise(name, value) for name, value in self._values.items() if value and not six_digits(value)]

    def as_json(self) -> dict[str, Any]:
        """The block as ``kit read --json`` prints it."""
        return present(
            kind="pure",
            ave_throughputRate=self.rate,
            ave_latency_ms=self.latency,
            result_file=self.result_file,
            missing=self.missing,
            throughput_x_latency=None if self.product is None else round(self.product, 3),
            card_fps_x4=_card_rate(self.rate, self.card_factor),
        )

    def rows(self) -> list[Row]:
        """The table for people."""
        table = present_rows(
            ("ave_throughputRate", self.rate, "samples/s per device, synthetic data"),
            ("ave_latency", self.latency, "ms per sample"),
            ("result file", self.result_file, ""),
        )
        return table + _card_rows("ave_throughputRate", _card_rate(self.rate, self.card_factor))


def _too_precise(name: str, value: float) -> str:
    return f"{name}: {value} has more than the six significant digits that the tool prints"


def _card_rate(rate: float | None, factor: int) -> float | None:
    """The rate of a 310 card with its four devices; None where the text is about another chip."""
    return None if rate is None or factor != 4 else round(rate * 4, 6)


def _card_rows(name: str, rate: float | None) -> list[Row]:
    row = ("card of four 310 devices", rate and f"{rate:.6g}", f"samples/s, {name} x 4 (a 310P is x 1)")
    return present_rows(row)
