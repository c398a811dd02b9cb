"""Files that one step writes and another reads: arrays, lists of names, facts, the summary of an engine's tool."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .protocol import UserError, oneline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["NAMES", "read_array", "read_facts", "read_names", "read_summary", "write_names", "write_predictions"]

#: The list of the images of a packed array, or of an inference.
NAMES = "images.txt"


def read_array(path: str, remedy: str, *, missing: str = "there is no such file") -> NDArray[Any]:
    """The array of a ``.npy`` file.

    Raises:
        UserError: it is `missing`, or is not an array.
    """
    try:
        array: NDArray[Any] = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise UserError(missing, remedy, path, "missing") from None
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"is not an array: {oneline(error)}", remedy, path, "damaged") from None
    return array


def write_names(folder: str, names: Iterable[str]) -> None:
    """Write the list of images."""
    with open(os.path.join(folder, NAMES), "w", encoding="utf-8") as file:
        file.writelines(f"{name}\n" for name in names)


def write_predictions(folder: str, names: Iterable[str], predictions: NDArray[np.int32], scores: NDArray[Any]) -> None:
    """Write what an inference found for each image: its best classes, and their scores."""
    os.makedirs(folder, exist_ok=True)
    np.save(os.path.join(folder, "predictions.npy"), predictions)
    np.save(os.path.join(folder, "scores.npy"), scores)
    write_names(folder, names)


def read_names(path: str, remedy: str) -> list[str]:
    """The lines of a list of images.

    Raises:
        UserError: there is none.
    """
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        raise UserError("there is no such list of images", remedy, path, "missing") from None


def read_facts(
    path: str, what: str, remedy: str, *, numbers: tuple[str, ...], others: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Whole numbers and other values, by key, of the JSON object in a file that messages call `what`.

    Raises:
        UserError: there is none, it is not an object, lacks a key, or has another value than a number.
    """
    try:
        with open(path, encoding="utf-8") as file:
            tree = json.load(file)
        return {key: int(tree[key]) for key in numbers} | {key: tree[key] for key in others}
    except FileNotFoundError:
        raise UserError(f"there is no such {what}", remedy, path, "missing") from None
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"is not a {what}: {oneline(error)}", remedy, path, "damaged") from None


def read_summary(path: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The summary of an engine's tool, and its entries: ``outfiles`` are the results of ``infiles``.

    Raises:
        UserError: there is none, or it is of another form.
    """
    try:
        with open(path, encoding="utf-8") as file:
            summary: dict[str, Any] = json.load(file)
        entries: list[dict[str, Any]] = list(summary["filesinfo"].values())
        if not all(isinstance(entry[key], list) for entry in entries for key in ("infiles", "outfiles")):
            raise TypeError("no lists of files")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError("the engine left no usable summary", "Run the inference again with --force.", path) from error
    return summary, entries
