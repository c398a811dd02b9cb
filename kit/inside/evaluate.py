"""A data set through an engine: decode, preprocess, infer, best five classes, nothing on disk in between.

Command line::

    python3 -m inside.evaluate --model model.onnx --images DIR --preprocess JSON --out DIR
        [--engine NAME] [--options JSON] [--batch 32] [--threads N] [--workers N] [--limit N]
        [--shard I/N]

Each worker process takes whole batches: it decodes them and runs its own session of few threads. So no core waits for
another one, and nothing but the best classes passes between processes. ``--shard 2/4`` takes the
second of four parts of the images, cut between two batches: together they are what one run makes (:mod:`.merge`). It
writes

* ``predictions.npy``: int32 (N, 5), best class first, the lowest class first where scores are equal
* ``scores.npy``: float32 (N, 5), their scores
* ``images.txt``: the names, in that order (sorted)
* ``evaluate.json``: counts, seconds, versions, and the engine's settings as it reported them
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from .arguments import positive
from .engine import EngineSpec
from .engines import add_arguments, compiler_cache, open_engine, refuse_busy
from .labels import list_images, unique_keys
from .pixels import Config, Preprocessor
from .pool import Pool, cores
from .preprocess import config_argument, versions
from .protocol import progress, run, write_json
from .shard import Shard
from .stored import write_predictions
from .topk import K, best, check_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["Evaluation", "evaluate", "main"]

#: More sessions than that cost memory; further cores become threads of each.
_MOST_WORKERS = 8


class ImageBatches:
    """Image files of a folder, decoded and preprocessed; it is sent to the workers."""

    def __init__(self, folder: str, config: Config) -> None:
        self._folder, self._config = folder, config
        self._preprocess: Preprocessor | None = None  # made where it is used: the parent needs no image library
        self.shape: tuple[int, ...] = config.shape
        self.dtype = config.dtype

    def fill(self, names: list[str], out: Floats) -> None:
        """Put the tensors of `names` into `out`."""
        if self._preprocess is None:
            self._preprocess = Preprocessor(self._config)
        for slot, name in enumerate(names):
            self._preprocess.prep_into(os.path.join(self._folder, name), out[slot])


class Part(NamedTuple):
    """What a worker found in one batch, and its seconds on the clock that all processes share."""

    predictions: NDArray[np.int32]
    scores: Floats
    classes: int
    ties: int
    begun: float
    filled: float
    done: float
    engine: dict[str, Any] | None  # with the first batch of a worker: what the engine says of itself


class _Worker:
    """Makes the tensors of a batch, runs the model on them, finds the best classes."""

    def __init__(self, spec: EngineSpec, source: ImageBatches, batch: int) -> None:
        self._source = source
        self._engine = open_engine(spec, batch)
        self._told: dict[str, Any] | None = {
            "title": self._engine.title,
            "version": self._engine.version,
            "settings": self._engine.settings,
            "conditions": self._engine.conditions,
        }
        self._images = np.zeros((batch, *source.shape), dtype=source.dtype)

    def __call__(self, names: list[str]) -> Part:
        count = len(names)
        begun = time.perf_counter()
        self._source.fill(names, self._images)
        filled = time.perf_counter()
        # A model of a fixed batch gets it, whatever the rest of the last one holds.
        images = self._images if self._engine.fixed_batch else self._images[:count]
        scores = self._engine.run(images)[:count]
        check_finite(scores, names, "Check the weights, and that the preprocessing is that of the model's training.")
        found = best(scores)
        ties = int(np.count_nonzero(found.tied))
        done = time.perf_counter()
        told, self._told = self._told, None
        return Part(found.classes, found.scores, scores.shape[1], ties, begun, filled, done, told)


@dataclass
class Evaluation:
    """What :func:`evaluate` found: the five best classes of each image, and where the time went."""

    names: list[str]
    predictions: NDArray[np.int32]
    scores: Floats
    classes: int = 0
    ties: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    engine: dict[str, Any] = field(default_factory=dict)


def evaluate(spec: EngineSpec, source: ImageBatches, names: list[str], batch: int, workers: int) -> Evaluation:
    """Run the images of `names` through an engine, in batches, on some processes with an engine each.

    Seconds: ``start`` until the first batch is begun, ``total`` from then on; ``preprocessing`` and ``inference`` are
    the sums over all processes.

    Raises:
        UserError: a broken image, a model that does not fit, a score that is NaN or infinite; the first of them.
    """
    started = time.perf_counter()
    shape = (len(names), K)
    result = Evaluation(names, np.empty(shape, dtype=np.int32), np.empty(shape, dtype=np.float32))
    tasks = (names[first : first + batch] for first in range(0, len(names), batch))
    preprocessing = inference = 0.0
    begun = ended = 0.0
    done = 0
    with Pool(workers, _Worker, spec, source, batch) as pool:
        for part in pool.map(tasks, window=3 * workers):
            rows = slice(done, done + len(part.predictions))
            result.predictions[rows], result.scores[rows] = part.predictions, part.scores
            result.classes, result.ties = part.classes, result.ties + part.ties
            begun, ended = min(begun or part.begun, part.begun), max(ended, part.done)
            preprocessing, inference = preprocessing + part.filled - part.begun, inference + part.done - part.filled
            result.engine = part.engine or result.engine
            done = rows.stop
            progress(done, len(names), "images")
    result.seconds = {
        "start": begun - started,
        "total": ended - begun,
        "preprocessing": preprocessing,
        "inference": inference,
    }
    return result


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="evaluate", description="A data set through an engine.")
    parser.add_argument("--model", required=True, help="ONNX file, or the checkpoint for PyTorch")
    add_arguments(parser)
    parser.add_argument("--images", required=True, help="folder of images")
    parser.add_argument("--class-folders", action="store_true", help="there is one subfolder of images per class")
    parser.add_argument("--preprocess", required=True, help="JSON, or a file that holds it")
    parser.add_argument("--batch", type=positive, default=32)
    parser.add_argument(
        "--threads", type=int, default=0, help="threads of each worker (0: the cores that it has for itself)"
    )
    parser.add_argument("--workers", type=positive, help="processes (one per core, at most eight)")
    parser.add_argument("--limit", type=positive, help="only the first N images")
    parser.add_argument("--shard", type=Shard.parse, default=Shard(), help="only this part, as in 2/4")
    parser.add_argument("--out", required=True, help="folder of the results")
    arguments = parser.parse_args(argv)
    config = config_argument(arguments.preprocess)
    folder = arguments.images
    layout: Literal["flat", "folders"] = "folders" if arguments.class_folders else "flat"
    names = list_images(folder, layout)[: arguments.limit]
    unique_keys(names, folder)
    batch, whole = arguments.batch, len(names)
    rows = arguments.shard.rows(whole, batch)
    names = names[rows.start : rows.stop]
    images = ImageBatches(folder, config)
    workers = min(arguments.workers or min(cores(), _MOST_WORKERS), -(-len(names) // batch))
    if arguments.options.get("compile", "off") != "off":
        workers = 1  # each worker would compile the model again
    threads = arguments.threads or max(1, cores() // workers)
    spec = EngineSpec(arguments.engine, arguments.model, images.shape, threads, arguments.options)
    refuse_busy(spec)
    with compiler_cache(arguments.out):
        result = evaluate(spec, images, names, batch, workers)
    write_predictions(arguments.out, names, result.predictions, result.scores)
    write_json(
        os.path.join(arguments.out, "evaluate.json"),
        {
            "n": len(names),
            **({"first": rows.start, "of": whole} if arguments.shard.parts > 1 else {}),
            "classes": result.classes,
            "ties": result.ties,
            "batch": batch,
            "workers": workers,
            "threads": threads,
            "seconds": {name: round(value, 6) for name, value in result.seconds.items()},
            "engine": result.engine,
            "versions": {**versions(config), result.engine["title"]: result.engine["version"]},
        },
    )
    rate = len(names) / result.seconds["total"]
    print(f"{len(names)} images in {result.seconds['total']:.2f} s: {rate:.0f} images/s")


if __name__ == "__main__":
    run(main)
