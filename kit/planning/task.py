"""The registry of tasks: entry points ``kit.tasks``, so another package can provide one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kit.errors import InvalidInputError
from kit.planning.job import FileForm, FileRun, FileShapes, InputFiles, Task
from kit.planning.plugins import load_plugins, no_such, plugin_names
from kit.recipe.schema import Recipe

__all__ = [
    "FileForm", "FileRun", "FileShapes", "InputFiles", "Task", "load_task", "settings_of", "task_names", "task_of",
]  # fmt: skip

_GROUP = "kit.tasks"
#: What a recipe without ``task`` means.
_DEFAULT = "classification"


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
