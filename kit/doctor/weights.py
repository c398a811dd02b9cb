"""Whether the weights exist and are the recipe's, or where they will be downloaded from."""

from __future__ import annotations

from pathlib import Path

from kit.data.weights import check_weights
from kit.doctor import Check, Finding
from kit.errors import Exit, MissingError
from kit.recipe.schema import Recipe, safe_url

__all__ = ["check"]


def _look(recipe: Recipe, path: Path) -> Finding:
    if path.exists():
        found = check_weights(path, recipe.weights)
        return Finding("ok", f"{path.name}, {found.bytes >> 20} MiB, checksums hold")
    if recipe.weights.url and not recipe.weights.path:
        return Finding("note", f"{path.name} will be fetched from {safe_url(recipe.weights.url)}")
    raise MissingError("there are no weights", where=str(path), remedy="give the file with --weights FILE")


def check(recipe: Recipe, path: Path) -> Check:
    """File and checksums."""
    return Check("weights", lambda: _look(recipe, path), Exit.MISSING)
