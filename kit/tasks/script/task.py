"""Task ``script``: preprocessing, postprocessing and metric are programs of the user, which run in containers."""

from __future__ import annotations

import json
import math
import posixpath
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from kit.errors import InvalidInputError, MissingError
from kit.planning import common
from kit.planning.requirements import packages_image
from kit.planning.step import GIB, External, Input, Limits, Made, Step
from kit.planning.target import ImageSpec, Job
from kit.planning.task import FileForm, FileRun, InputFiles
from kit.recipe.model import GraphInput
from kit.recipe.schema import Recipe
from kit.results.evidence import measurement
from kit.results.metrics import Declaration, Metric, Unit
from kit.results.outputs import Outputs
from kit.tasks.script.settings import COCO_ROWS, MetricPattern, ScriptSettings, script_settings

__all__ = ["TASK", "Script"]

BEFORE = "script/preprocess"
_PACKAGES = "packages"


class Script:
    """Programs on files, before and after the engine."""

    name = "script"
    counts_classes = False
    settings = ScriptSettings

    def check(self, recipe: Recipe) -> None:
        """Check every setting, and that code and files are there."""
        settings = script_settings(recipe)
        _check_shapes(recipe, settings)
        for place, path in [("code", settings.code), *_paths(settings)]:
            if not recipe.resolve(path).exists():
                raise InvalidInputError(
                    f"task -> script -> {place}: there is nothing at {path}",
                    where=str(recipe.resolve(path)),
                    remedy="correct the path; it starts at the recipe's folder",
                )

    def check_data(self, recipe: Recipe, images: Path, labels: Path) -> None:  # noqa: ARG002
        """Whether there is a folder; only the scripts know what it must hold."""
        if not images.is_dir():
            raise MissingError(
                f"there is no folder of the data set {recipe.dataset.name}",
                where=str(images),
                remedy="point to it with --images DIR (or KIT_IMAGES), or in dataset -> images of the recipe",
            )

    def metrics(self, recipe: Recipe) -> Sequence[Declaration]:
        """As the recipe declares them."""
        settings = script_settings(recipe)
        return [
            Declaration(name, _unit(name, one), one.better, one.published, one.tolerance, one.source)
            for name, one in settings.metrics.items()
        ]

    def images(self, job: Job) -> Sequence[ImageSpec]:
        """The runtime image with the packages of the recipe, where it names some."""
        settings = script_settings(job.recipe)
        if not settings.packages:
            return ()
        return (packages_image(_PACKAGES, job.recipe.resolve(settings.packages), "runtime"),)

    def prepare(self, job: Job) -> Sequence[Step]:
        """The programs before inference."""
        settings = script_settings(job.recipe)
        shapes, known = _shapes(settings), settings.known_shapes
        if shapes == "files" and job.batches != (1,):
            raise InvalidInputError(
                f"batches: files of different shapes run one a call, so batch {max(job.batches)} means nothing",
                remedy="write batches: [1]",
            )
        sizes, main = _sample_bytes(job.recipe, settings), next(iter(settings.runs))
        counted = settings.samples == "each" or settings.runs[main][0] in sizes
        plan: dict[str, Any] = {
            **_shared_plan(settings),
            "commands": settings.preprocess,
            "programs": _python_programs(settings),
            "runs": settings.runs,
            "counts": {main: job.recipe.dataset.count} if counted else {},
            "bytes": sizes,
            "shapes": shapes,
        }
        if known:
            plan["known"] = {"low": known.low, "high": known.high, "listed": known.listed}
            plan["nhwc"] = sorted(name for name, one in settings.inputs.items() if one.layout == "NHWC")
        return [
            _step(
                job,
                settings,
                name=BEFORE,
                title="the scripts before inference",
                stage="preprocess",
                plan=plan,
                outputs=("work", "runs.json", "stdout.txt", "stderr.txt"),
            )
        ]

    def runs(self, job: Job) -> Sequence[FileRun]:
        """The folders of the working folder."""
        settings = script_settings(job.recipe)
        shapes = [one.shape for one in _stated_inputs(job.recipe)]
        return [
            FileRun(
                name,
                tuple(
                    InputFiles(
                        Made(BEFORE, f"work/{folder}"),
                        shape=shapes[number] if number < len(shapes) else None,
                        **(settings.inputs[folder].model_dump() if folder in settings.inputs else {}),
                    )
                    for number, folder in enumerate(folders)
                ),
            )
            for name, folders in settings.runs.items()
        ]

    def form(self, job: Job) -> FileForm:
        """As the recipe says."""
        settings = script_settings(job.recipe)
        outputs = settings.outputs
        types = {str(number): kind for number, kind in outputs.dtype.items()}
        return FileForm(
            outputs.format, outputs.batch_axis, types, outputs.names, _shapes(settings), settings.known_shapes
        )

    def score(self, job: Job, prefix: str, results: Mapping[str, Made]) -> Sequence[Step]:
        """The programs after inference, and the metric that they print."""
        settings = script_settings(job.recipe)
        plan = {
            **_shared_plan(settings),
            "commands": settings.postprocess,
            "folders": settings.runs,
            "metrics": [_pattern(name, settings) for name in settings.metrics],
        }
        inputs: dict[str, Input] = {f"results-{name}": source for name, source in results.items()}
        words = [word for name in results for word in ("--results", f"{name}={{in:results-{name}}}")]
        return [
            _step(
                job,
                settings,
                name=f"{prefix}score",
                title="the scripts after inference",
                stage="metrics",
                plan=plan,
                outputs=("metrics.json", "stdout.txt", "stderr.txt"),
                inputs={**inputs, "before": Made(BEFORE, "work")},
                words=("--before", "{in:before}", *words),
            )
        ]

    def read(self, job: Job, prefix: str, outputs: Outputs) -> tuple[Metric, ...]:
        """Each metric at the place where it was printed."""
        settings = script_settings(job.recipe)
        found = outputs.file(f"{prefix}score", "metrics.json")
        return tuple(
            _metric(outputs, f"{prefix}score", entry, settings, job.recipe.dataset.count)
            for entry in found.key("metrics").value
        )


