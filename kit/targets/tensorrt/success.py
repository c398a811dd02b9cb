"""Whether trtexec and nvidia-smi succeeded, whatever their exit codes are."""

from __future__ import annotations

from pathlib import Path

from kit.errors import DeviceError, StepError
from kit.planning.cardsteps import before_name
from kit.planning.step import Outcome, Step
from kit.planning.target import Job
from kit.results.outputs import read_text
from kit.targets.tensorrt.checks.idle import busy
from kit.targets.tensorrt.faults import NVIDIA_SMI, TRTEXEC
from kit.targets.tensorrt.readers import export_times, nvidia_smi, trtexec
from kit.targets.tensorrt.readers.export_times import ExportTimesReading
from kit.targets.tensorrt.readers.nvidia_smi import Gpu
from kit.targets.tensorrt.steps import LONG_WARM_UP_MS, QUERY, long_name
from kit.targets.tensorrt.toolchains import toolchain_of
from kit.toollogs.messages import excerpt, explain, first_line

__all__ = ["check_outcome", "gpu_of", "load_times", "warm_up_ms"]

_MAX_TIMES = 1 << 30
#: The default of trtexec.
_WARM_UP_MS = 200.0
_WRONG_SHAPES = r"Dynamic dimensions required for input|Static model does not take explicit shapes"


def check_outcome(job: Job, step: Step, outcome: Outcome) -> None:
    """Raise where the step failed.

    Raises:
        KitError: one sentence and a remedy.
    """
    if not step.name.startswith(f"{job.target}/") or not step.argv:
        return
    texts = (read_text(outcome.stdout), read_text(outcome.stderr))
    if step.argv[0] == "trtexec":
        _check_trtexec(job, step, outcome, texts)
    elif step.argv[0] == "nvidia-smi":
        _check_state(job, step, outcome, texts)


def _check_trtexec(job: Job, step: Step, outcome: Outcome, texts: tuple[str, str]) -> None:
    where = str(outcome.stdout)
    marks = [line for line in texts[0].splitlines() if "&&&& " in line]
    passed = outcome.exit_code == 0 and bool(marks) and "&&&& PASSED" in marks[-1]
    # Stamps and messages are in different streams, so a message may start anywhere in its line.
    if not passed or first_line(texts, _WRONG_SHAPES):
        if outcome.exit_code in {126, 127} and not marks:
            return  # the runner reports that the program is missing
        if error := explain(TRTEXEC, *texts, where=where):
            raise error
        if outcome.exit_code == 139:
            raise StepError(
                "trtexec crashed (segmentation fault)",
                where=where,
                remedy="check driver and image with `kit doctor`; try another image (options -> base)",
            )
        raise StepError(
            f"trtexec did not say PASSED (exit code {outcome.exit_code})",
            where=where,
            remedy="read its log; `kit doctor` checks driver and GPU",
        )
    _refuse_version(job, texts[0], where)
    if step.stage == "convert":
        made = outcome.folder / step.outputs[0]
        if not made.is_file() or made.stat().st_size == 0:
            raise StepError(
                f"trtexec said PASSED but left no {made.name}", where=where, remedy="free disk space and run again"
            )
    elif step.stage == "bench":
        load_times(outcome.folder, warm_up_ms(job, step.name))


def _refuse_version(job: Job, text: str, where: str) -> None:
    """Refuse a log of another TensorRT, whose flags differ; 7.x prints no version, all later ones do."""
    run, wanted = trtexec.read(text).run, toolchain_of(job).version
    found = run.version if run else None
    same = wanted.startswith("7.") if found is None else found.split(".")[:3] == wanted.split(".")[:3]
    if not same:
        raise StepError(
            f"the log is of TensorRT {found or '7'}, the toolchain of target {job.target} is TensorRT {wanted}",
            where=where,
            remedy=f"let targets -> {job.target} -> toolchain name what the image holds, or change options -> base",
        )


def warm_up_ms(job: Job, name: str) -> float:
    """Warm-up of a measurement: trtexec's default, or that of the long series."""
    return float(LONG_WARM_UP_MS) if name in {long_name(job.target, batch) for batch in job.batches} else _WARM_UP_MS


def load_times(folder: Path, warm_up: float) -> ExportTimesReading:
    """The timing export of a measurement.

    Raises:
        StepError: missing, cut, or without a timed enqueue.
    """
    path = folder / "times.json"
    text = ""
    if path.is_file() and path.stat().st_size <= _MAX_TIMES:
        text = path.read_text(encoding="utf-8", errors="replace")
    reading = export_times.read(text) if text else None
    if reading is None or reading.status not in {"ok", "lenient"} or reading.enqueues_per_s(warm_up) is None:
        problem = "; ".join(reading.problems[:2]) if reading and reading.problems else "no timed enqueue"
        raise StepError(
            f"the timing export holds no rate: {problem}",
            where=str(path),
            remedy="run the step again with --force; free disk space if it was full",
        )
    return reading


def gpu_of(text: str) -> Gpu | None:
    """The GPU that a state step saw, if there is exactly one."""
    reading = nvidia_smi.read_query(text, list(QUERY))
    return reading.gpus[0] if len(reading.gpus) == 1 else None


def _check_state(job: Job, step: Step, outcome: Outcome, texts: tuple[str, str]) -> None:
    where = str(outcome.stdout)
    if error := explain(NVIDIA_SMI, *texts, where=where):
        raise error
    if outcome.exit_code:
        return  # an unknown message: the runner quotes it
    gpu = gpu_of(texts[0])
    if gpu is None:
        raise DeviceError(
            "nvidia-smi does not show exactly one GPU in the container",
            where=where,
            remedy="choose one with --device N or options -> gpu",
        )
    if step.name != before_name(job.target):
        return
    name = gpu.name or "unknown"
    if job.hardware not in name.replace("-", " ").split():
        raise DeviceError(
            f"the GPU is {excerpt(name)}, the target is {job.hardware}",
            where=where,
            remedy="choose another GPU with --device N, or another target",
        )
    if finding := busy(job, gpu):
        raise DeviceError(finding.message, where=where, remedy=finding.remedy)
