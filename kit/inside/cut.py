"""A part of a data set's files, for a tool that takes a whole folder or list.

Command line::

    python3 -m inside.cut --shard 2/4 --unit 16 [--list] --out DIR NAME=FOLDER ...

The files are taken in the order in which the tools pair them (:mod:`.samples`), and those of the part are copied to
``DIR/NAME``, because tools refuse links. With ``--list`` the inputs are lists of a vendor's benchmark; ``DIR/NAME``
then holds the part's lines, numbered from 0 again.
"""

from __future__ import annotations

import argparse
import os
import shutil

from .arguments import positive
from .protocol import UserError, progress, run
from .samples import list_samples
from .shard import Shard

__all__ = ["main"]


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="cut", description="A part of a data set's files.")
    parser.add_argument("--shard", type=Shard.parse, required=True, help="which part, as in 2/4")
    parser.add_argument("--unit", type=positive, required=True, help="the parts are cut between so many files")
    parser.add_argument("--list", action="store_true", help="the inputs are lists of files")
    parser.add_argument("--out", required=True, help="folder of the part")
    parser.add_argument("inputs", nargs="+", help="NAME=PATH")
    arguments = parser.parse_args(argv)
    for word in arguments.inputs:
        name, _, source = word.partition("=")
        target = os.path.join(arguments.out, name)
        (_cut_list if arguments.list else _cut_folder)(source, target, arguments.shard, arguments.unit)


def _cut_folder(source: str, target: str, shard: Shard, unit: int) -> None:
    names = list_samples(source)
    rows = shard.rows(len(names), unit)
    os.makedirs(target)
    for done, name in enumerate(names[rows.start : rows.stop], 1):
        shutil.copyfile(os.path.join(source, name), os.path.join(target, name))
        progress(done, len(rows), "files")


def _cut_list(source: str, target: str, shard: Shard, unit: int) -> None:
    with open(source, encoding="utf-8") as file:
        lines = [line.split(None, 1) for line in file if line.strip()]
    if any(len(line) != 2 for line in lines):
        raise UserError("has a line that is not a number and a file", "Preprocess again.", source, "damaged")
    rows = shard.rows(len(lines), unit)
    with open(target, "w", encoding="utf-8", newline="\n") as out:
        out.writelines(f"{index} {lines[row][1]}" for index, row in enumerate(rows))


if __name__ == "__main__":
    run(main)
