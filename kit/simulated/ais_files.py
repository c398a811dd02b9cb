"""Input and output files of ais_bench: one folder per model input, files paired by their place."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .compiled import Compiled

__all__ = ["PADDING", "PURE", "FilesError", "Group", "content", "groups_of", "shapes_of", "write_output"]

PURE, PADDING = "pure_infer_data", "padding_infer_fake_file"
Group = list[list[str]]  # per model input, the files of one run


class FilesError(Exception):
    """What the tool prints after ``[ERROR]``."""


def natural(name: str) -> list[Any]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def content(path: str) -> bytes:
    """The tensor bytes of a file."""
    return bytes(np.load(path).tobytes()) if path.lower().endswith(".npy") else Path(path).read_bytes()


def shapes_of(model: Compiled, group: Group) -> dict[str, tuple[int, ...]]:
    """The shape that each file of a run has: that of an ``.npy``, as compiled for anything else."""
    return {
        name: tuple(np.load(files[0], mmap_mode="r").shape) if files[0].lower().endswith(".npy") else model.shapes[name]
        for name, files in zip(model.names, group, strict=True)
    }


def columns_of(given: list[str], model: Compiled) -> list[list[str]]:
    """The files of each model input."""
    if os.path.isdir(given[0]):
        if len(given) != len(model.names):
            raise FilesError(
                f"Invalid args. args input dir num:{len(given)} not equal to model inputs num:{len(model.names)}"
            )
        columns = []
        for folder in given:
            names = [name for name in os.listdir(folder) if name.lower().endswith((".npy", ".bin"))]
            columns.append([os.path.join(folder, name) for name in sorted(names, key=natural)])
        return columns
    for place, path in enumerate(given):
        if not os.path.isfile(path):
            raise FilesError(f"Invalid input args.--input:{given} input[{place}]:{path} {path} not exist")
    chunk = max(1, len(given) // len(model.names))
    return [given[at : at + chunk] for at in range(0, len(given), chunk)][: len(model.names)]


def groups_of(
    text: str | None, model: Compiled, *, dynamic: bool, keep_rest: bool, say: Callable[[str], None]
) -> list[Group]:
    """Names of files per run and model input; how many make a batch follows from the size of the first file.

    Args:
        text: ``--input``; None for pure inference.
        model: the loaded om.
        dynamic: each file's own shape decides, so one file makes a run.
        keep_rest: pad a last, smaller batch; the older tool drops it.
        say: prints a line.

    Raises:
        FilesError: an input is not there, its size does not divide the model's, or a folder has fewer files.
    """
    if not text:
        return [[[PURE] for _ in model.names]]
    columns = columns_of(text.split(","), model)
    if not columns[0]:
        raise FilesError("create_infileslist_from_fileslist return infileslist size: 0")
    count = 1
    if not dynamic:
        want, have = model.bytes_per_input(model.names[0]), len(content(columns[0][0]))
        if not have or want % have:
            raise FilesError(f"arg0 tensorsize: {want} filesize: {have} not match")
        count = want // have
        say(f"get filesperbatch files0 size:{have} tensor0size:{want} filesperbatch:{count}")
    runs = -(-len(columns[0]) // count) if keep_rest else len(columns[0]) // count
    if not runs or any(len(column) < len(columns[0]) for column in columns):
        raise FilesError(f"create_infileslist_from_fileslist return infileslist size: {min(map(len, columns))}")
    groups = []
    for number in range(runs):
        parts = [column[number * count : (number + 1) * count] for column in columns]
        groups.append([part + [PADDING] * (count - len(part)) for part in parts])
    return groups


def write_output(path: Path, data: np.ndarray, form: str, *, append: bool) -> None:
    """One output of one sample as BIN, NPY or TXT; ais_infer appends to a text file of that name."""
    if form == "NPY":
        np.save(path, data)
    elif form == "BIN":
        path.write_bytes(data.tobytes())
    else:
        with path.open("a" if append else "w", encoding="utf-8") as stream:
            for row in data.reshape(-1, data.shape[-1] if data.ndim else 1):
                stream.write(" ".join(f"{item:f}" for item in row.tolist()) + "\n")
