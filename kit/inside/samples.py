"""Folders of input files, one folder per input of the model: which files they hold, and whether they fit together.

The engine tools sort each folder, pair their files by position, and name a result after the first folder's file
up to its first dot. Folders that would be paired or named wrongly are refused first.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from .protocol import UserError, oneline

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
    """Names of the files in natural order: tensors alone, where there are some, as the tools take them; none is hidden.

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
    names = [name for name in names if name.lower().endswith((".bin", ".npy"))] or names
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
    work: str,
    runs: Mapping[str, Sequence[str]],
    counts: Mapping[str, int],
    *,
    from_files: bool,
    sizes: Mapping[str, int] | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Check what the engine will read.

    Args:
        work: the folder that the paths of `runs` start in.
        runs: run -> one folder per input of the model, in the graph's order.
        counts: run -> samples that its folders must hold; none for a run whose number is unknown.
        from_files: whether shapes, and so sizes, differ from file to file.
        sizes: folder -> bytes of a sample, where they are known: a file may hold several.

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
        found[run] = [_describe(os.path.join(work, folder), folder, names_, from_files) for folder, names_ in listed]
        if run in counts:
            size = (sizes or {}).get(first, 0)
            _check_count(os.path.join(work, first, names[0]), first, len(names), size, counts[run])
    return found


def _check_count(path: str, folder: str, files: int, size: int, count: int) -> None:
    """Whether so many `files` like the one at `path` are `count` samples of `size` bytes; 0: one sample a file.

    A file of several samples may count as one, too (an image and its mirror image), and the last one may be filled up.
    """
    each = max(1, _data_bytes(path) // size) if size and _data_bytes(path) % size == 0 else 1
    if count == files or (files - 1) * each < count <= files * each:
        return
    packed = f" ({files} files of {each} samples)" if each > 1 else ""
    raise UserError(
        f"the script wrote {files * each} samples into {folder}{packed}, the recipe says {count}",
        f"Write count: {files * each} under dataset in the recipe, if that is all; else find out which are missing.",
    )


def _data_bytes(path: str) -> int:
    if not path.endswith(".npy"):
        return os.path.getsize(path)
    try:
        return int(np.load(path, mmap_mode="r", allow_pickle=False).nbytes)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"is not an array: {oneline(error)}", "Write it with np.save.", path, "damaged") from None


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
