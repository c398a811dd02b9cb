"""Measurements of an Ascend target from the output folders of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from kit.inside.estimate import percentiles
from kit.planning import common
from kit.planning.cardsteps import after_name, before_name, infer_name
from kit.planning.target import Job, Reading
from kit.results.conditions import Conditions
from kit.results.evidence import Raw, field_name, measurement
from kit.results.measurements import Energy, Mode, Throughput
from kit.results.outputs import Output, Outputs
from kit.targets.ascend.config import card_of, options_of, soc_of
from kit.targets.ascend.datasetparts import shards_of
from kit.targets.ascend.readers import npu_smi
from kit.targets.ascend.readers.npu_smi import Chip
from kit.targets.ascend.steps import (
    bench_name,
    card_name,
    dataset_step,
    energy_name,
    on_dataset,
    rate_of_dataset,
)
from kit.targets.ascend.success import dataset_block, load_summary, pure_block
from kit.targets.batches import read_versions
from kit.targets.cards import BatchScores, shape_notes

__all__ = ["read"]

#: Below this share of pure inference another program probably used the chip.
_SUSPICIOUS = 0.8
#: Keys of a performance file as its lines print them.
_PRINTED = {"interface": "Interface throughputRate"}


def read(job: Job, outputs: Mapping[str, Path], toolchain: str) -> Reading:
    """Accuracy of the smallest batch that ran over the data set, throughput of every batch, state of the chip.

    Raises:
        StepError: a result is missing, or batches disagree beyond the recipe's tolerance.
        DamagedError: a result file cannot be read.
    """
    outputs = Outputs.of(outputs)
    options = options_of(job)
    throughput, scores = [], BatchScores(job)
    notes: list[str] = []
    for batch in job.batches:
        pure = None
        if not rate_of_dataset(job, batch) or options.pure:
            pure = _pure(job, batch, outputs)
        card = _card_rates(job, batch, outputs)
        if on_dataset(options, batch):
            scores.read(batch, outputs)
        if pure and not rate_of_dataset(job, batch):
            both = pure.model_copy(update=_with(pure, card))
            throughput.append(_with_energy(job, both, outputs, notes))
            notes += _card_note(job, pure, card)
            continue
        rates: dict[str, Raw[float]] = {**card}
        if pure:
            rates["pure inference (images/s)"] = Raw(pure.rate, pure.evidence["rate"])
        measured = (_from_summary if options.tool == "ais_bench" else _from_perf)(job, batch, outputs, rates)
        if pure and measured.rate < _SUSPICIOUS * pure.rate and not job.simulate:
            notes.append(
                f"batch {batch}: the run over the data set reached {measured.rate / pure.rate:.0%} of pure"
                " inference; another program may have used the chip"
            )
        throughput.append(_with_energy(job, measured, outputs, notes))
        notes += _card_note(job, pure or measured, card)
    if shards_of(job) > 1:
        where = f"devices {', '.join(map(str, job.devices))}" if job.devices else f"device {job.device}"
        notes.append(
            f"the data set ran in {shards_of(job)} parts on {where}, for the accuracy alone; each rate is that of pure"
            f" inference on device {job.device}, measured by a step of its own"
        )
    environment = _environment(job, outputs, toolchain)
    host, remarks = _state(job, outputs)
    return Reading(
        accuracy=scores.accuracy,
        metrics=scores.metrics,
        throughput=tuple(throughput),
        toolchain=toolchain,
        hardware=card_of(job).hardware,
        environment=environment,
        host=host,
        notes=(*notes, *scores.notes(), *shape_notes(job), *remarks),
    )


def _from_perf(job: Job, batch: int, outputs: Outputs, more: Mapping[str, Raw[float]]) -> Throughput:
    step = infer_name(job.target, batch)
    output = outputs.file(step, f"result/perf_vision_batchsize_{batch}_device_{job.device}.txt")
    rate, block = dataset_block(output.path)
    raw = {}
    for stage, values in block.stages.items():
        for key, value in values.items():
            tag, printed = stage.replace("_", " "), _PRINTED.get(key, key)
            unit = "ms" if "atency" in key else "images/s"
            raw[f"{tag} {printed} ({unit})"] = output.line(float(value), f"[{tag}", printed)
    return measurement(
        Throughput,
        batch=batch,
        rate=output.line(rate, "[infer", _PRINTED["interface"]),
        per="device",
        factor=card_of(job).devices,
        unit="fps",
        mode="dataset",
        conditions=_conditions(warm_up="included"),  # every batch of the data set counts, the first one, too
        raw={**raw, **more},
    )


def _conditions(warm_up: Literal["included", "excluded"]) -> Conditions:
    """All rates of the tools count the calls of the engine alone: copies, files and gaps are outside.

    atc makes fp16 engines of fp32 models unless it is told otherwise, and kit states just that.
    """
    return Conditions(precision="fp16", preprocessing="excluded", transfers="excluded", warm_up=warm_up)


def _pure(job: Job, batch: int, outputs: Outputs) -> Throughput:
    if options_of(job).tool == "ais_bench":
        return _from_summary(job, batch, outputs, {}, mode="synthetic")
    return _from_pure(job, batch, outputs)


def _card_rates(job: Job, batch: int, outputs: Outputs) -> dict[str, Raw[float]]:
    """What each device of the card reached while all of them ran; empty where they were not asked to."""
    found: dict[str, Raw[float]] = {}
    for device in job.devices if job.shards == 1 else ():
        step, folder = card_name(job.target, batch), f"device{device}"
        if options_of(job).tool == "ais_bench":
            rate = outputs.file(step, f"{folder}/result_summary.json").key("throughput")
        else:
            name, reached, _ = pure_block(outputs[step] / folder)
            rate = outputs.file(step, f"{folder}/result/{name}").line(reached, "ave_throughputRate")
        found[f"device {device}, all devices of the card at once (images/s)"] = rate
    return found


def _with(measured: Throughput, card: Mapping[str, Raw[float]]) -> dict[str, Any]:
    """The raw numbers of a measurement and those of the card, each with its evidence."""
    raw = {name: rate.value for name, rate in card.items()}
    evidence = {field_name("raw", name): rate.evidence for name, rate in card.items()}
    return {"raw": {**measured.raw, **raw}, "evidence": {**measured.evidence, **evidence}}


def _with_energy(job: Job, measured: Throughput, outputs: Outputs, notes: list[str]) -> Throughput:
    """The measurement with the joules of an image, where the recipe asks for them and npu-smi shows a power."""
    if not options_of(job).energy:
        return measured
    output = outputs.file(energy_name(job.target, measured.batch), "energy.json")
    if output.key("energy").value is None:
        notes.append(f"batch {measured.batch}: npu-smi printed the chip's power too rarely to compute the energy")
        return measured
    raw = output.keys("energy")
    energy = Energy(**{name: one.value for name, one in raw.items()})
    evidence = {field_name("energy", name): one.evidence for name, one in raw.items()}
    return measured.model_copy(update={"energy": energy, "evidence": {**measured.evidence, **evidence}})


def _card_note(job: Job, one: Throughput, card: Mapping[str, Raw[float]]) -> list[str]:
    """The card's measured rate and that of one device, times the devices: they share a bus and a supply."""
    if not card:
        return []
    whole, single = sum(rate.value for rate in card.values()), one.rate * len(card)
    how = "SIMULATED" if job.simulate else "measured"
    said = f"all {len(card)} devices of the card at once reach {whole:.6g} images/s, {how}"
    return [f"batch {one.batch}: {said}; one device x {len(card)} is {single:.6g} ({whole / single:.1%})"]


