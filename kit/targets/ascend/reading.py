"""Measurements of an Ascend target from the output folders of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kit.errors import StepError
from kit.planning import common as shared
from kit.planning.target import Reading
from kit.results.batches import agreement, read_accuracy, read_text, read_versions
from kit.results.measurements import Latency, Mode, Throughput
from kit.targets.ascend.config import CARDS, options_of, soc_of
from kit.targets.ascend.judging import dataset_block, load_summary, pure_block
from kit.targets.ascend.readers import npu_smi
from kit.targets.ascend.steps import after_name, before_name, bench_name, infer_name, metrics_name, on_dataset

if TYPE_CHECKING:
    from kit.planning.target import Job

__all__ = ["read"]

#: The published reports compare with pure inference to find out whether the chip was used by others meanwhile.
_SUSPICIOUS = 0.8
_GAPS = {"throughputRate": "throughputRate", "interface": "Interface throughputRate", "moduleLatency": "moduleLatency"}


def read(job: Job, outputs: Mapping[str, Path], toolchain: str) -> Reading:
    """Accuracy of the smallest batch that ran over the data set, throughput of every batch, state of the chip.

    Raises:
        StepError: a result is missing, or batches disagree beyond the recipe's tolerance.
        DamagedError: a result file cannot be read.
    """
    options = options_of(job)
    throughput, counted = [], {}
    notes: list[str] = []
    for batch in job.batches:
        pure = None
        if not on_dataset(options, batch) or options.pure:
            pure = _pure(job, batch, outputs[bench_name(job.target, batch)])
        if pure and not on_dataset(options, batch):
            throughput.append(pure)
            continue
        folder = outputs[infer_name(job.target, batch)]
        measured = (_from_summary if options.tool == "ais_bench" else _from_perf)(job, batch, folder)
        if pure:
            measured = measured.model_copy(update={"raw": {**measured.raw, "pure inference (images/s)": pure.rate}})
            if measured.rate < _SUSPICIOUS * pure.rate and not job.simulate:
                notes.append(
                    f"batch {batch}: the run over the data set reached {measured.rate / pure.rate:.0%} of pure"
                    " inference; another program may have used the chip"
                )
        throughput.append(measured)
        counted[batch] = read_accuracy(outputs, metrics_name(job.target, batch), batch)
    environment = _environment(job, outputs, toolchain)
    host, remarks = _state(job, outputs)
    return Reading(
        accuracy=counted[min(counted)] if counted else None,
        throughput=tuple(throughput),
        toolchain=toolchain,
        hardware=CARDS[job.target].hardware,
        environment=environment,
        host=host,
        notes=(*notes, *agreement(job, counted), *remarks),
    )


def _factor(job: Job) -> int:
    return CARDS[job.target].devices


def _from_perf(job: Job, batch: int, folder: Path) -> Throughput:
    block = dataset_block(folder / "result" / f"perf_vision_batchsize_{batch}_device_{job.device}.txt")
    if block.interface is None:  # dataset_block has refused it
        raise StepError("the performance file has no Interface throughputRate", remedy="run the step again")
    raw = {
        f"{stage.replace('_', ' ')} {_GAPS.get(key, key)} ({'ms' if 'atency' in key else 'images/s'})": float(value)
        for stage, values in block.stages.items()
        for key, value in values.items()
    }
    return Throughput(
        batch=batch, rate=block.interface, per="device", factor=_factor(job), unit="fps", mode="dataset", raw=raw
    )


def _pure(job: Job, batch: int, folder: Path) -> Throughput:
    if options_of(job).tool == "ais_bench":
        return _from_summary(job, batch, folder, mode="synthetic")
    return _from_pure(job, batch, folder)


def _from_pure(job: Job, batch: int, folder: Path) -> Throughput:
    block = pure_block(folder)
    if block.rate is None or block.latency is None:  # pure_block has refused it
        raise StepError("benchmark left no rate of its pure inference", remedy="run the step again")
    return Throughput(
        batch=batch,
        rate=block.rate,
        per="device",
        factor=_factor(job),
        unit="fps",
        mode="synthetic",
        raw={"ave_latency per image (ms)": float(block.latency)},
    )


def _from_summary(job: Job, batch: int, folder: Path, mode: Mode = "dataset") -> Throughput:
    summary = load_summary(folder)
    times = sorted(float(time) for time in summary.get("npu_compute_time_list", ()) if float(time) > 0)
    latency = None
    if times:
        p50, p90, p99 = (times[max(0, -(-len(times) * share // 100) - 1)] for share in (50, 90, 99))
        latency = Latency(p50=p50, p90=p90, p99=p99, n=len(times))
    return Throughput(
        batch=batch,
        rate=float(summary["throughput"]),
        per="device",
        factor=_factor(job),
        unit="fps",
        mode=mode,
        latency_ms=latency,
        raw={
            f"{part} {name} (ms per batch)": float(value)
            for part in ("NPU_compute_time", "H2D_latency", "D2H_latency")
            for name, value in summary.get(part, {}).items()
            if name != "count"
        },
    )


def _environment(job: Job, outputs: Mapping[str, Path], toolchain: str) -> dict[str, str]:
    found = {"CANN": toolchain.removeprefix("CANN "), **read_versions(outputs[shared.EXPORT] / "export.json")}
    options = options_of(job)
    return found | {"soc_version": soc_of(job.target, options), "inference tool": options.tool}


def _state(job: Job, outputs: Mapping[str, Path]) -> tuple[dict[str, str], list[str]]:
    """What npu-smi said before and after, and what a reader must know of it."""
    host: dict[str, str] = {}
    notes = []
    for when, name in (("before", before_name(job.target)), ("after", after_name(job.target))):
        reading = npu_smi.read(read_text(outputs[name] / "stdout.txt"))
        chip = reading.device(job.device)
        if reading.driver_version:
            host["Ascend driver"] = reading.driver_version
        if reading.tool_version and reading.driver_version and reading.tool_version != reading.driver_version:
            notes.append(
                f"npu-smi {reading.tool_version} and driver {reading.driver_version} are of different versions"
            )
        if chip is None:
            continue
        host["chip"] = chip.name
        parts = [f"health {chip.health}"]
        for value, unit in ((chip.temperature_c, "C"), (chip.power_w, "W"), (chip.aicore_percent, "% AICore")):
            parts += [] if value is None else [f"{value} {unit}"]
        if chip.memory_used_mb is not None:
            parts.append(f"{chip.memory_used_mb} of {chip.memory_total_mb} MB")
        host[f"chip {when}"] = ", ".join(parts)
        if chip.health != "OK":
            notes.append(f"the chip's health was {chip.health} {when} the measurement")
        if when == "after" and (chip.aicore_percent or 0) > 0:
            notes.append("another program used the chip at the end: the throughput may be too low")
    return host, list(dict.fromkeys(notes))
