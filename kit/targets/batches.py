"""What targets with one engine per batch share when they read their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from kit.errors import DamagedError, StepError
from kit.planning import common
from kit.planning.target import Job
from kit.results.evidence import Raw, measurement
from kit.results.measurements import Accuracy, percent
from kit.results.metrics import Metric
from kit.results.outputs import Output, Outputs

__all__ = ["agreement", "check_complete", "metric_agreement", "read_accuracy", "read_versions"]

_AGAIN = "run the step again with --force"


def read_versions(output: Output) -> dict[str, Raw[str]]:
    """``versions`` of a result file: software by name."""
    if "versions" not in output.tree:
        return {}
    return {name: Raw(str(one.value), one.evidence) for name, one in output.keys("versions").items()}


def read_accuracy(outputs: Outputs, metrics: str) -> Accuracy:
    """What a metrics step counted.

    Raises:
        DamagedError: a file cannot be read.
    """
    counts = outputs.file(metrics, "metrics.json")
    correct: Any = counts.key("correct").value
    if not isinstance(correct, list):
        raise DamagedError("the accuracy cannot be read", where=str(counts.path), remedy=_AGAIN)
    try:
        return measurement(
            Accuracy,
            n=counts.key("n"),
            classes=counts.key("classes"),
            correct=[counts.key("correct", index) for index in range(len(correct))],
            ties=counts.key("ties"),
        )
    except ValidationError as error:
        raise DamagedError("the accuracy cannot be read", where=str(counts.path), remedy=_AGAIN) from error


def check_complete(outputs: Outputs, accuracy: Accuracy, batch: int) -> None:
    """Whether every preprocessed image was counted.

    Raises:
        DamagedError: the info file cannot be read.
        StepError: results are missing or too many.
    """
    info = outputs.file(common.TENSORS, common.TENSOR_LIST).path
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


def agreement(job: Job, counted: Mapping[int, Accuracy]) -> list[str]:
    """Notes where batches differ: engines of one model may differ only by rounding.

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
                    f"Top{k} of batch {batch} is {percent(one)} %, of batch {first} {percent(other)} %: not one model",
                    remedy="build the engines again with --force; if they still differ, report it to the vendor",
                )
        if accuracy.correct != counted[first].correct:
            shown = ", ".join(f"Top{k} {percent(accuracy.top(k))} %" for k in (1, 5) if k in accuracy.places)
            notes.append(f"batch {batch} classifies slightly differently from batch {first}: {shown}")
    return notes


def metric_agreement(scored: Mapping[int, Sequence[Metric]]) -> list[str]:
    """Notes where batches differ in a metric of a task."""
    if not scored:
        return []
    first = min(scored)
    return [
        f"batch {batch}: {one.name} is {one.text}, and {other.text} at batch {first}"
        for batch, metrics in scored.items()
        for one, other in zip(metrics, scored[first], strict=True)
        if one.value != other.value
    ]
