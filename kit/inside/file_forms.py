"""Files between scripts and an engine's tool that reads and writes the graph's own form only.

Command line::

    python3 -m inside.file_forms inputs --model model.onnx --inputs JSON --out DIR [--shapes files]
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
from .protocol import progress, run, write_json
from .stored import read_array, read_summary

__all__ = ["main"]


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="inside.file_forms", description="Convert files for an engine's tool.")
    parser.add_argument("what", choices=("inputs", "results"))
    parser.add_argument("--model")
    parser.add_argument("--inputs", type=json.loads)
    parser.add_argument("--shapes", choices=("fixed", "files"), default="fixed")
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
    sources = sources_of(graph, arguments.inputs, arguments.model, from_files=arguments.shapes == "files")
    for number, source in enumerate(sources):
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
    summary, entries = read_summary(os.path.join(arguments.results, "result_summary.json"))
    folder = os.path.join(arguments.out, "result")
    os.makedirs(folder)
    for done, entry in enumerate(entries, 1):
        name, written = os.path.basename(entry["infiles"][0]), entry["outfiles"]
        entry["outfiles"] = []
        for number, path in enumerate(written):
            here = os.path.join(arguments.results, "result", os.path.basename(path))
            array = read_array(here, "Run the inference again with --force.")
            entry["outfiles"].append(write_result(array, number, name, arguments.outputs, folder))
        progress(done, len(entries), "files")
    write_json(os.path.join(arguments.out, "result_summary.json"), summary)


if __name__ == "__main__":
    run(main)
