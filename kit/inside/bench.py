"""Throughput and latency of a model at several batches, by one protocol for every engine: see :mod:`.rounds`.

Command line::

    python3 -m inside.bench --model model.onnx --batches 1,8 --out DIR (--images DIR --preprocess JSON | --synthetic)
        [--engine NAME] [--options JSON] [--shape 3,224,224] [--threads N]
        [--warmup N] [--rounds N] [--seconds S] [--limit S] [--precision PERCENT]

Input and output stay where they are, bound to the engine, and only the engine's call is between two readings of the
clock. It writes ``latencies-bsN.npy`` for each batch (float64, milliseconds per call, all rounds one after the other)
and ``bench.json``, where each entry of ``batches`` has

    rounds      [{"calls", "wall_s", "images", "rate"}]   rate = images / wall_s
    rate        images per second: the median of the rounds' rates; interval: its 95 % confidence interval, or null
    latency     percentiles in milliseconds per call by nearest rank over all n calls, where these are enough
    unstable    reasons not to rely on the rate, one phrase each; empty where none was found
    energy      joules per image and the method, or null where there is no counter
"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import parse_shape
from .engine import EngineSpec
from .engines import add_arguments, compiler_cache, gpu_of, open_engine, refuse_busy
from .labels import list_images
from .pixels import Config, Preprocessor
from .preprocess import config_argument, versions
from .protocol import UserError, run, write_json
from .rounds import Series
from .throughput import add_rules, measured, rules_of, tell

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["main", "real_inputs", "synthetic_inputs"]

#: Different batches of real images that take turns, so that no single one favours the caches.
_TURNS = 4
#: Memory limit for them, over all batch sizes.
_INPUT_BYTES = 256 << 20


def real_inputs(
    folder: str, config: Config, batch: int, most_bytes: int = _INPUT_BYTES, *, class_folders: bool = False
) -> list[Floats]:
    """Up to four different batches of preprocessed images; a small data set starts again from its beginning."""
    names = list_images(folder, "folders" if class_folders else "flat")
    preprocess = Preprocessor(config)
    size = preprocess.dtype.itemsize * int(np.prod(preprocess.shape)) * batch
    count = max(1, min(_TURNS, most_bytes // size, -(-len(names) // batch)))
    made: dict[str, Floats] = {}
    inputs = []
    for turn in range(count):
        images = np.empty((batch, *preprocess.shape), dtype=preprocess.dtype)
        for slot in range(batch):
            name = names[(turn * batch + slot) % len(names)]
            if name not in made:
                made[name] = preprocess.prep(os.path.join(folder, name))
            images[slot] = made[name]
        inputs.append(images)
    return inputs


def synthetic_inputs(shape: tuple[int, ...], batch: int) -> list[Floats]:
    """One batch of standard normal noise, the same at each run."""
    return [np.random.default_rng(0).standard_normal((batch, *shape), dtype=np.float32)]


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    arguments = _arguments(argv)
    config = config_argument(arguments.preprocess) if arguments.preprocess else None
    shape = _shape(arguments, config)
    spec = EngineSpec(arguments.engine, arguments.model, shape, arguments.threads, arguments.options)
    refuse_busy(spec)
    with compiler_cache(arguments.out):
        result = _measure(arguments, spec, config)
    write_json(os.path.join(arguments.out, "bench.json"), result)
    tell(result)


def _shape(arguments: argparse.Namespace, config: Config | None) -> tuple[int, ...]:
    if arguments.images and config is None:
        raise UserError("images need to be preprocessed", "Give --preprocess.")
    shape = parse_shape(arguments.shape) if arguments.shape else (config or Config()).shape
    if arguments.images and config is not None and config.shape != shape:
        what = f"the crop gives {config.shape}, the model takes {shape}"
        raise UserError(what, "Make crop and input shape of the recipe agree.")
    return shape


def _measure(arguments: argparse.Namespace, spec: EngineSpec, config: Config | None) -> dict[str, Any]:
    batches: list[int] = arguments.batches
    engine = open_engine(spec, batches[0])
    series = []
    for batch in batches:
        if config is not None and arguments.images:
            inputs = real_inputs(
                arguments.images,
                config,
                batch,
                _INPUT_BYTES // len(batches),
                class_folders=arguments.class_folders,
            )
        else:
            inputs = synthetic_inputs(spec.shape, batch)
        bound = engine.bind(inputs)
        if not np.isfinite(engine.as_rows(bound.output(), batch)).all():
            remedy = "Check the weights, and that the preprocessing is the one of the model's training."
            raise UserError("the model gives scores that are NaN or infinite", remedy, spec.model, "tolerance")
        series.append(Series(batch, bound.calls, batch * engine.side_by_side))
    return {
        "engine": {"name": spec.engine, "title": engine.title, "settings": engine.settings},
        "shape": list(spec.shape),
        "data": "real" if arguments.images else "synthetic",
        "conditions": {"preprocessing": "excluded", "warm_up": "excluded", **engine.conditions},
        "threads": engine.threads,
        "versions": {**versions(config), engine.title: engine.version},
        **measured(series, rules_of(arguments), arguments.out, gpu_of(spec)),
    }


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Throughput and latency of a model, batch by batch.")
    parser.add_argument("--model", required=True, help="ONNX file, or the checkpoint for PyTorch")
    add_arguments(parser)
    parser.add_argument("--shape", help="channels,height,width (the crop's)")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--images", help="folder of images")
    parser.add_argument("--class-folders", action="store_true", help="there is one subfolder of images per class")
    source.add_argument("--synthetic", action="store_true", help="noise instead of images; the result says so")
    parser.add_argument("--preprocess", help="JSON, or a file that holds it")
    add_rules(parser)
    parser.add_argument("--out", required=True, help="folder of the results")
    return parser.parse_args(argv)


if __name__ == "__main__":
    run(main)
