"""The shards of a data set as one run: what :mod:`.evaluate` wrote for each part, put together by index.

Command line::

    python3 -m inside.merge --out DIR SHARD_DIR ...

Nothing is averaged: predictions and scores are concatenated and counts are added, so that the arrays are byte for byte
those of one run, and every metric is counted from all images. ``evaluate.json`` keeps the facts of each shard under
``shards``.
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .protocol import UserError, run, write_json
from .shard import check_alike
from .stored import NAMES, read_array, read_facts, read_names, write_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["main"]

_ARRAYS = ("predictions.npy", "scores.npy")
#: What must be the same in all shards: otherwise another model or engine made a part of the result.
_ALIKE = ("of", "classes", "batch", "versions")
_NUMBERS = ("n", "first", "of", "classes", "ties")
_OTHERS = ("batch", "engine", "versions", "seconds", "workers", "threads")
_AGAIN = "Run the shard again."


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="merge", description="The shards of a data set as one run.")
    parser.add_argument("--out", required=True, help="folder of the results")
    parser.add_argument("shards", nargs="+", help="folders that evaluate wrote, in the order of their images")
    arguments = parser.parse_args(argv)
    shards: list[str] = arguments.shards
    facts = [_facts(os.path.join(folder, "evaluate.json")) for folder in shards]
    _check(shards, facts)
    os.makedirs(arguments.out, exist_ok=True)
    counts = [one["n"] for one in facts]
    for name in _ARRAYS:
        arrays = [_array(os.path.join(one, name), count) for one, count in zip(shards, counts, strict=True)]
        np.save(os.path.join(arguments.out, name), np.concatenate(arrays))
    lists = [_names(os.path.join(one, NAMES), count) for one, count in zip(shards, counts, strict=True)]
    write_names(arguments.out, [name for names in lists for name in names])
    first = facts[0]
    write_json(
        os.path.join(arguments.out, "evaluate.json"),
        {
            "n": sum(counts),
            "classes": first["classes"],
            "ties": sum(one["ties"] for one in facts),
            "batch": first["batch"],
            "engine": first["engine"],
            "versions": first["versions"],
            "shards": [{name: one[name] for name in ("first", "n", "seconds", "workers", "threads")} for one in facts],
        },
    )
    print(f"{sum(counts)} images in {len(facts)} shards")


def _facts(path: str) -> dict[str, Any]:
    return read_facts(path, "result of a shard", _AGAIN, numbers=_NUMBERS, others=_OTHERS)


def _check(folders: list[str], facts: list[dict[str, Any]]) -> None:
    """Refuse shards of different engines, and an image that is missing or in two of them."""
    check_alike(folders, [{name: one[name] for name in _ALIKE} | {"engine": _engine(one["engine"])} for one in facts])
    row = 0
    for folder, one in zip(folders, facts, strict=True):
        if one["first"] != row:
            what = f"begins at image {one['first']}, and the shards before it end at {row}"
            raise UserError(what, "Give every shard once, in the order of the images.", folder, "damaged")
        row += one["n"]
    if row != facts[0]["of"]:
        what = f"the shards hold {row} images, and the data set {facts[0]['of']}"
        raise UserError(what, "Give all shards.", folders[-1], "missing")


def _engine(told: dict[str, Any]) -> dict[str, Any]:
    """What an engine says of itself, but for the number of threads, which is the host's."""
    settings = {name: value for name, value in told.get("settings", {}).items() if "thread" not in name.lower()}
    return {"title": told.get("title"), "version": told.get("version"), "settings": settings}


def _array(path: str, count: int) -> NDArray[Any]:
    array = read_array(path, _AGAIN)
    if array.ndim != 2 or len(array) != count:
        raise UserError(f"has the shape {array.shape}, and {count} rows are expected", _AGAIN, path, "damaged")
    return array


def _names(path: str, count: int) -> list[str]:
    names = read_names(path, _AGAIN)
    if len(names) != count:
        raise UserError(f"does not list {count} images", _AGAIN, path, "damaged")
    return names


if __name__ == "__main__":
    run(main)
