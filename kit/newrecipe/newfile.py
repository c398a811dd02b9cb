"""The files that ``kit init`` writes: a recipe, or a copy of an example."""

from __future__ import annotations

import shutil
from pathlib import Path

from kit.errors import InvalidInputError, MissingError
from kit.newrecipe.draft import Draft, recipe_text
from kit.recipe.schema import load_recipe
from kit.resources import resource
from kit.storage.files import copy_folder, os_errors, write_atomically

__all__ = ["copy_example", "weights_to_fetch", "write_recipe"]


def copy_example(name: str, out: Path, *, force: bool = False) -> Path:
    """Copy a bundled example into the folder ``out``/``name``, and the one whose images it uses; returns the first.

    Raises:
        MissingError: no such example; names the known ones.
        InvalidInputError: something is there already, or a link is in the way.
    """
    examples = resource("examples")
    known = sorted(path.parent.name for path in examples.glob("*/kit.yaml"))
    if name not in known:
        raise MissingError(f"there is no example {name!r}", remedy=f"choose one of {', '.join(known)}")
    target = out / name
    if target.exists() and not force:
        raise InvalidInputError(
            "there is something of that name already",
            where=str(target),
            remedy="choose another folder with --out, or use --force",
        )
    without = shutil.ignore_patterns("__pycache__", ".kit", ".*_cache")
    fresh = not target.exists()
    try:
        copy_folder(examples / name, target, without=without)
    except BaseException:  # a half of it would be in the way of the next try
        if fresh:
            shutil.rmtree(target, ignore_errors=True)
        raise
    beside = Path(load_recipe(target).dataset.images)  # of another example, where it has no images of its own
    if beside.parts[0] == ".." and beside.parts[1] in known and not (out / beside.parts[1]).exists():
        copy_folder(examples / beside.parts[1], out / beside.parts[1], without=without)
    return target


def weights_to_fetch(example: Path) -> str | None:
    """The weights of a copied example that are not bundled; its README.md says where they come from."""
    path = load_recipe(example).weights.path
    return path if path and not (example / path).exists() else None


def write_recipe(draft: Draft, out: Path, *, force: bool = False) -> Path:
    """Write ``kit.yaml`` into ``out``; returns its path.

    Raises:
        InvalidInputError: there is one already.
    """
    path = out / "kit.yaml"
    if path.exists() and not force:
        raise InvalidInputError(
            "there is a recipe already", where=str(path), remedy="choose another folder with --out, or use --force"
        )
    with os_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    write_atomically(path, recipe_text(draft).encode())
    return path
