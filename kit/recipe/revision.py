"""A recipe as it was at another revision of its repository."""

from __future__ import annotations

import tempfile
from pathlib import Path

from kit.errors import InvalidInputError
from kit.recipe.schema import Recipe, load_recipe
from kit.storage.git import git_commit, git_output

__all__ = ["recipe_at"]


def recipe_at(path: Path, revision: str) -> Recipe | None:
    """The recipe at a revision that git knows; None where that revision has no such file.

    Raises:
        InvalidInputError: git knows no such revision, or the recipe there is not valid.
    """
    file = (path / "kit.yaml" if path.is_dir() else path).absolute()
    if git_commit(file.parent, revision) is None:
        raise InvalidInputError(
            f"git knows no revision {revision!r} here",
            where=str(file.parent),
            remedy="give a branch, a tag or a commit of the recipe's repository; fetch it first in CI",
        )
    text = git_output(file.parent, "show", f"{revision}:./{file.name}")
    if text is None:
        return None
    with tempfile.TemporaryDirectory(prefix="kit-recipe-") as folder:
        copy = Path(folder) / file.name
        copy.write_bytes(text)
        return load_recipe(copy)
