"""Files between scripts and an engine's tool that reads and writes the graph's own form only.

Command line::

    python3 -m inside.file_forms inputs --model model.onnx --inputs JSON --out DIR
    python3 -m inside.file_forms results --results DIR --outputs JSON --out DIR

``inputs`` writes the files of each input as the graph takes them, under their names, into ``input0``, ``input1``, ...;
``--inputs`` as in :mod:`inside.infer_files`. ``results`` writes the NumPy files of a run in the form of ``--outputs``,
and its summary with them: ``result`` and ``result_summary.json``.
"""

from __future__ import annotations

import argparse
import json
import os

import numpy as np

from .graph import open_graph
from .infer_files import sources_of, write_result
from .protocol import UserError, progress, run, write_json

__all__ = ["main"]


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="inside.file_forms", description="Convert files for an engine's tool.")
    parser.add_argument("what", choices=("inputs", "results"))
    parser.add_argument("--model")
    parser.add_argument("--inputs", type=json.loads)
    parser.add_argument("--results")
    parser.add_argument("--outputs", type=json.loads)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args(argv)
    if arguments.what == "inputs":
        _inputs(arguments)
    else:
        _results(arguments)


def _inputs(arguments: argparse.Namespace) -> None:
    graph = open_graph("onnxruntime", arguments.model)
    for number, source in enumerate(sources_of(graph, arguments.inputs, arguments.model, from_files=False)):
        folder = os.path.join(arguments.out, f"input{number}")
        os.makedirs(folder)
        for index, name in enumerate(source.names):
            array = source.load(index)
            if name.endswith(".npy"):
                np.save(os.path.join(folder, name), array, allow_pickle=False)
            else:
                array.tofile(os.path.join(folder, name))
            progress(index + 1, len(source.names), "files")


def _results(arguments: argparse.Namespace) -> None:
    source = os.path.join(arguments.results, "result_summary.json")
    try:
        with open(source, encoding="utf-8") as file:
            summary = json.load(file)
        entries = [(entry, list(entry["infiles"]), list(entry["outfiles"])) for entry in summary["filesinfo"].values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError("the engine left no usable summary", "Run the inference again with --force.", source) from error
    folder = os.path.join(arguments.out, "result")
    os.makedirs(folder)
    for done, (entry, read, written) in enumerate(entries, 1):
        name = os.path.basename(read[0])
        entry["outfiles"] = []
        for number, path in enumerate(written):
            here = os.path.join(arguments.results, "result", os.path.basename(path))
            try:
                array = np.load(here, allow_pickle=False)
            except (OSError, ValueError, EOFError) as error:
                raise UserError("the result is no NumPy file", "Run it again with --force.", here, "damaged") from error
            entry["outfiles"].append(write_result(array, number, name, arguments.outputs, folder))
        progress(done, len(entries), "files")
    write_json(os.path.join(arguments.out, "result_summary.json"), summary)


if __name__ == "__main__":
    run(main)
