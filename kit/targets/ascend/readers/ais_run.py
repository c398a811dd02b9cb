"""What ``ais_infer`` and ``ais_bench`` measured in one run, and whether its values agree with each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from kit.toollogs.numbers import Number
from kit.toollogs.output import Row, ToolOutput, disorder, present, present_rows, rows_of, shown

__all__ = ["PARTS", "STATISTICS", "AisReading", "AisRun"]

PARTS = ("H2D_latency", "NPU_compute_time", "D2H_latency")
STATISTICS = ("min", "max", "mean", "median")


@dataclass(slots=True)
class AisRun:
    """One summary: ``parts[part][statistic]`` in ms per batch, throughput in samples/s of one device.

    Parts: H2D_latency, NPU_compute_time, D2H_latency. Statistics: min, max, mean, median, p99 (as the log names it).
    """

    parts: dict[str, dict[str, Number]] = field(default_factory=dict)
    throughput: Number | None = None
    batchsize: Number | None = None
    mean_in_formula: Number | None = None
    threaded: set[str] = field(default_factory=set)  # parts whose line has the mean alone, as several threads print it
    energy_j: dict[int, Number] = field(default_factory=dict)  # by NPU, in joules (--energy_consumption)

    @property
    def mean(self) -> Number | None:
        """Mean NPU_compute_time in ms per batch."""
        return self.parts.get("NPU_compute_time", {}).get("mean", self.mean_in_formula)

    @property
    def implied_batch(self) -> float | None:
        """The batch that throughput and mean imply: throughput x mean / 1000."""
        return None if self.throughput is None or not self.mean else self.throughput * self.mean / 1000

    @property
    def recomputed(self) -> float | None:
        """1000 x batchsize / mean, samples/s of one device."""
        return None if self.batchsize is None or not self.mean else 1000 * self.batchsize / self.mean

    @property
    def missing(self) -> list[str]:
        """What the tool always prints and the log lacks."""
        absent = []
        for part in PARTS:
            values = self.parts.get(part)
            if values is None:
                absent += [part] if part == "NPU_compute_time" else []
                continue
            if (part in self.threaded and set(values) == {"mean"}) or set(values) == {"mean", "count"}:
                continue  # several threads: --pipeline
            absent += [f"{part}.{name}" for name in STATISTICS if name not in values]
            if not any(name.startswith("p") for name in values):
                absent.append(f"{part}.p99")
        return absent + ([] if self.throughput is not None else ["throughput"])

    def contradictions(self) -> list[str]:
        """Order of the statistics, and throughput against 1000 x batch / mean."""
        found = []
        for part, values in self.parts.items():
            found += [f"{part}: {problem}" for problem in disorder(values, 1e-6)]
        mean = self.parts.get("NPU_compute_time", {}).get("mean")
        if mean and self.mean_in_formula and abs(mean / self.mean_in_formula - 1) > 1e-6:
            found.append(f"the mean in the formula, {self.mean_in_formula:g}, is not the mean printed, {mean:g}")
        if self.throughput is not None and self.recomputed and abs(self.throughput / self.recomputed - 1) > 1e-4:
            found.append(f"throughput {self.throughput:g} is not 1000 x batchsize / mean ({self.recomputed:g})")
        implied = self.implied_batch
        if self.batchsize is None and implied is not None and abs(implied - max(round(implied), 1)) > 1e-3 * implied:
            found.append(f"throughput x mean / 1000 = {implied:.6g} is not a whole batch")
        return found

    def as_json(self) -> dict[str, Any]:
        """The run as ``kit read --json`` prints it."""
        implied, recomputed = self.implied_batch, self.recomputed
        return present(
            **{part: dict(self.parts.get(part, {})) for part in PARTS},
            throughput=self.throughput,
            batchsize=self.batchsize,
            mean_in_formula=self.mean_in_formula,
            implied_batch=None if implied is None else round(implied, 4),
            recomputed=None if recomputed is None else float(f"{recomputed:.9g}"),
            energy=[{"npu": npu, "energy_j": energy} for npu, energy in self.energy_j.items()],
            missing=self.missing,
        )

    def rows(self) -> list[Row]:
        """The table for people."""
        table = [
            Row(f"{part} {name}", shown(value), "" if name == "count" else "ms per batch")
            for part in PARTS
            for name, value in self.parts.get(part, {}).items()
        ]
        batch = f", batch {self.batchsize}" if self.batchsize is not None else ""
        implied = self.implied_batch if self.batchsize is None else None
        return table + present_rows(
            ("throughput", self.throughput, f"samples/s per device{batch}"),
            ("implied batch", None if implied is None else f"{implied:.4g}", "throughput x mean / 1000"),
            ("1000 x batch / mean", self.recomputed and f"{self.recomputed:.9g}", "samples/s per device"),
            *((f"energy of NPU {npu}", energy, "J") for npu, energy in self.energy_j.items()),
        )


@dataclass
class AisReading(ToolOutput):
    """All summaries of the text in its order, and the devices' throughputs of a run on several devices."""

    family: ClassVar[str] = "ais"

    runs: list[AisRun]
    devices: dict[int, Number] = field(default_factory=dict)
    summary_throughput: Number | None = None

    def values(self) -> dict[str, Any]:
        return {"runs": [run.as_json() for run in self.runs]} | present(
            devices=[{"device": device, "throughput": rate} for device, rate in self.devices.items()],
            summary_throughput=self.summary_throughput,
        )

    def rows(self) -> list[Row]:
        devices = ((f"device {device}", rate, "samples/s") for device, rate in self.devices.items())
        return rows_of(self.runs) + present_rows(*devices, ("all devices", self.summary_throughput, "samples/s, sum"))
