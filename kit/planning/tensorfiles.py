"""Inference over folders of tensor files by an engine that kit itself drives. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kit.planning import common
from kit.planning.step import GIB, Devices, Input, Limits, Made, Step

if TYPE_CHECKING:
    from kit.planning.target import Job
    from kit.planning.task import FileForm, FileRun, InputFiles, Task

__all__ = ["file_rate_step", "file_steps", "form_json", "infer_step", "inputs_json", "run_name"]


def run_name(prefix: str, run: FileRun, runs: Sequence[FileRun]) -> str:
    """Name of the step of a run: ``cpu/infer``, or ``cpu/infer-flip`` where there are several."""
    return f"{prefix}infer" if len(runs) == 1 else f"{prefix}infer-{run.name}"


def file_steps(job: Job, task: Task, infer: Sequence[Step], prefix: str) -> list[Step]:
    """The task's steps around those of the engine, which are one for each of its runs, in their order."""
    results = {run.name: Made(step.name) for run, step in zip(task.runs(job), infer, strict=True)}
    return [*task.prepare(job), *infer, *task.score(job, prefix, results)]


def infer_step(
    job: Job,
    task: Task,
    run: FileRun,
    *,
    prefix: str,
    image: str,
    words: tuple[str, ...] = (),
    batch: int = 1,
    model: Input = common.MODEL,
    environment: Mapping[str, str] | None = None,
    devices: Devices | None = None,
    memory_gib: int = 4,
) -> Step:
    """One run of the engine over files."""
    form = task.form(job)
    sources: dict[str, Input] = {"model": model}
    for number, one in enumerate(run.inputs):
        sources[f"input{number}"] = one.folder
    return Step(
        name=run_name(prefix, run, task.runs(job)),
        stage="infer",
        title="inference on files" + ("" if run.name == "main" else f", {run.name}"),
        image=image,
        argv=(
            "python3", "-m", "inside.infer_files",
            "--model", "{in:model}",
            *words,
            "--inputs", inputs_json(run),
            "--outputs", form_json(form),
            "--shapes", form.shapes,
            "--batch", str(batch),
            "--threads", str(job.recipe.bench.threads),
            "--out", "{out}",
        ),
        outputs=("result", "result_summary.json", "infer.json"),
        inputs=sources,
        environment=environment or {},
        devices=devices or Devices(),
        code=("infer_files",),
        limits=Limits(memory_bytes=memory_gib * GIB, shm_bytes=GIB),
    )  # fmt: skip


def file_rate_step(
    job: Job, task: Task, batch: int, *, name: str, image: str, words: tuple[str, ...] = (), model: Input = common.MODEL
) -> Step:
    """Rate and latency at one batch, on the files of the task's first run."""
    run, bench = task.runs(job)[0], job.recipe.bench
    sources: dict[str, Input] = {"model": model}
    sources |= {f"input{number}": one.folder for number, one in enumerate(run.inputs)}
    return Step(
        name=name,
        stage="bench",
        title=f"throughput at batch {batch}",
        image=image,
        argv=(
            "python3", "-m", "inside.file_rate",
            "--model", "{in:model}",
            *words,
            "--inputs", inputs_json(run),
            "--shapes", task.form(job).shapes,
            "--batch", str(batch),
            "--threads", str(bench.threads),
            "--warmup", str(bench.warmup),
            "--repeats", str(bench.repeats),
            "--seconds", f"{bench.seconds:g}",
            "--out", "{out}",
        ),
        outputs=("bench.json",),
        inputs=sources,
        code=("file_rate",),
        batch=batch,
        timed=True,
    )  # fmt: skip


def inputs_json(run: FileRun) -> str:
    """The inputs as the program takes them; their folders are the step's inputs ``input0``, ``input1``, ..."""
    return _dump([_entry(number, one) for number, one in enumerate(run.inputs)])


def _entry(number: int, one: InputFiles) -> dict[str, Any]:
    fields = {name: getattr(one, name) for name in ("shape", "dtype", "layout", "mean", "scale")}
    return {"folder": f"{{in:input{number}}}"} | {name: value for name, value in fields.items() if value is not None}


def form_json(form: FileForm) -> str:
    """The form of results as the program takes it."""
    fields = ("format", "batch_axis", "names")
    return _dump({name: getattr(form, name) for name in fields} | {"dtype": dict(form.dtype)})


def _dump(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
