"""Folders of input files, one folder per input of the model: which files they hold, and whether they fit together.

The engine tools sort each folder, pair their files by position, and name a result after the first folder's file
up to its first dot. Folders that would be paired or named wrongly are refused first.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from .protocol import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["check_runs", "list_samples", "natural", "result_name"]

_DIGITS = re.compile(r"(\d+)")


def natural(name: str) -> list[tuple[int, int, str]]:
    """Sort key: numbers in a name count as numbers, so that 10 comes after 9."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in _DIGITS.split(name) if part]


def result_name(name: str) -> str:
    """What a result is named after: the file's name up to its first dot."""
    return name.split(".", 1)[0]


def list_samples(folder: str) -> list[str]:
    """Names of the files in natural order; hidden ones are skipped.

    Raises:
        UserError: no such folder, none in it, or two that would give one result.
    """
    if not os.path.isdir(folder):
        raise UserError(
            f"there is no folder {os.path.basename(folder)}",
            "Let the script write there, or correct task -> script -> runs of the recipe.",
            folder,
            "missing",
        )
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries if entry.is_file() and not entry.name.startswith(".")]
    if not names:
        raise UserError("the folder holds no file", "See why the script wrote nothing there.", folder, "missing")
    names.sort(key=natural)
    taken: dict[str, str] = {}
    for name in names:
        other = taken.setdefault(result_name(name), name)
        if other != name:
            raise UserError(
                f"{other} and {name} would give results of one name",
                "Let names differ before the first dot.",
                folder,
            )
    return names


def check_runs(
    work: str, runs: Mapping[str, Sequence[str]], counts: Mapping[str, int], *, from_files: bool
) -> dict[str, list[dict[str, Any]]]:
    """Check what the engine will read.

    Args:
        work: the folder that the paths of `runs` start in.
        runs: run -> one folder per input of the model, in the graph's order.
        counts: run -> files that its folders must hold; none for a run whose number is unknown.
        from_files: whether shapes, and so sizes, differ from file to file.

    Returns:
        run -> for each folder its ``folder``, ``files`` and ``bytes`` of its first file.

    Raises:
        UserError: a folder is not there or empty, counts or sizes differ, two names would give one result.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for run, folders in runs.items():
        listed = [(folder, list_samples(os.path.join(work, folder))) for folder in folders]
        first, names = listed[0]
        for folder, others in listed[1:]:
            if len(others) != len(names):
                raise UserError(
                    f"{first} holds {len(names)} files and {folder} {len(others)}",
                    "Write one file per sample into each folder; they are paired by their order.",
                )
        if len(names) != counts.get(run, len(names)):
            raise UserError(
                f"the script wrote {len(names)} samples into {first}, the recipe says {counts[run]}",
                "Find out which are missing or extra, or correct dataset -> count in the recipe.",
            )
        found[run] = [_describe(os.path.join(work, folder), folder, names_, from_files) for folder, names_ in listed]
    return found


def _describe(path: str, folder: str, names: Sequence[str], from_files: bool) -> dict[str, Any]:
    size = os.path.getsize(os.path.join(path, names[0]))
    for name in names:
        other = os.path.getsize(os.path.join(path, name))
        if other == 0 or (other != size and not from_files):
            raise UserError(
                f"{name} has {other} bytes, {names[0]} has {size}",
                "Find out why the files differ, or write task -> script -> shapes: files into the recipe.",
                path,
                "damaged",
            )
    return {"folder": folder, "files": len(names), "bytes": size}
