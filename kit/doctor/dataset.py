"""Whether the data set is complete: as many images as the recipe says, and a label for each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kit.data.presence import check_dataset
from kit.doctor import Check, Finding
from kit.errors import Exit, InvalidInputError
from kit.recipe.schema import Recipe

__all__ = ["check", "check_presence"]


def _look(recipe: Recipe, images: Path, labels: Path, exists: Callable[[], None]) -> Finding:
    try:
        exists()  # raises with the data set's name and where to get it
        check_dataset(recipe.dataset, images, labels, classes=recipe.model.classes)
    except InvalidInputError as error:
        place = f"{error.where}: " if error.where else ""
        return Finding(
            "fail",
            f"{place}{error.what}",
            error.remedy,
            prevents="an accuracy of other images than the column says",
            exit_code=error.exit_code,
        )
    return Finding("ok", f"{recipe.dataset.count} images, {recipe.dataset.count} labels")


def check(recipe: Recipe, images: Path, labels: Path, exists: Callable[[], None]) -> Check:
    """Images and labels; ``exists`` raises where one of them is missing."""
    return Check("data set", lambda: _look(recipe, images, labels, exists), Exit.MISSING)


def check_presence(images: Path, exists: Callable[[], None]) -> Check:
    """The folder alone, because only the task knows its content; ``exists`` raises where something is missing."""

    def look() -> Finding:
        exists()
        return Finding("ok", f"{images} is there")

    return Check("data set", look, Exit.MISSING)
