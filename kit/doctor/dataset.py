"""Whether the data set is there: as many images as the recipe says, and a label for each."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from kit.doctor import Check, Finding
from kit.errors import Exit
from kit.recipe.schema import Recipe

__all__ = ["check"]

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")


def _look(recipe: Recipe, images: Path, labels: Path, exists: Callable[[], None]) -> Finding:
    exists()  # raises with the data set's name and where to get it
    with os.scandir(images) as entries:
        count = sum(entry.name.lower().endswith(_SUFFIXES) and not entry.name.startswith(".") for entry in entries)
    with labels.open("rb") as file:
        lines = sum(1 for line in file if line.strip())
    wanted = recipe.dataset.count
    if count != wanted:
        return Finding(
            "fail",
            f"{images} holds {count} images, the recipe says {wanted}",
            "complete the data set, or correct dataset.count of the recipe",
            prevents="an accuracy of a part of the data set in a column that says the whole",
        )
    if lines != count:
        return Finding(
            "fail" if lines < count else "warn",
            f"{labels} has {lines} lines for {count} images",
            "take the label file that belongs to the data set",
            prevents="KeyError in the published accuracy script",
        )
    return Finding("ok", f"{count} images, {lines} labels")


def check(recipe: Recipe, images: Path, labels: Path, exists: Callable[[], None]) -> Check:
    """Images and labels; ``exists`` raises where one of them is not there."""
    return Check("data set", lambda: _look(recipe, images, labels, exists), Exit.MISSING)
