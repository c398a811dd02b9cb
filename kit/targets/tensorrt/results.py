"""Measurements of a TensorRT target from the output folders of its steps.

Rates come from the timing export, because trtexec 7.2 prints 0 qps for ONNX models: timed enqueues by wall time, times
batch. The GPU's own rate, 1000 x batch / mean compute time, is given as well.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, median, pstdev
from typing import Any

from kit.errors import DamagedError, StepError
from kit.inside.estimate import percentiles
from kit.planning import common
from kit.planning.cardsteps import after_name, before_name, infer_name
from kit.planning.target import Job, Reading
from kit.planning.tensorfiles import run_name
from kit.results.evidence import Raw, measurement, plain_value
from kit.results.measurements import Throughput
from kit.results.outputs import Output, Outputs
from kit.targets.batches import read_versions
from kit.targets.cards import BatchScores, files_prefix, shape_notes
from kit.targets.tensorrt.config import options_of
from kit.targets.tensorrt.readers import export_output, export_times, trtexec
from kit.targets.tensorrt.readers.export_times import ExportTimesReading
from kit.targets.tensorrt.steps import QUERY, bench_names, check_names, checked_step, long_name
from kit.targets.tensorrt.success import gpu_of, load_times, warm_up_ms

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
    outputs = Outputs.of(outputs)
    throughput, scores = [], BatchScores(job)
    notes: list[str] = []
    versions: dict[str, Raw[str]] = {}
    for batch in job.batches:
        measured, remarks = _throughput(job, batch, outputs)
        throughput.append(measured)
        notes += () if job.simulate else remarks  # in a rehearsal they would describe the CPU
        scores.read(batch, outputs)
        if job.file_task:
            runs = job.file_task.runs(job)
            first = run_name(files_prefix(job.target, batch), runs[0], runs)
            versions |= read_versions(outputs.file(first, "infer.json"))
            continue
        versions |= read_versions(outputs.file(infer_name(job.target, batch), "evaluate.json"))
        for number, name in enumerate(check_names(job, batch)):
            kept = outputs.file(checked_step(job, batch), f"check/output_{number}.bin")
            _compare(job, batch, number, kept, outputs.file(name, "output.json"))
    notes += [*scores.notes(), *shape_notes(job)]
    version = str(plain_value(versions.get("TensorRT", "")))
    if ".".join(version.split(".")[:3]) not in toolchain:
        notes.append(f"the recipe says {toolchain}, what ran is TensorRT {version}")
    host, seen, remarks = _state(job, outputs)
    environment = read_versions(outputs.file(common.EXPORT, "export.json"))
    return Reading(
        accuracy=scores.accuracy,
        metrics=scores.metrics,
        throughput=tuple(throughput),
        toolchain=f"TensorRT {version}" if version else toolchain,
        hardware=seen or hardware,
        environment=environment | {name: text for name, text in versions.items() if name == "TensorRT"},
        host=host,
        notes=tuple(dict.fromkeys([*notes, *remarks])),
    )


def _throughput(job: Job, batch: int, outputs: Outputs) -> tuple[Throughput, list[str]]:
    names = bench_names(job.target, batch, options_of(job).runs)
    warm_up = warm_up_ms(job, names[0])
    runs = [(name, load_times(outputs[name], warm_up)) for name in names]
    rates = [_taken(outputs.file(name, "times.json"), reading, "enqueues/s", warm_up) for name, reading in runs]
    rate = median(one.value for one in rates)
    # Latencies are those of the run nearest to the median.
    nearest, (name, reading) = min(zip(rates, runs, strict=True), key=lambda pair: abs(pair[0].value - rate))
    times = outputs.file(name, "times.json")
    compute = sorted(reading.compute_ms(warm_up))
    raw = {
        "GPU compute, mean (ms per batch)": _taken(times, reading, "compute mean", warm_up),
        "GPU compute, median (ms per batch)": _taken(times, reading, "compute median", warm_up),
        "rate of the GPU alone (images/s)": _taken(times, reading, "images/s of the GPU", warm_up, batch),
        "timed enqueues": _taken(times, reading, "enqueues", warm_up),
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
    printed = trtexec.read(outputs.file(name, "stdout.txt").text).run
    if printed and printed.throughput_qps and abs(printed.throughput_qps / nearest.value - 1) > 0.02:
        notes.append(
            f"batch {batch}: trtexec prints {printed.throughput_qps:g} qps, its timing export gives"
            f" {nearest.value:g}; the latter counts"
        )
    if options_of(job).long_seconds:
        long = long_name(job.target, batch)
        settled = warm_up_ms(job, long)
        series = load_times(outputs[long], settled)
        raw["rate of the long series (enqueues/s)"] = _taken(
            outputs.file(long, "times.json"), series, "enqueues/s", settled
        )
    latency = {name: _taken(times, reading, f"latency {name}", warm_up) for name in percentiles(compute)}
    latency["n"] = Raw(len(compute), raw["timed enqueues"].evidence)
    return (
        measurement(
            Throughput,
            batch=batch,
            rate=rate,
            per="enqueue",
            factor=batch,
            unit="qps",
            mode="synthetic",
            repeats=rates,
            latency_ms=latency if "p50" in latency and latency["p50"].value > 0 else None,
            conditions=_conditions(job, outputs.file(name, "stdout.txt")),
            raw=raw,
        ),
        notes,
    )


def _conditions(job: Job, log: Output) -> dict[str, Any]:
    """What was inside the clock, as trtexec printed it: its defaults differ between versions."""
    said = {}
    for line in log.text.splitlines():
        name, colon, value = line.rpartition("] ")[2].partition(": ")
        if colon and name in {"Data transfers", "CUDA Graph", "Spin-wait", "Streams", "Inference Streams"}:
            said[name] = value.strip()
    streams = said.get("Inference Streams", said.get("Streams", ""))
    on = {name: value == "Enabled" for name, value in said.items()}
    return {
        # With the flag the builder chooses fp16 or fp32 for each layer; without it the model's own type counts.
        "precision": "fp16" if options_of(job).fp16 else "fp32",
        "preprocessing": "excluded",
        "transfers": ("included" if on["Data transfers"] else "excluded") if "Data transfers" in on else None,
        "warm_up": "excluded",
        "graph": ("on" if on["CUDA Graph"] else "off") if "CUDA Graph" in on else None,
        "wait": ("spin" if on["Spin-wait"] else "block") if "Spin-wait" in on else None,
        "streams": log.line(int(streams), "Streams: ") if streams.isdigit() and int(streams) else None,
    }


def _taken(times: Output, reading: ExportTimesReading, name: str, warm_up: float, batch: int = 1) -> Raw[Any]:
    """A number of a timing export, with its evidence."""
    value = export_times.quantity(reading, name, warm_up, batch)
    place = f"{name} after {warm_up:g} ms" + (f" at batch {batch}" if batch > 1 else "")
    return times.at("export_times", place, value)


def _compare(job: Job, batch: int, number: int, inferred: Output, checked: Output) -> None:
    """Two programs ran one plan on one input: the scores must be equal within the digits that trtexec prints."""
    reading = export_output.read(checked.text)
    found = [output for output in reading.outputs if output.name == job.recipe.output]
    expected = array("f")
    try:
        expected.frombytes(inferred.path.read_bytes())
    except (OSError, ValueError) as error:
        raise DamagedError(
            "the kept batch cannot be read", where=str(inferred.path), remedy="run the inference again with --force"
        ) from error
    where = str(checked.path)
    if len(found) != 1 or len(found[0].values) != len(expected) or not len(expected):
        raise StepError(
            f"trtexec computed another number of scores than the inference at batch {batch}",
            where=where,
            remedy="build the plan again with --force: the two ran different shapes",
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


#: Facts of the GPU that do not change, and those of a moment, by the field of the query.
_FIXED = (
    ("NVIDIA driver", "driver_version"), ("GPU UUID", "uuid"), ("GPU VBIOS", "vbios_version"),
    ("GPU ECC", "ecc.mode.current"), ("GPU power limit (W)", "power.limit"),
    ("GPU applications clock (MHz)", "clocks.applications.graphics"),
)  # fmt: skip
_MOMENT = (
    ("temperature (C)", "temperature.gpu"), ("power (W)", "power.draw"), ("SM clock (MHz)", "clocks.current.sm"),
    ("memory used (MiB)", "memory.used"), ("load (%)", "utilization.gpu"), ("performance state", "pstate"),
)  # fmt: skip


def _state(job: Job, outputs: Outputs) -> tuple[dict[str, str | Raw[str]], Raw[str] | None, list[str]]:
    """Facts of the GPU before and after, its name, and notes for the report."""
    host: dict[str, str | Raw[str]] = {}
    hardware: Raw[str] | None = None
    notes = []
    for when, name in (("before", before_name(job.target)), ("after", after_name(job.target))):
        output = outputs.file(name, "stdout.txt")
        gpu = gpu_of(output.text)
        if gpu is None:
            continue
        # nvidia-smi prints one line for the one GPU, whose fields are those of the query.
        line = next(number for number, text in enumerate(output.text.split("\n"), 1) if text.strip())

        def field(name: str, value: object, output: Output = output, line: int = line) -> Raw[str]:
            return output.at("csv", f"line {line}, field {QUERY.index(name) + 1}", str(value))

        if gpu.name:
            hardware = field("name", gpu.name)
        for prefix, facts in (("", _FIXED), (f"GPU {when}, ", _MOMENT)):
            for label, name_ in facts:
                if gpu.values.get(name_) is not None:
                    host[prefix + label] = field(name_, gpu.values[name_])
        throttle = [reason for reason in gpu.throttle if reason != "gpu_idle"]
        if throttle:
            host[f"GPU {when}, throttled by"] = ", ".join(throttle)
        if when == "after" and throttle:
            notes.append(f"the GPU was throttled at the end ({', '.join(throttle)}): the throughput may be too low")
    return host, hardware, notes
