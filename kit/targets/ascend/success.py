"""Whether a vendor's tool succeeded, whatever its exit code is.

``benchmark`` ends with 0 on several failures, so its success is: no ``[ERROR]`` line, a performance file, and one
result file per image. The output folder is new at every run, so nothing in it can be stale.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from kit.errors import DeviceError, StepError
from kit.planning.cardsteps import before_name
from kit.planning.step import Outcome, Step
from kit.planning.target import Job
from kit.results.outputs import read_text
from kit.targets.ascend.checks.chip import examine
from kit.targets.ascend.config import architecture, options_of
from kit.targets.ascend.faults import ATC, INFERENCE, NPU_SMI
from kit.targets.ascend.readers import npu_smi, perf
from kit.targets.ascend.readers.perf import DatasetBlock
from kit.toollogs.messages import explain, first_line

__all__ = ["check_outcome", "dataset_block", "load_summary", "pure_block"]

_MAGIC = b"IMOD"
_MAX_SUMMARY = 512 << 20


def check_outcome(job: Job, step: Step, outcome: Outcome) -> None:
    """Raise where the step failed.

    Raises:
        StepError, DeviceError, ResourceError, MissingError: one sentence and a remedy.
    """
    if not step.name.startswith(f"{job.target}/"):
        return
    texts = (read_text(outcome.stdout), read_text(outcome.stderr))
    if step.stage == "convert":
        _check_convert(step, outcome, texts)
    elif step.stage == "query":
        _check_state(job, step, outcome, texts)
    elif step.stage in {"infer", "bench"}:
        if step.code == ("union",):
            return  # kit's own program, which says itself what is wrong
        _refuse_errors(step, outcome, texts)
        if step.outputs == ("energy.json",):
            return  # the file exists, and says itself whether the power could be read
        if step.code:  # all devices of the card at once, each in its own folder
            for name in step.outputs:
                (load_summary if options_of(job).tool == "ais_bench" else pure_block)(outcome.folder / name)
        elif options_of(job).tool == "ais_bench":
            _check_ais(step, outcome)
        elif step.stage == "infer":
            _check_dataset(job, step, outcome)
        else:
            pure_block(outcome.folder)


def _check_convert(step: Step, outcome: Outcome, texts: tuple[str, str]) -> None:
    om = outcome.folder / step.outputs[0]
    done = outcome.exit_code == 0 and any("ATC run success" in text for text in texts)
    if done and _is_om(om):
        return
    where = str(outcome.stdout)
    raise explain(ATC, *texts, where=where) or StepError(
        f"atc said success but {om.name} is not an engine file"
        if done
        else f"atc failed without saying why (exit code {outcome.exit_code})",
        where=where,
        remedy="set options -> log: debug and run again; a partial file stays where atc was killed",
    )


def _is_om(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == _MAGIC
    except OSError:
        return False


def _refuse_errors(step: Step, outcome: Outcome, texts: tuple[str, str]) -> None:
    failed = outcome.exit_code != 0
    said = first_line(texts, r"\[ERROR\]|last frame inference failed|^EL?\d{3,5}:")
    if not failed and not said:
        return
    where = str(outcome.stdout)
    error = explain(INFERENCE, *texts, where=where)
    if error:
        raise error
    if said:
        raise StepError(f"{step.argv[0]} failed: {said}", where=where, remedy="read its log; `kit doctor` helps")
    if outcome.exit_code in {126, 127}:
        return  # the runner reports that the program is missing
    if outcome.exit_code == 139:
        raise StepError(
            "the inference tool crashed (segmentation fault)",
            where=where,
            remedy="use compatible versions of driver, toolkit and tool; `kit doctor` shows them",
        )
    raise StepError(
        f"the inference tool failed without a message (exit code {outcome.exit_code})",
        where=where,
        remedy="read its log; `kit doctor` checks the machine",
    )


def dataset_block(path: Path, where: str | None = None) -> tuple[float, DatasetBlock]:
    """The data set run of a performance file, and its rate in samples/s of one device.

    Raises:
        StepError: no such file, or a value is missing or contradicts the others.
    """
    reading = perf.read(read_text(path)) if path.is_file() else None
    block = reading.dataset if reading else None
    if reading is None or block is None or block.interface is None or reading.status in {"partial", "error"}:
        problem = "; ".join(reading.problems[:3]) if reading else "it is missing"
        raise StepError(
            f"the performance file {path.name} is not complete: {problem or 'it holds no run over a data set'}",
            where=where or str(path.parent),
            remedy="run the step again with --force; if it fails again, the tool was stopped or the disk is full",
        )
    wrong = block.contradictions()
    if wrong:
        raise StepError(
            f"the performance file {path.name} contradicts itself: {wrong[0]}",
            where=where or str(path.parent),
            remedy="run the step again with --force",
        )
    return block.interface, block


def pure_block(folder: Path) -> tuple[str, float, float]:
    """The result of a pure inference in ``folder/result``: name of its file, samples/s, and ms per sample.

    Raises:
        StepError: there is not exactly one such file with a rate in it.
    """
    found = sorted((folder / "result").glob("PureInfer_perf_of_*.txt"))
    block = perf.read(read_text(found[0])).pure if len(found) == 1 else None
    if block is None or block.rate is None or block.latency is None or block.contradictions():
        raise StepError(
            f"benchmark left no rate of its pure inference ({len(found)} result files)",
            where=str(folder / "result"),
            remedy="run the step again with --force; more rounds may help (options -> rounds)",
        )
    return found[0].name, block.rate, block.latency


def _check_dataset(job: Job, step: Step, outcome: Outcome) -> None:
    result = outcome.folder / "result"
    jobs = job.shard_jobs
    batch, device = step.batch, jobs[(step.shard - 1) % len(jobs)].device if step.shard else job.device
    _, block = dataset_block(result / f"perf_vision_batchsize_{batch}_device_{device}.txt", str(outcome.stdout))
    dump = result / f"dumpOutput_device{device}"
    if not dump.is_dir():
        old = (result / "dumpOutput").is_dir()
        raise StepError(
            "this benchmark puts its results into result/dumpOutput, as the oldest generation does"
            if old
            else "benchmark left no results",
            where=str(outcome.stdout),
            remedy=f"use a newer benchmark.{architecture(options_of(job))}" if old else "free disk space and run again",
        )
    suffix = f"_1.{options_of(job).output}"
    with os.scandir(dump) as entries:
        count = sum(entry.name.endswith(suffix) for entry in entries)
    _check_count(count, block.samples, outcome)


def _check_count(count: int, samples: float | None, outcome: Outcome) -> None:
    # Both factors of the product have six digits, so it is known to 1e-5.
    if not count or samples is None or abs(count - samples) > max(0.6, 2e-5 * samples):
        stated = "an unknown number of" if samples is None else f"{samples:.0f}"
        raise StepError(
            f"benchmark ran {stated} images but left results of {count}",
            where=str(outcome.stdout),
            remedy="free disk space, and run the step again with --force",
        )


def load_summary(folder: Path) -> dict[str, Any]:
    """``result_summary.json`` of ais_bench.

    Raises:
        StepError: missing, not JSON, or without a throughput.
    """
    path = folder / "result_summary.json"
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_SUMMARY + 1)
        summary: dict[str, Any] = json.loads(data)
        rate, times = float(summary["throughput"]), summary["NPU_compute_time"]
        if not 0 < rate < float("inf") or not float(times["mean"]) > 0:
            raise ValueError("no rate")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StepError(
            "ais_bench left no usable result_summary.json",
            where=str(path),
            remedy="run the step again with --force; ais_bench 0.0.2 or newer is needed",
        ) from error
    return summary


def _check_ais(step: Step, outcome: Outcome) -> None:
    summary = load_summary(outcome.folder)
    if step.stage != "infer":
        return
    runs = summary.get("filesinfo", {})
    entries = list(runs.values()) if isinstance(runs, dict) else []
    images = sum(len(entry.get("infiles", ())) for entry in entries)
    written = sum(len(entry.get("outfiles", ())) for entry in entries)
    result = outcome.folder / "result"
    left = [path for path in result.iterdir() if path.name != "SIMULATED"] if result.is_dir() else []
    if not left or written != len(left):
        raise StepError(
            f"ais_bench names {written} results of {images} files but left {len(left)}",
            where=str(outcome.stdout),
            remedy="free disk space, and run the step again with --force",
        )


def _check_state(job: Job, step: Step, outcome: Outcome, texts: tuple[str, str]) -> None:
    where = str(outcome.stdout)
    if error := explain(NPU_SMI, *texts, where=where):
        raise error
    if outcome.exit_code:
        return  # an unknown message: the runner quotes it
    reading = npu_smi.read(texts[0])
    finding = examine(job, reading)
    # After the measurement the chip only has to be there: its state is a note of the report.
    matters = step.name == before_name(job.target) or reading.device(job.device) is None
    if finding.state == "fail" and matters:
        raise DeviceError(finding.message, where=where, remedy=finding.remedy)
