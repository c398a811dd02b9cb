"""Rate and latency of a model on the files that the scripts or the preprocessing wrote, at one batch.

Command line::

    python3 -m inside.file_rate --model model.onnx --inputs JSON --batch N --out DIR [--shapes files]
        [--engine NAME] [--options JSON] [--threads N] [--warmup N] [--repeats R] [--seconds S]

``--inputs`` as in :mod:`inside.infer_files`. The files are loaded before the clock starts; up to four batches take
turns. It writes ``bench.json``: ``repeats`` ([{calls, wall_s, rate}], rate in samples per second), ``p50``, ``p90``,
``p99`` (milliseconds per call, nearest rank over all ``n`` calls), ``warmup``, ``threads``, ``batch``, the engine's
``version`` and the ``hardware``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from typing import TYPE_CHECKING, Any

from .engines import add_arguments
from .estimate import nearest_rank
from .graph import open_graph
from .infer_files import first_batches, sources_of
from .protocol import progress, run, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .graph import Graph

__all__ = ["main"]

_TURNS = 4


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    arguments = _arguments(argv)
    graph = open_graph(arguments.engine, arguments.model, arguments.threads, arguments.options)
    from_files = arguments.shapes == "files"
    sources = sources_of(graph, arguments.inputs, arguments.model, from_files=from_files)
    batches = first_batches(sources, arguments.batch, _TURNS, from_files=from_files)
    for turn in range(max(1, arguments.warmup)):
        graph.run(batches[turn % len(batches)])
    # Of a file that says its shape itself, it also says how many samples it holds.
    samples = [len(one[0]) for one in batches]
    repeats, calls = [], []
    for number in range(arguments.repeats):
        made = _repeat(graph, batches, arguments.seconds)
        wall, count = sum(made), sum(samples[call % len(samples)] for call in range(len(made)))
        repeats.append({"calls": len(made), "wall_s": wall, "rate": count / wall})
        calls += made
        progress(number + 1, arguments.repeats, "repeats")
    ordered = sorted(1000 * one for one in calls)
    os.makedirs(arguments.out, exist_ok=True)
    result = {
        "batch": arguments.batch,
        "repeats": repeats,
        "n": len(ordered),
        **{f"p{share}": nearest_rank(ordered, share) for share in (50, 90, 99)},
        "warmup": max(1, arguments.warmup),
        "threads": arguments.threads,
        "version": graph.version,
        "hardware": graph.hardware,
    }
    write_json(os.path.join(arguments.out, "bench.json"), result)


def _repeat(graph: Graph, batches: Sequence[Sequence[NDArray[Any]]], seconds: float) -> list[float]:
    """Seconds of each call, for at least ``seconds``."""
    found: list[float] = []
    end = time.perf_counter() + seconds
    while not found or time.perf_counter() < end:
        start = time.perf_counter()
        graph.run(batches[len(found) % len(batches)])
        found.append(time.perf_counter() - start)
    return found


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="inside.file_rate", description="Rate and latency of a model on files.")
    parser.add_argument("--model", required=True)
    parser.add_argument("--inputs", required=True, type=json.loads)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--shapes", choices=("fixed", "files"), default="fixed")
    add_arguments(parser)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--out", required=True)
    return parser.parse_args(argv)


if __name__ == "__main__":
    run(main)
