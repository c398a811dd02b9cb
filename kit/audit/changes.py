"""The lines of a report that changed since a revision, which are those that a pull request is responsible for."""

from __future__ import annotations

import re
from pathlib import Path

from kit.errors import InvalidInputError
from kit.storage.git import run_git

__all__ = ["changed_lines"]

_HUNK = re.compile(r"^@@ -\S+ \+(\d{1,9})(?:,(\d{1,9}))? @@")


def changed_lines(path: Path, revision: str) -> frozenset[int] | None:
    """The numbers of the lines that were added or changed since the revision; None if the file is new.

    Raises:
        InvalidInputError: there is no such revision, or no repository.
        MissingError: git is not installed.
    """
    folder = path.parent if path.parent.is_dir() else Path.cwd()
    if revision.startswith("-"):
        raise InvalidInputError(f"{revision!r} is not a revision", remedy="give for example --diff origin/main")
    commit = f"{revision}^{{commit}}"
    _git(folder, "rev-parse", "--verify", "--quiet", commit, problem=f"git knows no revision {revision}")
    if _git(folder, "ls-files", "--", path.name, problem="git does not answer") == "":
        return None
    options = ("--no-color", "--no-ext-diff", "--unified=0")
    text = _git(folder, "diff", *options, revision, "--", path.name, problem="git cannot compare")
    found: set[int] = set()
    for line in text.splitlines():
        if match := _HUNK.match(line):
            first, count = int(match[1]), int(match[2] or 1)
            found.update(range(first, first + count))
    return frozenset(found)


def _git(folder: Path, *words: str, problem: str) -> str:
    ran = run_git(folder, *words)
    if ran.returncode:
        said = ran.stderr.decode("utf-8", "replace").strip().splitlines()
        raise InvalidInputError(
            problem + (f": {said[0]}" if said else ""), where=str(folder), remedy="give a revision of this repository"
        )
    return ran.stdout.decode("utf-8", "replace")
