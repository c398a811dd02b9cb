"""Rate and latency of a model on the files that the scripts or the preprocessing wrote, at one batch.

Command line::

    python3 -m inside.file_rate --model model.onnx --inputs JSON --batch N --out DIR [--shapes files]
        [--engine NAME] [--options JSON] [--threads N] [--warmup N] [--repeats R] [--seconds S]

``--inputs`` as in :mod:`inside.infer_files`. The files are loaded before the clock starts; up to four batches take
turns. It writes ``bench.json``: ``repeats`` ([{calls, wall_s, rate}], rate in samples per second), ``p50``, ``p90``,
``p99`` (milliseconds per call, nearest rank over all ``n`` calls), ``warmup``, ``threads``, ``batch``, ``conditions``,
the engine's ``version`` and its ``settings``. An engine with streams works on as many batches at once in each call.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from typing import TYPE_CHECKING, Any

from .engine import EngineSpec
from .engines import add_arguments, compiler_cache, refuse_busy
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
    refuse_busy(EngineSpec(arguments.engine, arguments.model, (), arguments.threads, arguments.options))
    with compiler_cache(arguments.out):
        result = _measure(arguments)
    write_json(os.path.join(arguments.out, "bench.json"), result)


def _measure(arguments: argparse.Namespace) -> dict[str, Any]:
    graph = open_graph(arguments.engine, arguments.model, arguments.threads, arguments.options)
    from_files = arguments.shapes == "files"
    sources = sources_of(graph, arguments.inputs, arguments.model, from_files=from_files)
    batches = first_batches(sources, arguments.batch, _TURNS, from_files=from_files)
    turns = [
        [batches[(turn + beside) % len(batches)] for beside in range(graph.side_by_side)]
        for turn in range(len(batches))
    ]
    for turn in range(max(1, arguments.warmup)):
        graph.run_beside(turns[turn % len(turns)])
    # Of a file that says its shape itself, it also says how many samples it holds.
    samples = [sum(len(batch[0]) for batch in turn) for turn in turns]
    repeats, calls = [], []
    for number in range(arguments.repeats):
        made = _repeat(graph, turns, arguments.seconds)
        wall, count = sum(made), sum(samples[call % len(samples)] for call in range(len(made)))
        repeats.append({"calls": len(made), "wall_s": wall, "rate": count / wall})
        calls += made
        progress(number + 1, arguments.repeats, "repeats")
    ordered = sorted(1000 * one for one in calls)
    return {
        "batch": arguments.batch,
        "repeats": repeats,
        "n": len(ordered),
        **{f"p{share}": nearest_rank(ordered, share) for share in (50, 90, 99)},
        "warmup": max(1, arguments.warmup),
        "threads": arguments.threads,
        "conditions": {"preprocessing": "excluded", "warm_up": "excluded", **graph.conditions},
        "version": graph.version,
        "settings": dict(graph.settings),
    }


def _repeat(graph: Graph, turns: Sequence[Sequence[Sequence[NDArray[Any]]]], seconds: float) -> list[float]:
    """Seconds of each call, for at least ``seconds``."""
    found: list[float] = []
    end = time.perf_counter() + seconds
    while not found or time.perf_counter() < end:
        start = time.perf_counter()
        graph.run_beside(turns[len(found) % len(turns)])
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
