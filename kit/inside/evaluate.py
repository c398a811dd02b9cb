"""A data set through the CPU engine: decode, preprocess, infer, best five classes, nothing on disk in between.

Command line::

    python3 -m inside.evaluate --model model.onnx (--images DIR --preprocess JSON | --tensors DIR) --out DIR
        [--labels FILE] [--batch 32] [--threads N] [--workers N] [--limit N]

Worker processes fill a ring of batches in shared memory while the engine works on the one before. It writes

* ``predictions.npy``: int32 (N, 5), best class first, the lowest class first where scores are equal
* ``scores.npy``: float32 (N, 5), their scores
* ``images.txt``: the names, in that order (sorted)
* ``evaluate.json``: counts, seconds, versions
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .engine import Engine
from .labels import list_images, match, read_labels, unique_stems
from .pixels import Config, Preprocess
from .pool import Pool, SharedBlock, cores
from .preprocess import NAMES, PACKED, config_argument, image_library, positive
from .protocol import UserError, progress, run, write_json
from .topk import K, best

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["Evaluation", "evaluate", "main"]

#: Batches of the ring: one in the engine, the others being filled.
_RING = 4
#: At most so many images per task of a worker.
_CHUNK = 8


@dataclass
class Evaluation:
    """What :func:`evaluate` found: the five best classes of each image, and where the time went."""

    names: list[str]
    predictions: NDArray[np.int32]
    scores: Floats
    classes: int
    ties: int
    seconds: dict[str, float] = field(default_factory=dict)


def evaluate(engine: Engine, names: list[str], batches: Iterator[Floats], batch: int) -> Evaluation:
    """Run every batch through `engine`; `batches` gives arrays of up to `batch` images, in the order of `names`.

    Raises:
        UserError: a score is NaN or infinite; it names the image.
    """
    total = len(names)
    predictions = np.empty((total, K), dtype=np.int32)
    scores = np.empty((total, K), dtype=np.float32)
    ties = classes = done = 0
    waited = inferred = 0.0
    start = mark = time.perf_counter()
    for images in batches:
        count = len(images)
        now = time.perf_counter()
        waited += now - mark
        output = engine.run(_padded(images, batch) if engine.fixed_batch else images)[:count]
        mark = time.perf_counter()
        inferred += mark - now
        _check_finite(output, names[done : done + count])
        found = best(output)
        predictions[done : done + count] = found.classes
        scores[done : done + count] = found.scores
        ties += int(np.count_nonzero(found.tied))
        classes = output.shape[1]
        done += count
        progress(done, total, "images")
    seconds = {"total": time.perf_counter() - start, "waiting for images": waited, "inference": inferred}
    return Evaluation(names, predictions, scores, classes, ties, seconds)


def _padded(images: Floats, batch: int) -> Floats:
    if len(images) == batch:
        return images
    return np.concatenate([images, np.zeros((batch - len(images), *images.shape[1:]), dtype=np.float32)])


def _check_finite(scores: Floats, names: list[str]) -> None:
    if not np.isfinite(scores).all():
        worst = names[int(np.flatnonzero(~np.isfinite(scores).all(axis=1))[0])]
        raise UserError(
            "the model gives scores that are NaN or infinite",
            "Check the weights, and that the preprocessing is the one of the model's training.",
            worst,
            "tolerance",
        )


class _Filler:
    """A worker: makes the tensors of a few images, in the ring."""

    def __init__(self, folder: str, config: Config, way: str, block: SharedBlock) -> None:
        self._folder = folder
        self._preprocess = Preprocess(config, way)
        self._ring = np.frombuffer(block.memory, dtype=np.float32).reshape(-1, *self._preprocess.shape)

    def __call__(self, task: tuple[int, list[str]]) -> None:
        first, names = task
        for slot, name in enumerate(names, first):
            self._preprocess.prep_into(os.path.join(self._folder, name), self._ring[slot])


def from_images(folder: str, names: list[str], config: Config, batch: int, workers: int) -> Iterator[Floats]:
    """Batches of preprocessed images; an array is valid until the next one is asked for."""
    preprocess = Preprocess(config)
    block = SharedBlock(_RING * batch * int(np.prod(preprocess.shape)) * 4)
    ring = np.frombuffer(block.memory, dtype=np.float32).reshape(_RING, batch, *preprocess.shape)
    chunk = max(1, min(_CHUNK, -(-batch // (2 * workers))))

    def tasks() -> Iterator[tuple[int, list[str]]]:
        for number, first in enumerate(range(0, len(names), batch)):
            inside = names[first : first + batch]
            for offset in range(0, len(inside), chunk):
                yield number % _RING * batch + offset, inside[offset : offset + chunk]

    per_batch = -(-batch // chunk)
    with Pool(workers, _Filler, folder, config, preprocess.way, block) as pool:
        filled = pool.map(tasks(), window=(_RING - 1) * per_batch)
        for number, first in enumerate(range(0, len(names), batch)):
            count = min(batch, len(names) - first)
            for _ in range(0, count, chunk):
                next(filled)
            yield ring[number % _RING, :count]


def list_tensors(folder: str) -> list[str]:
    """Names of the images whose tensors a folder holds, packed or one ``.bin`` each."""
    packed, listed = os.path.join(folder, PACKED), os.path.join(folder, NAMES)
    if os.path.isfile(packed):
        try:
            with open(listed, encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            raise UserError(f"{PACKED} has no {NAMES} beside it", "Preprocess again.", folder, "missing") from None
    if not os.path.isdir(folder):
        raise UserError("there is no such folder of tensors", "Preprocess the images first.", folder, "missing")
    names = sorted(name for name in os.listdir(folder) if name.endswith(".bin"))
    if not names:
        raise UserError("holds no tensors", "Preprocess the images first.", folder, "missing")
    return names


def from_tensors(folder: str, names: list[str], shape: tuple[int, ...], batch: int) -> Iterator[Floats]:
    """Batches of tensors that are on disk already."""
    packed = os.path.join(folder, PACKED)
    if os.path.isfile(packed):
        try:
            array = np.load(packed, mmap_mode="r", allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise UserError(f"is not an array: {error}", "Preprocess again.", packed, "damaged") from None
        if array.dtype != np.float32 or array.shape[1:] != shape or len(array) < len(names):
            what = f"holds {array.dtype} {array.shape}, and {len(names)} tensors {shape} are expected"
            raise UserError(what, "Preprocess again.", packed, "damaged")
        for first in range(0, len(names), batch):
            yield np.ascontiguousarray(array[first : min(first + batch, len(names))])
        return
    images = np.empty((batch, *shape), dtype=np.float32)
    for first in range(0, len(names), batch):
        inside = names[first : first + batch]
        for slot, name in enumerate(inside):
            _read_tensor(os.path.join(folder, name), images[slot])
        yield images[: len(inside)]


def _read_tensor(path: str, out: Floats) -> None:
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size != out.nbytes or file.readinto(out.data.cast("B")) != size:
                what = f"has {size} bytes; a tensor {out.shape} of float32 has {out.nbytes}"
                raise UserError(what, "Preprocess again, with the crop of this model.", path, "damaged")
    except FileNotFoundError:
        raise UserError("there is no such tensor", "Preprocess again.", path, "missing") from None


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="evaluate", description="A data set through the CPU engine.")
    parser.add_argument("--model", required=True, help="ONNX file")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--images", help="folder of images")
    source.add_argument("--tensors", help="folder of tensors that inside.preprocess made")
    parser.add_argument("--preprocess", help="JSON, or a file that holds it")
    parser.add_argument("--shape", help="channels,height,width of the tensors (the crop's)")
    parser.add_argument("--labels", help="label file, to check before anything is run")
    parser.add_argument("--batch", type=positive, default=32)
    parser.add_argument("--threads", type=int, default=0, help="threads of the engine (0: all cores)")
    parser.add_argument("--workers", type=positive, help="processes that decode (half the cores)")
    parser.add_argument("--limit", type=positive, help="only the first N images")
    parser.add_argument("--out", required=True, help="folder of the results")
    arguments = parser.parse_args(argv)
    config = config_argument(arguments.preprocess) if arguments.preprocess else None
    if (arguments.images is None) != (config is None):
        raise UserError("--preprocess goes with --images, and not with --tensors", "Give both, or neither.")
    shape = parse_shape(arguments.shape) if arguments.shape else (3, *(config or Config()).crop)
    folder = arguments.images or arguments.tensors
    names = (list_images(folder) if arguments.images else list_tensors(folder))[: arguments.limit]
    unique_stems(names, folder)
    labels = read_labels(arguments.labels) if arguments.labels else None
    if labels is not None:
        match(names, labels, folder, subset=arguments.limit is not None)
    batch = arguments.batch
    workers = arguments.workers or max(1, cores() // 2)
    if arguments.images and config is not None:
        batches = from_images(folder, names, config, batch, workers)
    else:
        batches = from_tensors(folder, names, shape, batch)
        workers = 0
    engine = Engine(arguments.model, batch, shape, arguments.threads)
    result = evaluate(engine, names, batches, batch)
    if labels is not None and max(labels.values()) >= result.classes:
        highest = max(labels.values())
        what = f"the label {highest} is not in 0..{result.classes - 1}, the classes of the model"
        raise UserError(what, "Use the labels of this model.", arguments.labels)
    _write(arguments.out, result)
    write_json(
        os.path.join(arguments.out, "evaluate.json"),
        {
            "n": len(names),
            "classes": result.classes,
            "ties": result.ties,
            "batch": batch,
            "threads": engine.threads,
            "workers": workers,
            "source": "images" if arguments.images else "tensors",
            "seconds": {name: round(value, 6) for name, value in result.seconds.items()},
            "providers": engine.providers,
            "versions": _versions(engine, config if arguments.images else None),
        },
    )
    rate = len(names) / result.seconds["total"]
    print(f"{len(names)} images in {result.seconds['total']:.2f} s: {rate:.0f} images/s")


def parse_shape(text: str) -> tuple[int, ...]:
    """The shape in ``3,224,224``."""
    fields = text.split(",")
    if len(fields) != 3 or not all(one.isascii() and one.isdigit() and int(one) > 0 for one in fields):
        raise UserError(f"{text!r} is not a shape", "Give channels,height,width, such as 3,224,224.")
    return tuple(map(int, fields))


def _write(out: str, result: Evaluation) -> None:
    os.makedirs(out, exist_ok=True)
    np.save(os.path.join(out, "predictions.npy"), result.predictions)
    np.save(os.path.join(out, "scores.npy"), result.scores)
    with open(os.path.join(out, NAMES), "w", encoding="utf-8") as file:
        file.writelines(f"{name}\n" for name in result.names)


def _versions(engine: Engine, config: Config | None) -> dict[str, Any]:
    versions = {"python": sys.version.split()[0], "numpy": np.__version__, "onnxruntime": engine.version}
    if config is not None:
        library, version = image_library(config)
        versions[library] = version
    return versions


if __name__ == "__main__":
    run(main)
