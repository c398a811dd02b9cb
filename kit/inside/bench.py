"""Throughput and latency of a model on the CPU at one batch.

Command line::

    python3 -m inside.bench --model model.onnx --batch B --out DIR (--images DIR --preprocess JSON | --synthetic)
        [--shape 3,224,224] [--threads N] [--warmup N] [--repeats R] [--seconds S]

Input and output stay where they are, bound to the session, and only the engine's call lies between two readings of
the clock. It writes ``latencies.npy`` (float64, milliseconds per call, all repeats one after the other) and
``bench.json``::

    repeats     [{"calls", "wall_s", "images", "rate"}]   rate = images / wall_s
    rate        images per second: the median of the repeats' rates
    spread      (largest - smallest) / median of these rates
    p50 p90 p99 milliseconds per call by nearest rank over all n calls: the ceil(q * n)-th smallest
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from .engine import Engine
from .evaluate import parse_shape
from .labels import list_images
from .pixels import Config, Preprocess
from .pool import cores
from .preprocess import config_argument, image_library, positive
from .protocol import UserError, progress, run, write_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["Repeat", "bind", "main", "nearest_rank", "repeat"]

#: Different batches of real images that take turns, so that one that is easy on the caches does not decide.
_TURNS = 4
#: At most so much memory for them.
_INPUT_BYTES = 256 << 20


class Repeat:
    """One uninterrupted run of calls: nanoseconds of each, and of all of them together."""

    def __init__(self, calls_ns: list[int], wall_ns: int, batch: int) -> None:
        self.calls_ns = calls_ns
        self.wall_s = wall_ns / 1e9
        self.images = len(calls_ns) * batch
        #: Images per second.
        self.rate = self.images / self.wall_s

    def as_json(self) -> dict[str, Any]:
        """For ``bench.json``."""
        return {"calls": len(self.calls_ns), "wall_s": self.wall_s, "images": self.images, "rate": self.rate}


def bind(engine: Engine, inputs: list[Floats]) -> tuple[list[Callable[[], None]], Callable[[], Floats]]:
    """Calls of the engine, one per input batch, with its input and output in place; and a look at the last output."""
    import onnxruntime

    engine.run(inputs[0])  # the first call is the slowest, and says what is wrong
    (output,) = engine.session.run([engine.output], {engine.input: inputs[0]})
    place = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros_like(output))
    calls: list[Callable[[], None]] = []
    for batch in inputs:
        binding = engine.session.io_binding()
        binding.bind_ortvalue_input(engine.input, onnxruntime.OrtValue.ortvalue_from_numpy(batch))
        binding.bind_ortvalue_output(engine.output, place)
        calls.append(_call(engine.session, binding))

    def scores() -> Floats:
        return engine.as_scores(place.numpy(), len(inputs[0]))

    return calls, scores


def _call(session: Any, binding: Any) -> Callable[[], None]:
    run_bound = session.run_with_iobinding

    def call() -> None:
        run_bound(binding)

    return call


def repeat(calls: list[Callable[[], None]], batch: int, seconds: float) -> Repeat:
    """Call in turn for at least `seconds`, and at least once; nothing but the call and the clock is in the loop."""
    clock = time.perf_counter_ns
    marks: list[int] = []
    add = marks.append
    turn, turns = 0, len(calls)
    start = now = clock()
    end = start + int(seconds * 1e9)
    while True:
        calls[turn % turns]()
        now = clock()
        add(now)
        turn += 1
        if now >= end:
            break
    return Repeat([after - before for before, after in zip([start, *marks], marks, strict=False)], now - start, batch)


def nearest_rank(values: NDArray[np.float64], q: float) -> float:
    """The q-quantile of `values` by nearest rank: the ceil(q * n)-th smallest; always one of the values."""
    ordered = np.sort(values)
    return float(ordered[max(1, math.ceil(q * len(ordered))) - 1])


def real_inputs(folder: str, config: Config, batch: int) -> list[Floats]:
    """Up to four different batches of preprocessed images; a small data set starts again from its beginning."""
    names = list_images(folder)
    preprocess = Preprocess(config)
    size = 4 * int(np.prod(preprocess.shape)) * batch
    count = max(1, min(_TURNS, _INPUT_BYTES // size, -(-len(names) // batch)))
    made: dict[str, Floats] = {}
    inputs = []
    for turn in range(count):
        images = np.empty((batch, *preprocess.shape), dtype=np.float32)
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


def conditions() -> dict[str, Any]:
    """What may slow a measurement: load averages, and the clock of each core where the kernel tells it."""
    facts: dict[str, Any] = {"load": [round(value, 2) for value in os.getloadavg()]}
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            clocks = [float(line.split(":")[1]) for line in file if line.lower().startswith("cpu mhz")]
    except (OSError, ValueError, IndexError):
        clocks = []
    if clocks:
        facts["cpu_mhz"] = {"min": min(clocks), "max": max(clocks)}
    return facts


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    arguments = _arguments(argv)
    config = config_argument(arguments.preprocess) if arguments.preprocess else None
    if arguments.images and config is None:
        raise UserError("images need to be preprocessed", "Give --preprocess.")
    shape = parse_shape(arguments.shape) if arguments.shape else (3, *(config or Config()).crop)
    if arguments.images and config is not None:
        if (3, *config.crop) != shape:
            raise UserError(
                f"the crop gives {(3, *config.crop)}, the model takes {shape}",
                "Make crop and input shape of the recipe agree.",
            )
        inputs = real_inputs(arguments.images, config, arguments.batch)
    else:
        inputs = synthetic_inputs(shape, arguments.batch)
    engine = Engine(arguments.model, arguments.batch, shape, arguments.threads)
    before = conditions()
    calls, scores = bind(engine, inputs)
    for turn in range(arguments.warmup):
        calls[turn % len(calls)]()
    repeats = []
    for number in range(arguments.repeats):
        repeats.append(repeat(calls, arguments.batch, arguments.seconds))
        progress(number + 1, arguments.repeats, "repeats")
    if not np.isfinite(scores()).all():
        remedy = "Check the weights, and that the preprocessing is the one of the model's training."
        raise UserError("the model gives scores that are NaN or infinite", remedy, arguments.model, "tolerance")
    latencies = np.array([ns for one in repeats for ns in one.calls_ns], dtype=np.float64) / 1e6
    rates = [one.rate for one in repeats]
    rate = statistics.median(rates)
    os.makedirs(arguments.out, exist_ok=True)
    np.save(os.path.join(arguments.out, "latencies.npy"), latencies)
    versions = {"python": sys.version.split()[0], "numpy": np.__version__, "onnxruntime": engine.version}
    if config is not None:
        library, version = image_library(config)
        versions[library] = version
    result = {
        "batch": arguments.batch,
        "shape": list(shape),
        "data": "real" if arguments.images else "synthetic",
        "repeats": [one.as_json() for one in repeats],
        "rate": rate,
        "spread": (max(rates) - min(rates)) / rate,
        "n": len(latencies),
        "mean": float(latencies.mean()),
        "p50": nearest_rank(latencies, 0.5),
        "p90": nearest_rank(latencies, 0.9),
        "p99": nearest_rank(latencies, 0.99),
        "percentiles": "nearest rank over all calls of all repeats, milliseconds per call",
        "warmup": arguments.warmup,
        "threads": engine.threads,
        "cores": cores(),
        "conditions": {"before": before, "after": conditions()},
        "providers": engine.providers,
        "versions": versions,
    }
    write_json(os.path.join(arguments.out, "bench.json"), result)
    print(f"batch {arguments.batch}: {rate:.1f} images/s, p50 {result['p50']:.3f} ms, {len(latencies)} calls")


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Throughput and latency of a model on the CPU.")
    parser.add_argument("--model", required=True, help="ONNX file")
    parser.add_argument("--batch", type=positive, required=True, help="images per call")
    parser.add_argument("--shape", help="channels,height,width (the crop's)")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--images", help="folder of images")
    source.add_argument("--synthetic", action="store_true", help="noise instead of images; the result says so")
    parser.add_argument("--preprocess", help="JSON, or a file that holds it")
    parser.add_argument("--threads", type=_count, default=0, help="threads of one call (0: all cores)")
    parser.add_argument("--warmup", type=_count, default=3, help="calls before the first measured one")
    parser.add_argument("--repeats", type=positive, default=5)
    parser.add_argument("--seconds", type=_seconds, default=2.0, help="length of each repeat")
    parser.add_argument("--out", required=True, help="folder of the results")
    return parser.parse_args(argv)


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


if __name__ == "__main__":
    run(main)
