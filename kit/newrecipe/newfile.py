"""The files that ``kit init`` writes: a recipe, or a copy of an example."""

from __future__ import annotations

import shutil
from pathlib import Path

from kit.errors import InvalidInputError, MissingError
from kit.newrecipe.draft import Draft, recipe_text
from kit.resources import resource
from kit.storage.files import copy_folder, os_errors, write_atomically

__all__ = ["copy_example", "write_recipe"]


def copy_example(name: str, out: Path, *, force: bool = False) -> Path:
    """Copy a bundled example into the folder ``out``/``name``; returns it.

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
    copy_folder(examples / name, target, without=shutil.ignore_patterns("__pycache__", ".kit", ".*_cache"))
    return target


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
