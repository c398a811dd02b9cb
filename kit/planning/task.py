"""The protocol of a task, and the registry: entry points ``kit.tasks``, so another package can provide one.

A task says what a model does: what is done before and after inference, and how good the result is. A target runs the
model and knows nothing of that: it takes images by the recipe's preprocessing where the task counts classes, and
otherwise folders of tensor files, and gives folders of tensor files back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from kit.errors import InvalidInputError
from kit.planning.plugins import load_plugins, no_such, plugin_names
from kit.planning.step import Made, Step

if TYPE_CHECKING:
    from pydantic import BaseModel

    from kit.planning.target import ImageSpec, Job
    from kit.recipe.schema import Recipe
    from kit.results.metrics import Declaration, Metric
    from kit.results.outputs import Outputs

__all__ = [
    "FileForm", "FileRun", "FileShapes", "InputFiles", "Task", "load_task", "settings_of", "task_names", "task_of",
]  # fmt: skip

_GROUP = "kit.tasks"
#: What a recipe without ``task`` means.
_DEFAULT = "classification"


@dataclass(frozen=True)
class InputFiles:
    """The files of one input of the graph; ``dtype`` and the rest only where they are not what the graph takes."""

    folder: Made
    shape: tuple[int, ...] | None = None  # of one sample
    dtype: str | None = None
    layout: Literal["NCHW", "NHWC"] | None = None
    mean: tuple[float, ...] | float | None = None
    scale: tuple[float, ...] | float | None = None


@dataclass(frozen=True)
class FileRun:
    """One run of the engine over the data set: a folder for each input of the graph; the folders pair by position."""

    name: str
    inputs: tuple[InputFiles, ...]


@dataclass(frozen=True)
class FileShapes:
    """Shapes of one sample that files may have, for compilers that must know them; one per input, in the graph's order.

    ``listed`` holds all of them, if the recipe lists them; otherwise any size between ``low`` and ``high`` may
    come. ``best`` is what an engine is tuned for and measured at.
    """

    low: tuple[tuple[int, ...], ...]
    best: tuple[tuple[int, ...], ...]
    high: tuple[tuple[int, ...], ...]
    listed: tuple[tuple[tuple[int, ...], ...], ...] = ()


@dataclass(frozen=True)
class FileForm:
    """What the files of results are like, on every target the same."""

    format: Literal["bin", "txt", "npy"] = "bin"
    batch_axis: int = 0
    dtype: Mapping[str, str] = field(default_factory=dict)  # number of the output -> type
    names: Literal["ais_bench", "benchmark", "msame"] = "ais_bench"
    shapes: Literal["fixed", "files"] = "fixed"
    known: FileShapes | None = None  # with ``files``, where the recipe says which


class Task(Protocol):
    """One folder under ``tasks/``, or in another package."""

    name: str
    #: Whether a result is one row of scores per image, of which the best classes count: then a target may preprocess
    #: while it infers, and :meth:`runs` is empty.
    counts_classes: bool
    #: The form of its settings, for `kit schema`; None where it has none.
    settings: type[BaseModel] | None

    def check(self, recipe: Recipe) -> None:
        """Check the task's settings, and what else of the recipe it needs.

        Raises:
            InvalidInputError: one sentence that names the place.
        """

    def check_data(self, recipe: Recipe, images: Path, labels: Path) -> None:
        """Check the data before anything long starts; not called where classes are counted.

        Raises:
            MissingError, InvalidInputError: it is not there, or not what the recipe says.
        """

    def metrics(self, recipe: Recipe) -> Sequence[Declaration]:
        """The metrics that it gives, but for Top1 to Top5."""

    def images(self, job: Job) -> Sequence[ImageSpec]:
        """Images that its steps name."""

    def prepare(self, job: Job) -> Sequence[Step]:
        """Steps before inference. Pure."""

    def runs(self, job: Job) -> Sequence[FileRun]:
        """What the engine runs on: outputs of :meth:`prepare`."""

    def form(self, job: Job) -> FileForm:
        """What the files of results must be like."""

    def score(self, job: Job, prefix: str, results: Mapping[str, Made]) -> Sequence[Step]:
        """Steps after inference.

        Args:
            job: the job.
            prefix: begins the names of the steps, such as ``cpu/``.
            results: run -> the step that holds its ``result`` and ``result_summary.json``.
        """

    def read(self, job: Job, prefix: str, outputs: Outputs) -> tuple[Metric, ...]:
        """The metrics, from the output folders by step name."""


def task_names() -> list[str]:
    """All tasks that are installed."""
    return plugin_names(_GROUP)


def load_task(name: str) -> Task:
    """The task of that name; no other one is imported.

    Raises:
        InvalidInputError: no such task.
    """
    found: Task
    for found in load_plugins(_GROUP, name):
        return found
    raise no_such("task", name, task_names())


def task_of(recipe: Recipe) -> Task:
    """The recipe's task.

    Raises:
        InvalidInputError: no such task; the message names the place.
    """
    name = recipe.task_name or _DEFAULT
    try:
        return load_task(name)
    except InvalidInputError as error:
        raise InvalidInputError(f"task: {error.what}", remedy=error.remedy) from error


def settings_of(recipe: Recipe) -> Mapping[str, Any]:
    """The settings of the recipe's task."""
    return next(iter(recipe.task.values()), {})
