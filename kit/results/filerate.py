"""The throughput that ``inside.file_rate`` measured on files of tensors."""

from __future__ import annotations

from statistics import median

from pydantic import ValidationError

from kit.errors import DamagedError
from kit.results.evidence import Raw, measurement
from kit.results.measurements import Throughput
from kit.results.outputs import Output

__all__ = ["read_file_rate"]


def read_file_rate(bench: Output, batch: int) -> Throughput:
    """Samples per second at one batch, the median of the repeats.

    Raises:
        DamagedError: the file cannot be read.
    """
    count = len(bench.key("repeats").value)
    rates: list[Raw[float]] = [bench.key("repeats", index, "rate") for index in range(count)]
    try:
        return measurement(
            Throughput,
            batch=batch,
            rate=median(rate.value for rate in rates),
            per="image",
            factor=1,
            unit="fps",
            mode="dataset",
            repeats=rates,
            conditions=bench.keys("conditions"),
            latency_ms={name: bench.key(name) for name in ("p50", "p90", "p99", "n")},
            raw={"threads": bench.key("threads"), "warm-up calls": bench.key("warmup")},
        )
    except (ValidationError, TypeError, ValueError) as error:
        raise DamagedError(
            "the measurement cannot be read", where=str(bench.path), remedy=f"run again with --force {bench.step}"
        ) from error
