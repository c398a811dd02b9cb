"""Measurements of a TensorRT target from the output folders of its steps.

Rates come from the timing export, because trtexec 7.2 prints 0 qps for ONNX models: timed enqueues by wall time, times
batch. The GPU's own rate, 1000 x batch / mean compute time, stands beside it.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, median, pstdev
from typing import TYPE_CHECKING

from kit.errors import DamagedError, StepError
from kit.planning import common as shared
from kit.planning.target import Reading
from kit.results.batches import agreement, read_accuracy, read_text, read_versions
from kit.results.measurements import Latency, Throughput
from kit.targets.tensorrt.config import options_of
from kit.targets.tensorrt.judging import gpu_of, load_times, warm_up_ms
from kit.targets.tensorrt.readers import export_output, trtexec
from kit.targets.tensorrt.steps import (
    after_name,
    before_name,
    bench_names,
    check_names,
    infer_name,
    long_name,
    metrics_name,
)

if TYPE_CHECKING:
    from kit.planning.target import Job
    from kit.targets.tensorrt.readers.export_times import ExportTimesReading

__all__ = ["read"]

#: trtexec prints six digits; the largest score of a row gives the scale.
_RELATIVE = 1e-4
#: What trtexec 8.4 and later warns of: spread of the compute time, and enqueueing that takes as long as computing.
_UNSTABLE, _BOUND = 0.01, 0.8


def read(job: Job, outputs: Mapping[str, Path], toolchain: str, hardware: str) -> Reading:
    """Accuracy and speed of the same plans, and the state of the GPU.

    Raises:
        StepError: trtexec and the inference disagree on the same plan, or batches disagree beyond the tolerance.
        DamagedError: a result file cannot be read.
    """
    throughput, counted = [], {}
    notes: list[str] = []
    versions: dict[str, str] = {}
    for batch in job.batches:
        measured, remarks = _throughput(job, batch, outputs)
        throughput.append(measured)
        notes += () if job.simulate else remarks  # of a rehearsal they would be about the CPU
        counted[batch] = read_accuracy(outputs, metrics_name(job.target, batch), batch)
        versions |= read_versions(outputs[infer_name(job.target, batch)] / "evaluate.json")
        for number, name in enumerate(check_names(job, batch)):
            _compare(job, batch, number, outputs[infer_name(job.target, batch)], outputs[name])
    notes += agreement(job, counted)
    version = versions.get("TensorRT", "").removesuffix(" (simulated)")
    if version and not _same_version(version, toolchain):
        notes.append(f"the recipe says {toolchain}, what ran is TensorRT {version}")
    host, seen, remarks = _state(job, outputs)
    environment = read_versions(outputs[shared.EXPORT] / "export.json")
    return Reading(
        accuracy=counted[min(counted)],
        throughput=tuple(throughput),
        toolchain=f"TensorRT {version}" if version else toolchain,
        hardware=seen or hardware,
        environment=environment | {name: text for name, text in versions.items() if name == "TensorRT"},
        host=host,
        notes=tuple(dict.fromkeys([*notes, *remarks])),
    )


def _same_version(version: str, toolchain: str) -> bool:
    return ".".join(version.split(".")[:3]) in toolchain


def _throughput(job: Job, batch: int, outputs: Mapping[str, Path]) -> tuple[Throughput, list[str]]:
    names = bench_names(job.target, batch, options_of(job).runs)
    warm_up = warm_up_ms(job, names[0])
    runs = [(name, load_times(outputs[name], warm_up)) for name in names]
    rates = [_rate(reading, warm_up) for _, reading in runs]
    rate = median(rates)
    # The run nearest to the median stands for its latencies.
    name, reading = min(zip(rates, runs, strict=True), key=lambda pair: abs(pair[0] - rate))[1]
    compute = sorted(reading.compute_ms(warm_up))
    latency = sorted(record.latency for record in reading.timed(warm_up))
    raw = {
        "GPU compute, mean (ms per batch)": _six(fmean(compute)),
        "GPU compute, median (ms per batch)": _six(median(compute)),
        "rate of the GPU alone (images/s)": _six(1000 * batch / fmean(compute)),
        "timed enqueues": float(len(compute)),
    }
    notes = []
    if len(compute) > 2 and pstdev(compute) > _UNSTABLE * fmean(compute):
        notes.append(
            f"batch {batch}: GPU compute time varies by {100 * pstdev(compute) / fmean(compute):.1f} %;"
            " lock the clocks or let the GPU cool to measure again"
        )
    enqueue = [
        record.enqueue_end - record.enqueue_start
        for record in reading.timed(warm_up)
        if record.enqueue_start is not None and record.enqueue_end is not None
    ]
    if enqueue and median(enqueue) > _BOUND * median(compute):
        notes.append(f"batch {batch}: enqueueing takes as long as computing, so the host limits the throughput")
    printed = trtexec.read(read_text(outputs[name] / "stdout.txt")).run
    if printed and printed.throughput_qps and abs(printed.throughput_qps / _rate(reading, warm_up) - 1) > 0.02:
        notes.append(
            f"batch {batch}: trtexec prints {printed.throughput_qps:g} qps, its timing export gives"
            f" {_rate(reading, warm_up):g}; the latter counts"
        )
    if options_of(job).long_seconds:
        long = long_name(job.target, batch)
        settled = warm_up_ms(job, long)
        raw["rate of the long series (enqueues/s)"] = _rate(load_times(outputs[long], settled), settled)
    p50, p90, p99 = (latency[max(0, -(-len(latency) * share // 100) - 1)] for share in (50, 90, 99))
    return (
        Throughput(
            batch=batch,
            rate=rate,
            per="enqueue",
            factor=batch,
            unit="qps",
            mode="synthetic",
            repeats=tuple(rates),
            latency_ms=Latency(p50=p50, p90=p90, p99=p99, n=len(latency)) if p50 > 0 else None,
            raw=raw,
        ),
        notes,
    )


def _rate(reading: ExportTimesReading, warm_up: float) -> float:
    rate = reading.enqueues_per_s(warm_up)
    if rate is None:  # load_times has refused it
        raise StepError("the timing export holds no rate", remedy="run the step again with --force")
    return _six(rate)


def _six(value: float) -> float:
    """Six significant digits, as trtexec prints every number."""
    return float(f"{value:.6g}")


def _compare(job: Job, batch: int, number: int, inferred: Path, checked: Path) -> None:
    """Two programs, one plan, one input: the scores must be equal within the digits that trtexec prints."""
    path = checked / "output.json"
    reading = export_output.read(read_text(path))
    found = [output for output in reading.outputs if output.name == job.recipe.output]
    expected = array("f")
    try:
        expected.frombytes((inferred / "check" / f"output_{number}.bin").read_bytes())
    except (OSError, ValueError) as error:
        raise DamagedError(
            "the kept batch cannot be read", where=str(inferred), remedy="run the inference again with --force"
        ) from error
    where = str(path)
    if len(found) != 1 or len(found[0].values) != len(expected) or not len(expected):
        raise StepError(
            f"trtexec computed another number of scores than the inference at batch {batch}",
            where=where,
            remedy="build the plan again with --force: the two did not run the same shape",
        )
    classes = len(expected) // batch
    for row in range(batch):
        mine = expected[row * classes : (row + 1) * classes]
        theirs = found[0].values[row * classes : (row + 1) * classes]
        limit = _RELATIVE * max(1.0, *(abs(value) for value in mine))
        for one, other in zip(mine, theirs, strict=True):
            if other is None or not math.isfinite(one) or abs(one - other) > limit:
                raise StepError(
                    f"trtexec and the inference disagree on the plan of batch {batch}: {other} against {one:g}"
                    f" for image {row} of batch {number}",
                    where=where,
                    remedy="build the plan again with --force; if it persists, report both logs",
                )


def _state(job: Job, outputs: Mapping[str, Path]) -> tuple[dict[str, str], str, list[str]]:
    """Facts of the GPU before and after, its name, and what a reader must know."""
    host: dict[str, str] = {}
    hardware, notes = "", []
    for when, name in (("before", before_name(job.target)), ("after", after_name(job.target))):
        gpu = gpu_of(read_text(outputs[name] / "stdout.txt"))
        if gpu is None:
            continue
        values = gpu.values
        hardware = gpu.name or hardware
        host |= {
            label: str(values[field])
            for label, field in (
                ("NVIDIA driver", "driver_version"), ("GPU UUID", "uuid"), ("GPU VBIOS", "vbios_version"),
                ("GPU ECC", "ecc.mode.current"), ("GPU power limit (W)", "power.limit"),
                ("GPU applications clock (MHz)", "clocks.applications.graphics"),
            )
            if values.get(field) is not None
        }  # fmt: skip
        shown = (
            ("temperature.gpu", "C"), ("power.draw", "W"), ("clocks.current.sm", "MHz"), ("memory.used", "MiB"),
            ("utilization.gpu", "%"), ("pstate", ""),
        )  # fmt: skip
        parts = [f"{values[field]} {unit}".strip() for field, unit in shown if values.get(field) is not None]
        throttle = [reason for reason in gpu.throttle if reason != "gpu_idle"]
        host[f"GPU {when}"] = ", ".join([*parts, *(f"throttled: {reason}" for reason in throttle)])
        if when == "after" and throttle:
            notes.append(f"the GPU was throttled at the end ({', '.join(throttle)}): the throughput may be too low")
    return host, hardware, notes