def _from_pure(job: Job, batch: int, outputs: Outputs) -> Throughput:
    step = bench_name(job.target, batch)
    name, rate, latency = pure_block(outputs[step])
    output = outputs.file(step, f"result/{name}")
    return measurement(
        Throughput,
        batch=batch,
        rate=output.line(rate, "ave_throughputRate"),
        per="device",
        factor=card_of(job).devices,
        unit="fps",
        mode="synthetic",
        conditions=_conditions(warm_up="excluded"),  # the tool leaves out its first rounds
        raw={"ave_latency per image (ms)": output.line(float(latency), "ave_latency")},
    )


def _from_summary(
    job: Job, batch: int, outputs: Outputs, more: Mapping[str, Raw[float]], mode: Mode = "dataset"
) -> Throughput:
    step = dataset_step(job, batch) if mode == "dataset" else bench_name(job.target, batch)
    summary = load_summary(outputs[step])
    output = outputs.file(step, "result_summary.json")
    listed = [float(time) for time in summary.get("npu_compute_time_list", ())]
    times = [time for time in listed if time > 0]
    latency: dict[str, Raw[float]] | None = None
    if found := percentiles(times):
        latency = {"n": output.at("json", "len(npu_compute_time_list)", len(times))}
        for name, time in found.items():
            latency[name] = output.key("npu_compute_time_list", listed.index(time))
    raw = {
        f"{part} {name} (ms per batch)": output.key(part, name)
        for part in ("NPU_compute_time", "H2D_latency", "D2H_latency")
        for name in summary.get(part, {})
        if name != "count"
    }
    return measurement(
        Throughput,
        batch=batch,
        rate=output.key("throughput"),
        per="device",
        factor=card_of(job).devices,
        unit="fps",
        mode=mode,
        latency_ms=latency,
        conditions=_conditions(warm_up="excluded"),
        raw={**raw, **more},
    )


