"""Sections of trtexec's logs as its versions print them."""

from __future__ import annotations

from kit.targets.tensorrt.readers.trtexec import TrtexecReading, TrtexecRun

STAMP = "[02/03/2022-10:00:05] [I] "
STATS = {"min": 1.25, "max": 2.5, "mean": 1.5, "median": 1.5, "p99": 2.25}


def old(total: str = "total compute time: 3 s") -> str:
    """The GPU section before 8.0."""
    lines = [
        "GPU Compute",
        "min: 1.25 ms",
        "max: 2.5 ms",
        "mean: 1.5 ms",
        "median: 1.5 ms",
        "percentile: 2.25 ms at 99%",
    ]
    return "".join(f"{STAMP}{line}\n" for line in [*lines, *([total] if total else [])])


def new(name: str = "GPU Compute Time", percentiles: str = "percentile(99%) = 2.25 ms") -> str:
    return f"{STAMP}{name}: min = 1.25 ms, max = 2.5 ms, mean = 1.5 ms, median = 1.5 ms, {percentiles}\n"


def one(reading: TrtexecReading) -> TrtexecRun:
    assert reading.run is not None, reading
    return reading.run
