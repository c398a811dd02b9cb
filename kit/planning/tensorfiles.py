"""Inference over folders of tensor files by an engine that kit itself drives. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kit.planning import common
from kit.planning.engineuse import EngineUse
from kit.planning.step import Input, Made, Step
from kit.planning.target import Job
from kit.planning.task import FileForm, FileRun, InputFiles, Task

__all__ = [
    "file_rate_step", "file_steps", "form_json", "infer_step", "input_folders", "inputs_json", "plain_form",
    "plain_results", "plain_runs", "run_name",
]  # fmt: skip


def run_name(prefix: str, run: FileRun, runs: Sequence[FileRun]) -> str:
    """Name of the step of a run: ``cpu/infer``, or ``cpu/infer-flip`` where there are several."""
    return f"{prefix}infer" if len(runs) == 1 else f"{prefix}infer-{run.name}"


def file_steps(job: Job, task: Task, infer: Sequence[Step], prefix: str) -> list[Step]:
    """The task's steps around those of the engine, of which each of its runs has one, or shards and one."""
    runs = task.runs(job)
    results = {run.name: Made(run_name(prefix, run, runs)) for run in runs}
    return [*task.prepare(job), *infer, *task.score(job, prefix, results)]


def input_folders(run: FileRun) -> dict[str, Made]:
    """Inputs of a step that reads the files of a run: ``input0``, ``input1``, ..."""
    return {f"input{number}": one.folder for number, one in enumerate(run.inputs)}


def infer_step(
    job: Job, task: Task, run: FileRun, use: EngineUse, *, prefix: str, batch: int, more: tuple[str, ...] = ()
) -> Step:
    """One run of the engine over files; ``more`` are further words."""
    form = task.form(job)
    words = (
        *more,
        "--inputs", inputs_json(run),
        "--outputs", form_json(form),
        "--shapes", form.shapes,
        "--batch", str(batch),
        "--threads", str(job.recipe.bench.threads),
    )  # fmt: skip
    name = run_name(prefix, run, task.runs(job))
    title = "inference on files" + ("" if run.name == "main" else f", {run.name}")
    outputs = ("result", "result_summary.json", "infer.json")
    return use.step(name, "infer", title, "infer_files", words, outputs, input_folders(run))


def file_rate_step(job: Job, task: Task, use: EngineUse, name: str) -> Step:
    """Rate and latency of all batches, on the files of the task's first run."""
    run = task.runs(job)[0]
    words = (
        "--inputs", inputs_json(run),
        "--shapes", task.form(job).shapes,
        "--batches", ",".join(map(str, job.batches)),
    )  # fmt: skip
    return use.bench_step(job, name, "file_rate", words, input_folders(run))


def plain_runs(job: Job, task: Task) -> tuple[list[Step], list[FileRun]]:
    """The task's runs for a tool that gives files to the graph as they are, and the steps that convert them before.

    A file whose shape counts gets the batch axis of the graph by that.
    """
    steps, runs = [], []
    shapes = task.form(job).shapes
    words = ("--shapes", shapes) if shapes == "files" else ()
    for run in task.runs(job):
        forms = [one.dtype or one.layout or one.mean is not None or one.scale is not None for one in run.inputs]
        if not words and not any(forms):
            runs.append(run)
            continue
        name = f"{job.target}/files" if len(task.runs(job)) == 1 else f"{job.target}/files-{run.name}"
        sources: dict[str, Input] = {"model": common.MODEL, **input_folders(run)}
        argv = ("--model", "{in:model}", "--inputs", inputs_json(run), *words, "--out", "{out}")
        folders = tuple(f"input{number}" for number in range(len(run.inputs)))
        steps.append(_convert(name, "preprocess", "files as the graph takes them", ("inputs", *argv), folders, sources))
        made = [InputFiles(Made(name, folder), one.shape) for folder, one in zip(folders, run.inputs, strict=True)]
        runs.append(FileRun(run.name, tuple(made)))
    return steps, runs


def plain_form(form: FileForm) -> FileForm:
    """What a tool with ais_bench's names and the graph's types must write, so that :func:`plain_results` can go on."""
    plain = not form.dtype and form.names == "ais_bench"
    return form if plain else replace(form, format="npy", dtype={}, names="ais_bench")


def plain_results(
    job: Job, task: Task, results: Mapping[str, Made], prefix: str
) -> tuple[list[Step], Mapping[str, Made]]:
    """Steps that write the results of such a tool in the form of the task, and where they are then."""
    form = task.form(job)
    if plain_form(form) is form:
        return [], results
    steps = {}
    for run, source in results.items():
        name = f"{prefix}results" if len(results) == 1 else f"{prefix}results-{run}"
        argv = ("results", "--results", "{in:results}", "--outputs", form_json(form), "--out", "{out}")
        outputs = ("result", "result_summary.json")
        steps[run] = _convert(name, "metrics", "results as the scripts read them", argv, outputs, {"results": source})
    return list(steps.values()), {run: Made(step.name) for run, step in steps.items()}


def _convert(
    name: str, stage: Any, title: str, argv: tuple[str, ...], outputs: tuple[str, ...], inputs: Mapping[str, Input]
) -> Step:
    return Step(
        name=name,
        stage=stage,
        title=title,
        image="runtime",
        argv=("python3", "-m", "inside.file_forms", *argv),
        outputs=outputs,
        inputs=inputs,
        code=("file_forms",),
    )


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
