"""Shapes of ``.npy`` files against those that the recipe announces: a compiled engine takes no others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .protocol import UserError, oneline
from .samples import list_samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["check_shapes"]

_REMEDY = "Let the script resize it, or add the shape in the recipe: task -> script -> shapes -> files."


def check_shapes(work: str, folders: Sequence[str], known: Mapping[str, Any], nhwc: Sequence[str]) -> None:
    """Check the files of one run.

    Args:
        work: the folder that the paths of `folders` start in.
        folders: one per input of the model; their files pair by position.
        known: ``low`` and ``high``, a shape of one sample for each input; ``listed``: all that there are, or empty.
        nhwc: folders whose files have channels last, which the shapes of `known` have first.

    Raises:
        UserError: a file that says no shape, holds several samples, or has another shape.
    """
    listed = [tuple(map(tuple, one)) for one in known["listed"]]
    paths = [[os.path.join(work, folder, name) for name in list_samples(os.path.join(work, folder))]
             for folder in folders]  # fmt: skip
    for files in zip(*paths, strict=True):
        shapes = []
        for path, folder, low, high in zip(files, folders, known["low"], known["high"], strict=True):
            shape = _sample_shape(path, len(low))
            if folder in nhwc and len(shape) == 3:
                shape = (shape[2], shape[0], shape[1])
            if not all(least <= size <= most for least, size, most in zip(low, shape, high, strict=True)):
                what = f"the sample has the shape {list(shape)}, and the recipe announces {low} to {high}"
                raise UserError(what, _REMEDY, path)
            shapes.append(shape)
        if listed and tuple(shapes) not in listed:
            what = f"the sample has the shape {' and '.join(str(list(one)) for one in shapes)}, which the recipe"
            raise UserError(f"{what} does not list", _REMEDY, files[0])


def _sample_shape(path: str, rank: int) -> tuple[int, ...]:
    if not path.endswith(".npy"):
        raise UserError("the file does not say its shape", "Let the script write .npy files, with np.save.", path)
    try:
        shape: tuple[int, ...] = np.load(path, mmap_mode="r", allow_pickle=False).shape
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"is not an array: {oneline(error)}", "Write it with np.save.", path, "damaged") from None
    if len(shape) == rank + 1 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) != rank:
        what = f"the array has the shape {list(shape)}, and a sample has {rank} sizes"
        raise UserError(what, "Let the script write one sample a file.", path)
    return shape
