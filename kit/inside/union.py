"""The files of results of a data set's shards as those of one run: their union.

Command line::

    python3 -m inside.union --out DIR SHARD_DIR ...

Each shard has a folder ``result`` (of the vendor's older tool with one ``dumpOutput_device*`` in it), and where its
tool writes them ``result_summary.json`` (which result came from which files) and ``infer.json``. The shards come in
the order of their files. Nothing is averaged: rates of shards are dropped.
"""

from __future__ import annotations

import argparse
import os
import shutil
from typing import Any

from .protocol import UserError, progress, run, write_json
from .shard import check_alike
from .stored import read_facts, read_summary

__all__ = ["main"]

_AGAIN = "Run the shard again."
_SUMMARY, _FACTS = "result_summary.json", "infer.json"
#: Of what an engine says of itself: counts add up, all else must be the same in all shards.
_COUNTS = ("files", "calls")
_ALIKE = ("batch", "inputs", "engine", "version", "versions")


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="union", description="Results of all shards in one folder.")
    parser.add_argument("--out", required=True, help="folder of the results")
    parser.add_argument("shards", nargs="+", help="what each shard made, in the order of their files")
    arguments = parser.parse_args(argv)
    shards: list[str] = arguments.shards
    result = os.path.join(arguments.out, "result")
    os.makedirs(result)
    for number, shard in enumerate(shards, 1):
        _copy(_results(shard), result)
        progress(number, len(shards), "shards")
    if os.path.exists(os.path.join(shards[0], _SUMMARY)):
        entries = [entry for shard in shards for entry in _entries(os.path.join(shard, _SUMMARY))]
        runs = {str(index): entry for index, entry in enumerate(entries)}
        write_json(os.path.join(arguments.out, _SUMMARY), {"filesinfo": runs})
    if os.path.exists(os.path.join(shards[0], _FACTS)):
        write_json(os.path.join(arguments.out, _FACTS), _facts(shards))
    print(f"{len(os.listdir(result))} results of {len(shards)} shards")


def _results(shard: str) -> str:
    folder = os.path.join(shard, "result")
    try:
        names = [name for name in os.listdir(folder) if name.startswith("dumpOutput_device")]
    except (FileNotFoundError, NotADirectoryError):
        raise UserError("there are no results of a shard", _AGAIN, folder, "missing") from None
    return os.path.join(folder, names[0]) if names else folder


def _entries(path: str) -> list[Any]:
    """What a summary says of each run, in their order: its keys are their numbers."""
    runs: dict[str, Any] = read_summary(path)[0]["filesinfo"]
    try:
        return [runs[key] for key in sorted(runs, key=int)]
    except ValueError:
        raise UserError("the runs of the summary have no numbers", _AGAIN, path, "damaged") from None


def _copy(source: str, target: str) -> None:
    """Copy the files of a folder.

    Raises:
        UserError: another shard has a result of the same name, or this one has none.
    """
    names = [name for name in sorted(os.listdir(source)) if name != "SIMULATED"]
    if not names:
        raise UserError("the shard has no results", _AGAIN, source, "missing")
    for name in names:
        place = os.path.join(target, name)
        if os.path.exists(place):
            raise UserError(
                f"two shards have the result {name}", "Give every shard once; names of files must differ.", source
            )
        shutil.copyfile(os.path.join(source, name), place)


def _facts(shards: list[str]) -> dict[str, Any]:
    """What the shards say of their runs, as one.

    Raises:
        UserError: they were not made alike.
    """
    each = [
        read_facts(os.path.join(shard, _FACTS), "result of a shard", _AGAIN, numbers=_COUNTS, others=_ALIKE)
        for shard in shards
    ]
    check_alike(shards, [{name: facts[name] for name in _ALIKE} for facts in each])
    return each[0] | {name: sum(facts[name] for facts in each) for name in _COUNTS}


if __name__ == "__main__":
    run(main)
