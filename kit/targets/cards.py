"""What targets with a card and a vendor's compiler share: the host's files and tools, checks, names, and scores."""

from __future__ import annotations

import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from kit.doctor import Check, Finding
from kit.errors import DeviceError, Exit, InvalidInputError, KitError
from kit.planning.cardsteps import SIMULATED, metrics_name
from kit.planning.target import ImageSpec, Job
from kit.planning.task import FileShapes
from kit.resources import resource
from kit.results.measurements import Accuracy
from kit.results.metrics import Metric
from kit.results.outputs import Outputs
from kit.targets.batches import agreement, check_complete, metric_agreement, read_accuracy
from kit.toollogs.messages import Fault, explain

__all__ = [
    "BatchScores", "CardTarget", "ask_tool", "files_prefix", "host_root", "image_name", "known_shapes", "shape_notes",
]  # fmt: skip

#: Seconds within which a vendor's tool on the host has to answer.
_ANSWER_S = 30


def host_root() -> Path:
    """Where the host's ``/dev``, ``/proc`` and ``/usr`` are: ``/``, or KIT_DEVICE_ROOT (tests and unusual hosts)."""
    return Path(os.environ.get("KIT_DEVICE_ROOT") or "/")


class CardTarget(ABC):
    """What a rehearsal, doctor and the engine's messages about devices mean is alike for all cards."""

    takes_shards = True
    #: Doctor's checks by name, function and exit code.
    doctor: ClassVar[Sequence[tuple[str, Callable[[Job], Finding], Exit]]]
    #: What the engine says when it cannot start a container with the device.
    start_faults: ClassVar[Sequence[Fault]]

    @abstractmethod
    def image(self, job: Job) -> ImageSpec:
        """The image with the vendor's tools."""

    def images(self, job: Job) -> Sequence[ImageSpec]:
        """The image with the vendor's tools; for a rehearsal the one with the stand-ins."""
        if job.simulate:
            return (ImageSpec(SIMULATED, resource("images") / SIMULATED, base="runtime", code=("simulated",)),)
        return (self.image(job),)

    def checks(self, job: Job) -> Sequence[Check]:
        """None for a rehearsal, which needs neither card nor packages."""
        return [] if job.simulate else [Check(name, partial(check, job), code) for name, check, code in self.doctor]

    def explain(self, message: str) -> KitError | None:
        """What the engine's message about a container of this target means, if it is the vendor's runtime's."""
        return explain(self.start_faults, message)


def ask_tool(program: str, *arguments: str, faults: Sequence[Fault]) -> str:
    """What a vendor's tool on the host prints.

    Raises:
        DeviceError: it does not answer, prints a known fault, or fails.
    """
    name = Path(program).name
    try:
        done = subprocess.run(
            [program, *arguments], capture_output=True, timeout=_ANSWER_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeviceError(
            f"{name} does not answer: {error}", remedy="load the driver again, or restart the host"
        ) from error
    text = done.stdout.decode("utf-8", "replace")
    if known := explain(faults, text, done.stderr.decode("utf-8", "replace")):
        raise known
    if done.returncode:
        raise DeviceError(f"{name} ended with exit code {done.returncode}", remedy="check the driver")
    return text


def image_name(name: str, version: str, default: str) -> str:
    """The image of a toolchain's version: several of them may be in one recipe; the default has the plain name."""
    return name if default.endswith(f" {version}") else f"{name}-{version.lower()}"


def files_prefix(target: str, batch: int) -> str:
    """What the names of a batch's steps over files begin with."""
    return f"{target}/bs{batch}-"


def known_shapes(job: Job) -> FileShapes | None:
    """The shapes of the task's files, for a compiler; None where all files have the recipe's shape.

    Raises:
        InvalidInputError: they have several, and the recipe does not say which.
    """
    form = job.file_task.form(job) if job.file_task else None
    if form and form.shapes == "files" and not form.known:
        raise InvalidInputError(
            f"task -> {job.recipe.task_name} -> shapes: target {job.target} compiles for fixed shapes,"
            " and the recipe does not state those of the files",
            remedy="write them: shapes: {files: {min: [3, 320, 320], max: [3, 640, 640]}}, or a list of all;"
            " target cpu needs none",
        )
    return form.known if form else None


def shape_notes(job: Job) -> list[str]:
    """Notes for the report about rates where files have several shapes."""
    known = known_shapes(job)
    if known is None:
        return []
    shown = " and ".join("x".join(map(str, shape)) for shape in known.best)
    return [f"the files have several shapes; rates on made-up input are those of {shown}"]


class BatchScores:
    """Accuracy, or the metrics of the task, by batch; the smallest batch counts, the others must agree with it."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._counted: dict[int, Accuracy] = {}
        self._scored: dict[int, tuple[Metric, ...]] = {}

    def read(self, batch: int, outputs: Outputs) -> None:
        """Read what the steps of a batch counted.

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
        """The accuracy at the smallest batch."""
        return self._counted[min(self._counted)] if self._counted else None

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics at the smallest batch."""
        return self._scored[min(self._scored)] if self._scored else ()

    def notes(self) -> list[str]:
        """Notes on how far the batches agree.

        Raises:
            StepError: they do not, beyond the recipe's tolerance.
        """
        return [*agreement(self._job, self._counted), *metric_agreement(self._scored)]
