"""What targets with one engine per batch have in common when they read their results back."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.errors import DamagedError, StepError
from kit.planning import common as shared
from kit.results.measurements import Accuracy, percent

if TYPE_CHECKING:
    from kit.planning.target import Job

__all__ = ["agreement", "read_accuracy", "read_json", "read_text", "read_versions"]

#: A log is read up to here from each end: a run over millions of images prints a line for each batch.
_HEAD = _TAIL = 8 << 20
_AGAIN = "run the step again with --force"


def read_text(path: Path) -> str:
    """A stream or result file as text; of a very long one head and tail; nothing where there is no file."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(_HEAD)
            if size > _HEAD + _TAIL:
                file.seek(size - _TAIL)
            data += file.read(_TAIL)
    except OSError:
        return ""
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.

    Raises:
        DamagedError: missing, or no JSON object.
    """
    try:
        tree = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DamagedError("a result cannot be read", where=str(path), remedy=_AGAIN) from error
    if not isinstance(tree, dict):
        raise DamagedError("a result is not of its form", where=str(path), remedy=_AGAIN)
    return tree


def read_versions(path: Path) -> dict[str, str]:
    """``versions`` of a result file: software by name."""
    versions = read_json(path).get("versions", {})
    return {str(name): str(text) for name, text in versions.items()} if isinstance(versions, dict) else {}


def read_accuracy(outputs: Mapping[str, Path], metrics: str, batch: int) -> Accuracy:
    """What a metrics step counted, if it counted every preprocessed image.

    Raises:
        DamagedError: a file cannot be read.
        StepError: results are missing or too many.
    """
    path = outputs[metrics] / "metrics.json"
    tree = read_json(path)
    try:
        accuracy = Accuracy(n=tree["n"], classes=tree["classes"], correct=tuple(tree["correct"]), ties=tree["ties"])
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedError("the accuracy cannot be read", where=str(path), remedy=_AGAIN) from error
    info = outputs[shared.TENSORS] / shared.TENSOR_LIST
    try:
        with info.open("rb") as file:
            images = sum(1 for line in file if line.strip())
    except OSError as error:
        raise DamagedError("the info file cannot be read", where=str(info), remedy="preprocess again") from error
    if images != accuracy.n:
        raise StepError(
            f"batch {batch} has results of {accuracy.n} images, the data set has {images}",
            remedy="run the inference again with --force",
        )
    return accuracy


def agreement(job: Job, counted: Mapping[int, Accuracy]) -> list[str]:
    """Notes where batches differ: they are engines of one model, so by rounding at most.

    Raises:
        StepError: two batches differ by more than the recipe's tolerance of accuracy.
    """
    if len(counted) < 2:
        return []
    first = min(counted)
    notes = []
    for batch, accuracy in counted.items():
        for k in (1, 5):
            one, other = accuracy.top(k), counted[first].top(k)
            if float(abs(one - other)) > job.recipe.tolerance.accuracy_points:
                raise StepError(
                    f"Top{k} of batch {batch} is {percent(one)} %, of batch {first} {percent(other)} %: no one model",
                    remedy="make the engines again with --force; if they still differ, report it to the vendor",
                )
        if accuracy.correct != counted[first].correct:
            notes.append(
                f"batch {batch} classifies slightly differently from batch {first}: Top1 {percent(accuracy.top(1))} %,"
                f" Top5 {percent(accuracy.top(5))} %"
            )
    return notes