def _stated_inputs(recipe: Recipe) -> Sequence[GraphInput]:
    return recipe.graph_inputs if {"input", "inputs"} & recipe.model_fields_set else ()


def _sample_bytes(recipe: Recipe, settings: ScriptSettings) -> dict[str, int]:
    """Folder of files that are alike -> bytes of one sample."""
    if _shapes(settings) == "files":
        return {}
    found: dict[str, int] = {}
    for folders in settings.runs.values():
        for folder, one in zip(folders, _stated_inputs(recipe), strict=False):
            form = settings.inputs.get(folder)
            digits = re.sub(r"\D", "", (form and form.dtype) or one.dtype)
            found[folder] = math.prod(one.shape) * int(digits or 8) // 8
    return found


def _shapes(settings: ScriptSettings) -> Literal["fixed", "files"]:
    return settings.shapes if isinstance(settings.shapes, str) else "files"


def _check_shapes(recipe: Recipe, settings: ScriptSettings) -> None:
    """Whether the shapes of files are those of the model's inputs, with sizes that differ on dynamic axes only.

    Raises:
        InvalidInputError: they are not.
    """
    known, place = settings.known_shapes, "task -> script -> shapes -> files"
    if known is None:
        return
    ranks, wanted = [len(shape) for shape in known.low], [len(one.shape) for one in recipe.graph_inputs]
    if ranks != wanted:
        raise InvalidInputError(
            f"{place}: has shapes of {ranks} sizes, one shape per input, and the model's inputs have {wanted}",
            remedy="give a shape of one sample, without the batch, for each input of the recipe",
        )
    if recipe.model.source == "onnx":
        return  # its own axes count
    for one, low, high in zip(recipe.graph_inputs, known.low, known.high, strict=True):
        for axis, (least, most) in enumerate(zip(low, high, strict=True), 1):
            if least != most and axis not in one.axes:
                raise InvalidInputError(
                    f"{place}: axis {axis} of input {one.name} has sizes from {least} to {most}, and is not dynamic",
                    remedy=f"name it where the input stands: axes: {{{axis}: NAME}}",
                )


