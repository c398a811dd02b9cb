"""Throughput and latency of a model on the files that the scripts or the preprocessing wrote: see :mod:`.rounds`.

Command line::

    python3 -m inside.file_rate --model model.onnx --inputs JSON --batches 1,8 --out DIR [--shapes files]
        [--engine NAME] [--options JSON] [--threads N]
        [--warmup N] [--rounds N] [--seconds S] [--limit S] [--precision PERCENT]

``--inputs`` as in :mod:`inside.infer_files`. The files are loaded before the clock starts; up to four batches take
turns. It writes what :mod:`inside.bench` writes, in samples per second. An engine with streams works on as many batches
at once in each call.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from functools import partial
from typing import Any

from .engine import EngineSpec
from .engines import add_arguments, compiler_cache, gpu_of, refuse_busy
from .graph import Graph, open_graph
from .infer_files import Source, first_batches, sources_of
from .protocol import run, write_json
from .rounds import Series
from .throughput import add_rules, measured, rules_of, tell

__all__ = ["main"]

#: Different batches that take turns, so that no single one favours the caches; fewer where they are large.
_TURNS, _SAMPLES = 4, 64


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    arguments = _arguments(argv)
    spec = EngineSpec(arguments.engine, arguments.model, (), arguments.threads, arguments.options)
    refuse_busy(spec)
    with compiler_cache(arguments.out):
        result = _measure(arguments, spec)
    write_json(os.path.join(arguments.out, "bench.json"), result)
    tell(result)


def _measure(arguments: argparse.Namespace, spec: EngineSpec) -> dict[str, Any]:
    graph = open_graph(arguments.engine, arguments.model, arguments.threads, arguments.options)
    from_files = arguments.shapes == "files"
    sources = sources_of(graph, arguments.inputs, arguments.model, from_files=from_files)
    series = [_series(graph, sources, batch, from_files=from_files) for batch in arguments.batches]
    return {
        "engine": {"name": arguments.engine, "title": graph.title, "settings": dict(graph.settings)},
        "data": "real",
        "conditions": {"preprocessing": "excluded", "warm_up": "excluded", **graph.conditions},
        "versions": {graph.title: graph.version},
        **measured(series, rules_of(arguments), arguments.out, gpu_of(spec)),
    }


def _series(graph: Graph, sources: Sequence[Source], batch: int, *, from_files: bool) -> Series:
    count = max(1, min(_TURNS, _SAMPLES // batch))
    batches = first_batches(sources, batch, count, from_files=from_files)
    turns = [
        [batches[(turn + beside) % len(batches)] for beside in range(graph.side_by_side)]
        for turn in range(len(batches))
    ]
    # Of a file that says its shape itself, it also says how many samples it holds.
    samples = [sum(len(one[0]) for one in turn) for turn in turns]
    return Series(batch, [partial(graph.run_beside, turn) for turn in turns], samples)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="inside.file_rate", description="Throughput of a model on files.")
    parser.add_argument("--model", required=True)
    parser.add_argument("--inputs", required=True, type=json.loads)
    parser.add_argument("--shapes", choices=("fixed", "files"), default="fixed")
    add_arguments(parser)
    add_rules(parser)
    parser.add_argument("--out", required=True)
    return parser.parse_args(argv)


if __name__ == "__main__":
    run(main)
