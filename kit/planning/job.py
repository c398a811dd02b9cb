"""What plans are made from: a job, its task, and the images and devices of a target. Pure data.

A task says what a model does: what is done before and after inference, and how good the result is. A target runs the
model and knows nothing of that: it takes images by the recipe's preprocessing where the task counts classes, and
otherwise folders of tensor files, and gives folders of tensor files back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from pydantic import BaseModel

from kit.planning.step import Devices, Made, Step
from kit.recipe.schema import Recipe
from kit.results.metrics import Declaration, Metric
from kit.results.outputs import Outputs

__all__ = ["DeviceAccess", "FileForm", "FileRun", "FileShapes", "ImageSpec", "InputFiles", "Job", "Task"]


@dataclass(frozen=True)
class ImageSpec:
    """An image to build: a folder with a Dockerfile, its ARGs, and the image that it starts from."""

    name: str  # kit/<name>:<context digest>
    folder: Path
    args: Mapping[str, str] = field(default_factory=dict)
    base: str | None = None  # a reference, or the name of another ImageSpec
    files: Path | None = None  # folder of vendor packages that the user filled, added to the build context
    code: tuple[str, ...] = ()  # folders of the package that belong into the build context
    requirements: Path | None = None  # the recipe's file whose text an ARG is


@dataclass(frozen=True)
class DeviceAccess:
    """How a container of this host reaches the accelerator: looked up before planning, because planning is pure.

    ``present`` is false where this host has no such device; a plan can be printed all the same.
    """

    devices: Devices = field(default_factory=Devices)
    environment: Mapping[str, str] = field(default_factory=dict)
    present: bool = False


@dataclass(frozen=True)
class Job:
    """What a target plans from: the recipe's part that concerns it, and what the command line chose."""

    recipe: Recipe
    target: str
    batches: tuple[int, ...]
    weights: Path
    images: Path
    labels: Path
    simulate: bool = False
    device: int = 0
    options: Mapping[str, object] = field(default_factory=dict)
    access: DeviceAccess = field(default_factory=DeviceAccess)
    task: Task | None = None  # None: the one that counts classes
    devices: tuple[int, ...] = ()  # of one card, measured at once as well; with shards those that parts take in turn
    shards: int = 1  # parts that the data set is cut into
    shard_access: tuple[DeviceAccess, ...] = ()  # of ``devices``, where there are shards

    @property
    def file_task(self) -> Task | None:
        """The task, where it wants inference over files of tensors and not over the images themselves."""
        return None if self.task is None or self.task.counts_classes else self.task

    @property
    def shard_jobs(self) -> tuple[Job, ...]:
        """The job on each device that the shards take in turn."""
        numbers = self.devices or (self.device,)
        known = self.shard_access or (self.access,) * len(numbers)
        return tuple(
            replace(self, device=device, devices=(), access=access)
            for device, access in zip(numbers, known, strict=True)
        )

    @property
    def hardware(self) -> str:
        """Name of the installed target; ``target`` is the recipe's name of it, which also names the steps."""
        return self.recipe.hardware_of(self.target)

    @property
    def toolchain(self) -> str | None:
        """What the recipe states, such as ``CANN 9.0.1``; None where the target's own is meant."""
        return self.recipe.toolchain_of(self.target)


@dataclass(frozen=True)
class InputFiles:
    """The files of one input of the graph; ``dtype`` and the rest only where they are not what the graph takes."""

    folder: Made
    shape: tuple[int, ...] | None = None  # of one sample
    dtype: str | None = None
    layout: Literal["NCHW", "NHWC"] | None = None
    mean: tuple[float, ...] | float | None = None
    scale: tuple[float, ...] | float | None = None


@dataclass(frozen=True)
class FileRun:
    """One run of the engine over the data set: a folder for each input of the graph; the folders pair by position."""

    name: str
    inputs: tuple[InputFiles, ...]


@dataclass(frozen=True)
class FileShapes:
    """Shapes of one sample that files may have, for compilers that must know them; one per input, in the graph's order.

    ``listed`` holds all of them, if the recipe lists them; otherwise any size between ``low`` and ``high`` may
    come. ``best`` is what an engine is tuned for and measured at.
    """

    low: tuple[tuple[int, ...], ...]
    best: tuple[tuple[int, ...], ...]
    high: tuple[tuple[int, ...], ...]
    listed: tuple[tuple[tuple[int, ...], ...], ...] = ()


@dataclass(frozen=True)
class FileForm:
    """What the files of results are like, on every target the same."""

    format: Literal["bin", "txt", "npy"] = "bin"
    batch_axis: int = 0
    dtype: Mapping[str, str] = field(default_factory=dict)  # number of the output -> type
    names: Literal["ais_bench", "benchmark", "msame"] = "ais_bench"
    shapes: Literal["fixed", "files"] = "fixed"
    known: FileShapes | None = None  # with ``files``, where the recipe says which


class Task(Protocol):
    """One folder under ``tasks/``, or in another package."""

    name: str
    #: Whether a result is one row of scores per image, of which the best classes count: then a target may preprocess
    #: while it infers, and :meth:`runs` is empty.
    counts_classes: bool
    #: The form of its settings, for `kit schema`; None where it has none.
    settings: type[BaseModel] | None

    def check(self, recipe: Recipe) -> None:
        """Check the task's settings, and what else of the recipe it needs.

        Raises:
            InvalidInputError: one sentence that names the place.
        """

    def check_data(self, recipe: Recipe, images: Path, labels: Path) -> None:
        """Check the data before anything long starts; not called where classes are counted.

        Raises:
            MissingError, InvalidInputError: it is not there, or not what the recipe says.
        """

    def metrics(self, recipe: Recipe) -> Sequence[Declaration]:
        """The metrics that it gives, but for Top1 to Top5."""

    def images(self, job: Job) -> Sequence[ImageSpec]:
        """Images that its steps name."""

    def prepare(self, job: Job) -> Sequence[Step]:
        """Steps before inference. Pure."""

    def runs(self, job: Job) -> Sequence[FileRun]:
        """What the engine runs on: outputs of :meth:`prepare`."""

    def form(self, job: Job) -> FileForm:
        """What the files of results must be like."""

    def score(self, job: Job, prefix: str, results: Mapping[str, Made]) -> Sequence[Step]:
        """Steps after inference.

        Args:
            job: the job.
            prefix: begins the names of the steps, such as ``cpu/``.
            results: run -> the step that holds its ``result`` and ``result_summary.json``.
        """

    def read(self, job: Job, prefix: str, outputs: Outputs) -> tuple[Metric, ...]:
        """The metrics, from the output folders by step name."""
