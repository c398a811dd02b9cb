"""Top1 to Top5 from results, as the published script counts them, with the checks that the script does not make.

Command line::

    python3 -m inside.metrics --labels FILE --out DIR
        (--predictions DIR [--images FILE] [--classes N] | --results DIR --format txt|bin|npy --classes N [--suffix K])
        [--background-class] [--subset] [--vision-metric FILE] [--workers N]

``--predictions`` takes what inside.evaluate wrote; ``--results`` one file per image, ``<stem>_<suffix>.<format>``, as
the vendor's tools write them. It writes ``metrics.json``::

    n        images
    classes  scores per image
    correct  [c1 .. c5]: images whose label is among the k best
    ties     images with equal scores among the six best: the lowest class goes first
    nan      images with a NaN score: a NaN is never among the best
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import re
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import positive
from .labels import check_range, match, read_labels, some
from .pool import Pool, cores, reuse_freed_memory
from .protocol import UserError, progress, run, write_json
from .results import FORMATS, ResultReader
from .stored import NAMES, read_array, read_facts, read_names
from .topk import K, best

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    #: Names of some results, and their labels.
    Part = tuple[list[str], NDArray[np.int32]]

__all__ = ["Counts", "count_predictions", "count_results", "counting", "main", "vision_metric"]


_AGAIN = "Run the inference again."
_SUFFIX = re.compile("0|[1-9][0-9]{0,5}")
#: Results per task of a worker, and the number from which starting workers pays off.
_CHUNK, _MANY = 512, 16384


@dataclass
class Counts:
    """Images whose label is among the k best classes, for k = 1 .. 5."""

    classes: int
    n: int = 0
    correct: list[int] = field(default_factory=lambda: [0] * K)
    ties: int = 0
    nan: int = 0

    def count(self, classes: NDArray[np.int32], labels: NDArray[np.int32]) -> None:
        """Count some images: their best classes (images, 5) and their labels (images,)."""
        hits = np.cumsum(np.count_nonzero(classes == labels[:, None], axis=0))
        self.correct = [before + int(more) for before, more in zip(self.correct, hits, strict=True)]
        self.n += len(labels)

    def add(self, other: Counts) -> None:
        """Count what another counted."""
        self.correct = [before + more for before, more in zip(self.correct, other.correct, strict=True)]
        self.n, self.ties, self.nan = self.n + other.n, self.ties + other.ties, self.nan + other.nan


def count_predictions(
    folder: str,
    labels: dict[str, int],
    images: str | None = None,
    *,
    subset: bool = False,
    classes: int | None = None,
) -> Counts:
    """Count the arrays that inside.evaluate wrote, with as many classes where that is said."""
    predictions = _predictions(os.path.join(folder, "predictions.npy"))
    account = os.path.join(folder, "evaluate.json")
    facts = read_facts(account, "result of the inference", _AGAIN, numbers=("classes", "ties"))
    listed = images or os.path.join(folder, NAMES)
    names = read_names(listed, _AGAIN)
    if len(names) != len(predictions):
        what = f"lists {len(names)} images, and there are {len(predictions)} predictions"
        raise UserError(what, _AGAIN, listed, "damaged")
    wanted = np.array(match(names, labels, folder, subset=subset), dtype=np.int32)
    if classes not in {None, facts["classes"]}:
        what = f"the predictions have {facts['classes']} classes, and {classes} are expected"
        raise UserError(what, f"Give --classes {facts['classes']}, or the predictions of the other model.", folder)
    counts = Counts(facts["classes"], ties=facts["ties"])
    counts.count(predictions, wanted)
    return counts


def _predictions(path: str) -> NDArray[np.int32]:
    array = read_array(path, _AGAIN, missing="there are no predictions")
    if array.dtype != np.int32 or array.ndim != 2 or array.shape[1] != K or len(array) == 0:
        what = f"holds {array.dtype} {array.shape}, and int32 (images, {K}) is expected"
        raise UserError(what, _AGAIN, path, "damaged")
    return array


def count_results(
    folder: str,
    labels: dict[str, int],
    form: str,
    classes: int,
    *,
    suffix: int | None = None,
    offset: int = 0,
    subset: bool = False,
    count: Callable[[Iterable[Part]], Iterable[Counts]],
) -> tuple[Counts, dict[str, Any]]:
    """Count one result file per image; also returns what else the folder holds.

    Args:
        folder: the files.
        labels: {key: label}; each needs its result, unless `subset`.
        form: ``txt``, ``bin`` or ``npy``.
        classes: scores per image.
        suffix: which output of the model, as in ``<key>_<suffix>.<form>``; None: the only one there is.
        offset: 1 where class 0 is the background, as models with 1001 classes have it.
        subset: labels may have no result.
        count: counts part after part, as :func:`counting` gives it.
    """
    keys, suffix, others = find_results(folder, labels, form, suffix, subset=subset)
    names = [f"{key}_{suffix}.{form}" for key in keys]
    wanted = np.array([labels[key] + offset for key in keys], dtype=np.int32)
    tasks = ((names[i : i + _CHUNK], wanted[i : i + _CHUNK]) for i in range(0, len(names), _CHUNK))
    counts = Counts(classes)
    for part in count(tasks):
        counts.add(part)
        progress(counts.n, len(names), "results")
    return counts, {"suffix": suffix, "beside": others}


@contextlib.contextmanager
def counting(
    folder: str, form: str, classes: int, workers: int
) -> Iterator[Callable[[Iterable[Part]], Iterable[Counts]]]:
    """A function that counts the results of a folder, part after part, in several processes where there is much text.

    The processes start at once, so that they are ready when the labels have been read and the results listed. For the
    other forms one process is enough: they are read in half the time that others take to start.
    """
    if workers == 1 or form != "txt" or not _holds_many(folder):
        yield functools.partial(map, _Counter(folder, form, classes))
        return
    with Pool(workers, _Counter, folder, form, classes) as pool:
        yield functools.partial(pool.map, window=4 * workers)


def _holds_many(folder: str) -> bool:
    try:
        return len(os.listdir(folder)) >= _MANY
    except OSError:
        return False  # `find_results` says why


class _Counter:
    """A worker: counts some results."""

    def __init__(self, folder: str, form: str, classes: int) -> None:
        reuse_freed_memory()
        self._classes = classes
        self._reader = ResultReader(folder, form, classes)

    def __call__(self, task: Part) -> Counts:
        names, labels = task
        counts = Counts(self._classes)
        for first, scores in self._reader.read(names):
            found = best(scores)
            counts.count(found.classes, labels[first : first + len(scores)])
            counts.ties += int(np.count_nonzero(found.tied))
            counts.nan += int(np.count_nonzero(found.nan))
        return counts


def find_results(
    folder: str, labels: dict[str, int], form: str, suffix: int | None, *, subset: bool
) -> tuple[list[str], int, dict[str, int]]:
    """Keys of the images whose results are to be counted, in the order of the labels; the suffix; what else is there.

    Raises:
        UserError: no results, several outputs and no choice, a label without a result, a result without a label.
    """
    if not os.path.isdir(folder):
        raise UserError("there is no such folder of results", "Run the inference first.", folder, "missing")
    found: dict[int, set[str]] = {}
    others: Counter[str] = Counter()
    names = os.listdir(folder)
    if suffix is not None:  # as sets, which is faster than name by name
        expected = {f"{key}_{suffix}.{form}": key for key in labels}
        if there := expected.keys() & names:
            found[suffix] = {expected[name] for name in there}
        names = [name for name in names if name not in expected]
    for name in names:
        key, number, extension = _parts(name)
        if extension == form and number is not None:
            found.setdefault(number, set()).add(key)
        else:
            others[f".{extension}" if extension else name] += 1
    known = ", ".join(f"_{number}.{form}" for number in sorted(found))
    if suffix is None:
        if len(found) > 1:
            raise UserError(f"holds several outputs: {known}", "Choose one with --suffix.", folder)
        suffix = next(iter(found), 1)
    if suffix not in found:
        holds = known or ", ".join(f"{count} of {what}" for what, count in sorted(others.items())[:3])
        has = f"; it holds {holds}" if found or others else ""
        remedy = "Run the inference first, or choose suffix and format of what is there."
        raise UserError(f"holds no result named <image>_{suffix}.{form}{has}", remedy, folder, "missing")
    there = found[suffix]
    if foreign := there - labels.keys():
        raise UserError(
            f"{len(foreign)} results have no label, or are from an earlier run: {some(foreign)}",
            "Empty the folder and run the inference again, or use the labels of this data set.",
            folder,
        )
    keys = [key for key in labels if key in there]
    if not subset and len(keys) < len(labels):
        absent = [key for key in labels if key not in there]
        raise UserError(
            f"{len(absent)} of {len(labels)} images have no result: {some(absent)}",
            "Run the inference on the whole data set.",
            folder,
            "missing",
        )
    rest = {f"_{number}.{form}": len(names) for number, names in sorted(found.items()) if number != suffix}
    return keys, suffix, {**rest, **dict(sorted(others.items()))}


def _parts(name: str) -> tuple[str, int | None, str]:
    """(key, suffix, extension) of ``<key>_<suffix>.<extension>``; the suffix is None in a name of another form."""
    whole, _, extension = name.partition(".")
    key, mark, number = whole.rpartition("_")
    if not mark or not key or not _SUFFIX.fullmatch(number):
        return whole, None, extension
    return key, int(number), extension


def vision_metric(counts: Counts) -> dict[str, Any]:
    """The published script's JSON: every value a string, accuracies as ``str(round(100 * x, 2)) + '%'``."""
    pairs = [("Number of images", str(counts.n)), ("Number of classes", str(counts.classes))]
    pairs += [(f"Top{k} accuracy", f"{round(count / counts.n * 100, 2)}%") for k, count in enumerate(counts.correct, 1)]
    return {
        "title": "Overall statistical evaluation",
        "value": [{"key": key, "value": value} for key, value in pairs],
    }


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    arguments = _arguments(argv)
    if arguments.results and arguments.classes is None:
        raise UserError("the number of classes is needed to check the results", "Give --classes.")
    more: dict[str, Any] = {}
    if arguments.predictions:
        labels = read_labels(arguments.labels)
        counts = count_predictions(
            arguments.predictions, labels, arguments.images, subset=arguments.subset, classes=arguments.classes
        )
        check_range(labels, counts.classes, arguments.labels)
    else:
        offset = 1 if arguments.background_class else 0
        which = (arguments.results, arguments.format, arguments.classes)
        with counting(*which, workers=arguments.workers or cores()) as count:
            labels = read_labels(arguments.labels)
            check_range(labels, arguments.classes - offset, arguments.labels)
            counts, more = count_results(
                arguments.results,
                labels,
                arguments.format,
                arguments.classes,
                suffix=arguments.suffix,
                offset=offset,
                subset=arguments.subset,
                count=count,
            )
    os.makedirs(arguments.out, exist_ok=True)
    write_json(os.path.join(arguments.out, "metrics.json"), asdict(counts) | more)
    if arguments.vision_metric:
        write_json(arguments.vision_metric, vision_metric(counts))
    tops = ", ".join(f"Top{k} {100 * counts.correct[k - 1] / counts.n:.2f} %" for k in (1, 5))
    print(f"{counts.n} images: {tops}; {counts.ties} ties, {counts.nan} with NaN")


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="metrics", description="Top1 to Top5 from results.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--predictions", help="folder of what inside.evaluate wrote")
    source.add_argument("--results", help="folder of one result file per image")
    parser.add_argument("--labels", required=True, help="label file")
    parser.add_argument("--images", help="list of the predictions' images (images.txt next to them)")
    parser.add_argument("--format", choices=FORMATS, default="txt")
    parser.add_argument("--suffix", type=int, help="number of the output, after the last _ of a name (the only one)")
    parser.add_argument("--classes", type=positive, help="scores per image")
    parser.add_argument(
        "--background-class", action="store_true", help="class 0 is the background: labels count from 1"
    )
    parser.add_argument("--subset", action="store_true", help="not every label needs a result")
    parser.add_argument("--vision-metric", help="write the published script's JSON here")
    parser.add_argument("--workers", type=positive, help="processes (all cores)")
    parser.add_argument("--out", required=True, help="folder of metrics.json")
    return parser.parse_args(argv)


if __name__ == "__main__":
    run(main)
