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
import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import parse_shape, positive
from .disturbance import clocks, disturbances, take
from .energy import find_meter
from .engine import EngineSpec
from .engines import add_arguments, compiler_cache, gpu_of, open_engine, refuse_busy
from .estimate import percentiles
from .labels import list_images
from .pixels import Config, Preprocessor
from .pool import cores
from .preprocess import config_argument, versions
from .protocol import UserError, progress, run, write_json
from .rounds import Rules, Series, measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .energy import Meter

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
    rules = Rules(arguments.warmup, arguments.rounds, arguments.seconds, arguments.limit, arguments.precision / 100)
    refuse_busy(spec)
    with compiler_cache(arguments.out):
        result = _measure(arguments, spec, rules, config)
    write_json(os.path.join(arguments.out, "bench.json"), result)
    for one in result["batches"]:
        width = f" ±{one['half_width']:.1%}" if one["half_width"] is not None else ""
        print(f"batch {one['batch']}: {one['rate']:.1f} images/s{width}, {one['n']} calls")


def _shape(arguments: argparse.Namespace, config: Config | None) -> tuple[int, ...]:
    if arguments.images and config is None:
        raise UserError("images need to be preprocessed", "Give --preprocess.")
    shape = parse_shape(arguments.shape) if arguments.shape else (config or Config()).shape
    if arguments.images and config is not None and config.shape != shape:
        what = f"the crop gives {config.shape}, the model takes {shape}"
        raise UserError(what, "Make crop and input shape of the recipe agree.")
    return shape


def _measure(arguments: argparse.Namespace, spec: EngineSpec, rules: Rules, config: Config | None) -> dict[str, Any]:
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
    machine: dict[str, Any] = {"before": _machine()}
    before = take()
    elapsed = measure(series, rules, lambda seconds: _tell(series, rules, seconds))
    shares, words = disturbances(before, take())
    machine |= {"after": _machine(), "shares": shares}
    meter = find_meter(gpu_of(spec))
    conditions = {"preprocessing": "excluded", "warm_up": "excluded", **engine.conditions}
    return {
        "engine": {"name": spec.engine, "title": engine.title, "settings": engine.settings},
        "shape": list(spec.shape),
        "data": "real" if arguments.images else "synthetic",
        "protocol": {
            "rounds": len(series[0].rounds),
            "rounds_at_least": rules.rounds,
            "seconds": rules.seconds,
            "limit": rules.limit,
            "precision": rules.precision,
            "warmup": rules.warmup,
            "elapsed": elapsed,
            "interval": "95 % of the median, from order statistics",
            "percentiles": "nearest rank over all calls of all rounds, milliseconds per call",
        },
        "conditions": conditions,
        "batches": [_batch(one, rules, words, arguments.out, meter) for one in series],
        "threads": engine.threads,
        "cores": cores(),
        "machine": machine,
        "versions": {**versions(config), engine.title: engine.version},
    }


def _batch(one: Series, rules: Rules, words: list[str], out: str, meter: Meter | None) -> dict[str, Any]:
    latencies = np.concatenate([np.asarray(part.calls_ns) for part in one.rounds]) / 1e6
    os.makedirs(out, exist_ok=True)
    np.save(os.path.join(out, f"latencies-bs{one.batch}.npy"), latencies)
    found = percentiles(latencies.tolist())
    return {
        "batch": one.batch,
        "rounds": [part.as_json() for part in one.rounds],
        "rate": one.rate,
        "interval": list(one.interval) if one.interval else None,
        "half_width": one.half_width,
        "spread": (max(one.rates) - min(one.rates)) / one.rate,
        "n": len(latencies),
        "mean": float(latencies.mean()),
        "latency": {**found, "n": len(latencies)} if found else None,
        "warmup": {"calls": one.warm_calls, "seconds": one.warm_seconds, "settled": one.settled},
        "unstable": _unstable(one, rules, words),
        "energy": _energy(one, meter),
    }


def _unstable(one: Series, rules: Rules, words: list[str]) -> list[str]:
    """Reasons not to rely on the rate: its interval, and what else happened on the machine."""
    reasons = []
    width = one.half_width
    if width is None:
        reasons.append(f"{len(one.rounds)} rounds are too few for an interval")
    elif width > rules.precision:
        reasons.append(f"the interval is ±{width:.1%}, wider than ±{rules.precision:.1%}")
        if not one.settled:
            reasons.append("the warm-up did not become steady")
    return [*reasons, *words]


def _energy(one: Series, meter: Meter | None) -> dict[str, Any] | None:
    if meter is None:
        return None
    images = 0

    def work() -> None:
        nonlocal images
        images = one.run(meter.seconds).images

    joules = meter.joules(work)
    return {"joules_per_image": joules / images, "method": meter.method} if joules and images else None


def _tell(series: list[Series], rules: Rules, seconds: float) -> None:
    """Report the rates so far."""
    shown = ", ".join(
        f"bs{one.batch} {one.rate:.4g}" + (f" ±{one.half_width:.1%}" if one.half_width is not None else "")
        for one in series
    )
    total = max(math.ceil(rules.limit), math.ceil(seconds))
    progress(int(seconds), total, f"s at most, round {len(series[0].rounds)}: {shown}")


def _machine() -> dict[str, Any]:
    return {"load": [round(value, 2) for value in os.getloadavg()], **clocks()}


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Throughput and latency of a model, batch by batch.")
    parser.add_argument("--model", required=True, help="ONNX file, or the checkpoint for PyTorch")
    add_arguments(parser)
    parser.add_argument("--batches", type=_batches, required=True, help="images per call, such as 1,8,32")
    parser.add_argument("--shape", help="channels,height,width (the crop's)")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--images", help="folder of images")
    parser.add_argument("--class-folders", action="store_true", help="there is one subfolder of images per class")
    source.add_argument("--synthetic", action="store_true", help="noise instead of images; the result says so")
    parser.add_argument("--preprocess", help="JSON, or a file that holds it")
    parser.add_argument("--threads", type=_count, default=0, help="threads of one call (0: all cores)")
    parser.add_argument("--warmup", type=_count, default=10, help="calls of warm-up, at least")
    parser.add_argument("--rounds", type=positive, default=10, help="rounds through all batches, at least")
    parser.add_argument("--seconds", type=_seconds, default=0.5, help="of each batch in each round")
    parser.add_argument("--limit", type=_seconds, default=300.0, help="seconds of all rounds together")
    parser.add_argument("--precision", type=_percent, default=1.0, help="stop at this half-width, in percent")
    parser.add_argument("--out", required=True, help="folder of the results")
    return parser.parse_args(argv)


def _batches(text: str) -> list[int]:
    found = [positive(part) for part in text.split(",")]
    if len(set(found)) != len(found):
        raise argparse.ArgumentTypeError(f"{text} names a batch twice")
    return found


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is negative")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 86400:
        raise argparse.ArgumentTypeError(f"{value} is not a length of time")
    return value


def _percent(text: str) -> float:
    value = float(text)
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError(f"{value} is not a share in percent")
    return value


if __name__ == "__main__":
    run(main)
