"""The shards of a data set as one run: what :mod:`.evaluate` wrote for each part, put together by index.

Command line::

    python3 -m inside.merge --out DIR SHARD_DIR ...

Nothing is averaged: predictions and scores are put one behind the other and counts are added, so that the arrays are
byte for byte those of one run, and every metric is counted from all images. ``evaluate.json`` keeps what each shard
said of itself under ``shards``.
"""

from __future__ import annotations

import argparse
import json
import os
from typing import Any

import numpy as np

from .preprocess import NAMES
from .protocol import UserError, run, write_json

__all__ = ["main"]

_ARRAYS = ("predictions.npy", "scores.npy")
#: What all shards must say alike: otherwise another model or another engine made a part of the result.
_ALIKE = ("of", "classes", "batch", "source", "versions")


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="merge", description="The shards of a data set as one run.")
    parser.add_argument("--out", required=True, help="folder of the results")
    parser.add_argument("shards", nargs="+", help="folders that evaluate wrote, in the order of their images")
    arguments = parser.parse_args(argv)
    facts = [_facts(folder) for folder in arguments.shards]
    _check(arguments.shards, facts)
    os.makedirs(arguments.out, exist_ok=True)
    for name in _ARRAYS:
        arrays = [
            _array(os.path.join(folder, name), one["n"]) for folder, one in zip(arguments.shards, facts, strict=True)
        ]
        np.save(os.path.join(arguments.out, name), np.concatenate(arrays))
    with open(os.path.join(arguments.out, NAMES), "wb") as out:
        out.writelines(
            _names(os.path.join(folder, NAMES), one["n"]) for folder, one in zip(arguments.shards, facts, strict=True)
        )
    first = facts[0]
    write_json(
        os.path.join(arguments.out, "evaluate.json"),
        {
            "n": sum(one["n"] for one in facts),
            "classes": first["classes"],
            "ties": sum(one["ties"] for one in facts),
            "batch": first["batch"],
            "source": first["source"],
            "engine": first["engine"],
            "versions": first["versions"],
            "shards": [{name: one[name] for name in ("first", "n", "seconds", "workers", "threads")} for one in facts],
        },
    )
    print(f"{sum(one['n'] for one in facts)} images in {len(facts)} shards")


def _facts(folder: str) -> dict[str, Any]:
    path = os.path.join(folder, "evaluate.json")
    try:
        with open(path, encoding="utf-8") as file:
            tree = json.load(file)
        numbers = {name: int(tree[name]) for name in ("n", "first", "of", "classes", "ties")}
        others = ("batch", "source", "engine", "versions", "seconds", "workers", "threads")
        return numbers | {name: tree[name] for name in others}
    except FileNotFoundError:
        raise UserError("there is no such result of a shard", "Run the shard again.", path, "missing") from None
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"is not a result of a shard: {error}", "Run the shard again.", path, "damaged") from None


def _check(folders: list[str], facts: list[dict[str, Any]]) -> None:
    """All shards by the same engine, one behind the other, and no image lacking or doubled."""
    settings = [_engine(one["engine"]) for one in facts]
    row = 0
    for folder, one, setting in zip(folders, facts, settings, strict=True):
        odd = [name for name in _ALIKE if one[name] != facts[0][name]] + (["engine"] if setting != settings[0] else [])
        if odd:
            what = f"differs from the first shard in {', '.join(odd)}: no one run"
            raise UserError(what, "Run all shards with the same image and model.", folder, "tolerance")
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


def _array(path: str, count: int) -> np.ndarray[Any, Any]:
    try:
        array: np.ndarray[Any, Any] = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise UserError("there is no such file", "Run the shard again.", path, "missing") from None
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"is not an array: {error}", "Run the shard again.", path, "damaged") from None
    if array.ndim != 2 or len(array) != count:
        raise UserError(
            f"has the shape {array.shape}, and {count} rows are expected", "Run the shard again.", path, "damaged"
        )
    return array


def _names(path: str, count: int) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise UserError("there is no such list of images", "Run the shard again.", path, "missing") from None
    if data.count(b"\n") != count:
        raise UserError(f"does not list {count} images", "Run the shard again.", path, "damaged")
    return data


if __name__ == "__main__":
    run(main)