def _environment(job: Job, outputs: Outputs, toolchain: str) -> dict[str, str | Raw[str]]:
    options = options_of(job)
    return {
        "CANN": toolchain.removeprefix("CANN "),
        **read_versions(outputs.file(common.EXPORT, "export.json")),
        "soc_version": soc_of(job),
        "inference tool": str(options.tool),
    }


def _state(job: Job, outputs: Outputs) -> tuple[dict[str, str | Raw[str]], list[str]]:
    """What npu-smi printed before and after, and notes for the report."""
    host: dict[str, str | Raw[str]] = {}
    notes = []
    for when, name in (("before", before_name(job.target)), ("after", after_name(job.target))):
        output = outputs.file(name, "stdout.txt")
        reading = npu_smi.read(output.text)
        chip = reading.device(job.device)
        if reading.driver_version:
            host["Ascend driver"] = output.line(reading.driver_version, "Version:")
        if reading.tool_version and reading.driver_version and reading.tool_version != reading.driver_version:
            notes.append(f"npu-smi {reading.tool_version} and driver {reading.driver_version} have different versions")
        if chip is None:
            continue
        facts = _facts(output, chip)
        host["chip"] = facts.pop("name")
        host |= {f"chip {when}, {fact}": value for fact, value in facts.items()}
        if chip.health != "OK":
            notes.append(f"the chip's health was {chip.health} {when} the measurement")
        if when == "after" and (chip.aicore_percent or 0) > 0:
            notes.append("another program used the chip at the end: the throughput may be too low")
    return host, list(dict.fromkeys(notes))


def _facts(output: Output, chip: Chip) -> dict[str, Raw[str]]:
    """What the two rows of a chip say about it."""
    lines = output.text.split("\n")
    second = next((number for number, line in enumerate(lines) if chip.bus_id and chip.bus_id in line), 1)
    first = max(0, second - 1)
    name = output.line(chip.name, "|", start=first)
    shown: list[tuple[str, object, tuple[str, ...], int]] = [
        ("health", chip.health, ("|", chip.name, "|"), first),
        ("power (W)", chip.power_w, ("|", chip.name, "|", chip.health, "|"), first),
        ("temperature (C)", chip.temperature_c, ("|", chip.name, "|", chip.health, "|"), first),
        ("AICore (%)", chip.aicore_percent, ("|", "|", "|"), second),
        ("memory used (MB)", chip.memory_used_mb, ("|", "|", "|"), second),
        ("memory (MB)", chip.memory_total_mb, ("|", "|", "|"), second),
    ]
    found = {"name": name}
    for fact, value, words, start in shown:
        if value is not None:
            found[fact] = Raw(str(value), output.line(value, *words, start=start).evidence)
    return found