def _metric(outputs: Outputs, step: str, entry: Mapping[str, Any], settings: ScriptSettings, samples: int) -> Metric:
    text, column = str(entry["text"]), int(entry["column"])
    place = f"line {entry['line']}, columns {column}-{column + len(text) - 1}"
    value = outputs.file(step, str(entry["file"])).at("text", place, float(text))
    declared = settings.metrics[str(entry["name"])]
    return measurement(
        Metric, name=entry["name"], value=value, unit=entry["unit"], better=declared.better, samples=samples
    )


def _shared_plan(settings: ScriptSettings) -> dict[str, Any]:
    given = {"environment": settings.environment} if settings.environment else {}
    return given | {
        "links": settings.links,
        "data": settings.data,
        "seconds": settings.seconds,
        "max_bytes": int(settings.max_gib * GIB),
    }


def _python_programs(settings: ScriptSettings) -> list[str]:
    programs: set[str] = set()
    for commands in (settings.preprocess, settings.postprocess):
        where = ""
        for line in commands:
            if line[0] == "cd":
                where = posixpath.normpath(posixpath.join(where, *line[1:]))
            found = [word for word in line if word.endswith(".py") and "{" not in word]
            programs.update(posixpath.normpath(posixpath.join(where, word)) if where else word for word in found)
    return sorted(programs)


def _pattern(name: str, settings: ScriptSettings) -> dict[str, Any]:
    metric = settings.metrics[name]
    shown = {"name": name, "find": metric.find or name, "in": metric.in_, "pick": metric.pick}
    return {**shown, "unit": _unit(name, metric)}


def _unit(name: str, metric: MetricPattern) -> Unit:
    return metric.unit or ("fraction" if (metric.find or name) in COCO_ROWS else "none")


def _paths(settings: ScriptSettings) -> list[tuple[str, str]]:
    given = [(f"files -> {name}", path) for name, path in settings.files.items() if path not in {"weights", "model"}]
    return given + ([("packages", settings.packages)] if settings.packages else [])


def _step(
    job: Job,
    settings: ScriptSettings,
    *,
    name: str,
    title: str,
    stage: Any,
    plan: Mapping[str, Any],
    outputs: tuple[str, ...],
    inputs: Mapping[str, Input] | None = None,
    words: tuple[str, ...] = (),
) -> Step:
    sources: dict[str, Input] = {"code": External(job.recipe.resolve(settings.code)), "data": External(job.images)}
    sources |= inputs or {}
    given: list[str] = []
    for number, (target, path) in enumerate(settings.files.items()):
        known: dict[str, Input] = {"weights": External(job.weights), "model": common.MODEL}
        sources[f"given{number}"] = known.get(path) or External(job.recipe.resolve(path))
        given += ["--given", f"{target}={{in:given{number}}}"]
    return Step(
        name=name,
        stage=stage,
        title=title,
        image=_PACKAGES if settings.packages else "runtime",
        argv=(
            "python3", "-m", "inside.script",
            "--code", "{in:code}",
            "--data", "{in:data}",
            "--plan", json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=False),
            *given,
            *words,
            "--out", "{out}",
        ),
        outputs=outputs,
        inputs=sources,
        code=("script",),
        limits=Limits(memory_bytes=settings.memory_gib * GIB, pids=1024, shm_bytes=2 * GIB),
    )  # fmt: skip


#: Found by the entry point: see pyproject.toml.
TASK = Script()
