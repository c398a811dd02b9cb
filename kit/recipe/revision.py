"""A recipe as it was at another revision of its repository."""

from __future__ import annotations

import tempfile
from pathlib import Path

from kit.errors import InvalidInputError
from kit.recipe.schema import Recipe, load_recipe
from kit.storage.git import run_git

__all__ = ["recipe_at"]


def recipe_at(path: Path, revision: str) -> Recipe | None:
    """The recipe at a revision that git knows; None where that revision has no such file.

    Raises:
        InvalidInputError: git knows no such revision, or the recipe there is none.
    """
    file = (path / "kit.yaml" if path.is_dir() else path).absolute()
    if _git(file.parent, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}") is None:
        raise InvalidInputError(
            f"git knows no revision {revision!r} here",
            where=str(file.parent),
            remedy="give a branch, a tag or a commit of the recipe's repository; fetch it first in CI",
        )
    text = _git(file.parent, "show", f"{revision}:./{file.name}")
    if text is None:
        return None
    with tempfile.TemporaryDirectory(prefix="kit-recipe-") as folder:
        copy = Path(folder) / file.name
        copy.write_bytes(text)
        return load_recipe(copy)


def _git(folder: Path, *words: str) -> bytes | None:
    done = run_git(folder, *words)
    return done.stdout if done.returncode == 0 else None
