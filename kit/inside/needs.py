"""What the users' programs import and the image lacks, read before one of them runs: inference may take hours."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from typing import TYPE_CHECKING

from .protocol import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["check_imports"]


def check_imports(work: str, programs: Iterable[str]) -> None:
    """Whether each module is there that a program imports in any case: not within ``try``, ``if`` or a function.

    A module of the working folder, at any depth and whatever it is built from, counts as there.

    Args:
        work: the working folder.
        programs: paths of Python programs within it, read with those beside them that they import; those that are
            not there yet are left out.

    Raises:
        UserError: modules are missing; names them, each with the program that imports it.
    """
    own = {name.split(".")[0] for _, folders, files in os.walk(work) for name in (*folders, *files)}
    missing: dict[str, str] = {}
    pending = list(programs)
    for program in pending:
        for name in _imported(os.path.join(work, program)):
            beside = os.path.join(os.path.dirname(program), f"{name}.py")
            if os.path.exists(os.path.join(work, beside)):
                pending += [beside] if beside not in pending else []
            elif name not in own and name not in sys.stdlib_module_names and importlib.util.find_spec(name) is None:
                missing.setdefault(name, program)
    if missing:
        raise UserError(
            "not installed: " + ", ".join(f"{name} (imported by {program})" for name, program in missing.items()),
            "Name the packages, with their hashes (pip-compile --generate-hashes), in the file of"
            " task -> script -> packages.",
            kind="missing",
        )


def _imported(path: str) -> Iterator[str]:
    try:
        with open(path, "rb") as file:
            statements = ast.parse(file.read()).body
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return  # Python itself tells what is wrong with it, when it runs
    for one in statements:
        if isinstance(one, ast.Import):
            yield from (alias.name.split(".")[0] for alias in one.names)
        elif isinstance(one, ast.ImportFrom) and one.module and not one.level:
            yield one.module.split(".")[0]
