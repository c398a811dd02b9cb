"""The registry of tasks: entry points ``kit.tasks``, so another package can provide one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.errors import InvalidInputError
from kit.inside.onnx_input import GraphValue
from kit.planning.job import FileForm, FileRun, FileShapes, InputFiles, Task
from kit.planning.plugins import load_plugins, no_such, plugin_names
from kit.recipe.schema import Recipe

__all__ = [
    "FileForm", "FileRun", "FileShapes", "InputFiles", "Task", "TaskDraft", "draft_task", "load_task", "settings_of",
    "task_names", "task_of",
]  # fmt: skip

_GROUP = "kit.tasks"
#: What a recipe without ``task`` means.
_DEFAULT = "classification"


@dataclass(frozen=True)
class TaskDraft:
    """A task in a new recipe, as far as a graph's outputs and the labels tell it."""

    settings: dict[str, Any]
    outputs: tuple[str, ...]
    classes: int | None
    #: Settings of ``preprocess``, in the place of a classifier's; None leaves one out.
    preprocess: dict[str, Any]
    guess: str
    #: Why no task reads these outputs; then only this and the number of classes count.
    unread: str = ""
    #: Batches that it reads; none for any.
    batches: tuple[int, ...] = ()


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


def draft_task(outputs: Sequence[GraphValue], labels: Path | None, size: Sequence[int]) -> tuple[str, TaskDraft] | None:
    """The task that reads a graph's outputs for one image, and what it says of itself; None: a score per class.

    Tasks that can be told so have a method ``draft`` with these arguments, which gives the second, or None.

    Args:
        outputs: those of the graph.
        labels: the label file or folder, where it is known.
        size: (height, width) of the input.

    Raises:
        KitError: labels that cannot be read.
    """
    for name in task_names():
        draft = getattr(load_task(name), "draft", None)
        if draft and (found := draft(outputs, labels, size)):
            return name, found
    return None


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
