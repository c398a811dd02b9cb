"""What targets with a card and a vendor's compiler have in common: where the host's files are, names, and scores."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from kit.errors import InvalidInputError
from kit.planning.cardsteps import metrics_name
from kit.targets.batches import agreement, check_complete, metric_agreement, read_accuracy

if TYPE_CHECKING:
    from kit.planning.target import Job
    from kit.results.measurements import Accuracy
    from kit.results.metrics import Metric
    from kit.results.outputs import Outputs

__all__ = ["BatchScores", "files_prefix", "host_root", "image_name", "refuse_shapes"]


def host_root() -> Path:
    """Where the host's ``/dev``, ``/proc`` and ``/usr`` are: ``/``, or KIT_DEVICE_ROOT (tests and unusual hosts)."""
    return Path(os.environ.get("KIT_DEVICE_ROOT") or "/")


def image_name(name: str, version: str, default: str) -> str:
    """The image of a toolchain's version: several of them may be in one recipe; the default has the plain name."""
    return name if default.endswith(f" {version}") else f"{name}-{version.lower()}"


def files_prefix(target: str, batch: int) -> str:
    """What the names of a batch's steps over files begin with."""
    return f"{target}/bs{batch}-"


def refuse_shapes(job: Job) -> None:
    """Refuse a task whose files have several shapes: an engine is compiled for one.

    Raises:
        InvalidInputError: they have.
    """
    if job.file_task and job.file_task.form(job).shapes == "files":
        raise InvalidInputError(
            f"target {job.target} compiles one shape, and the task's files have several",
            remedy="let the script write files of one shape, or take target cpu",
        )


class BatchScores:
    """Accuracy, or the metrics of the task, by batch; those of the smallest batch count, the others must agree."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._counted: dict[int, Accuracy] = {}
        self._scored: dict[int, tuple[Metric, ...]] = {}

    def read(self, batch: int, outputs: Outputs) -> None:
        """Take what the steps of a batch counted.

        Raises:
            StepError: results are missing.
            DamagedError: a result file cannot be read.
        """
        job = self._job
        if job.file_task:
            self._scored[batch] = job.file_task.read(job, files_prefix(job.target, batch), outputs)
            return
        self._counted[batch] = read_accuracy(outputs, metrics_name(job.target, batch))
        check_complete(outputs, self._counted[batch], batch)

    @property
    def accuracy(self) -> Accuracy | None:
        """That of the smallest batch."""
        return self._counted[min(self._counted)] if self._counted else None

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Those of the smallest batch."""
        return self._scored[min(self._scored)] if self._scored else ()

    def notes(self) -> list[str]:
        """How far the batches agree.

        Raises:
            StepError: they do not, beyond the recipe's tolerance.
        """
        return [*agreement(self._job, self._counted), *metric_agreement(self._scored)]
