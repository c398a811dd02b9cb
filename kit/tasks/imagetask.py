"""What tasks share that see the recipe's images one by one, through the recipe's own preprocessing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from kit.data.presence import complete_names
from kit.errors import InvalidInputError, MissingError
from kit.planning import common
from kit.planning.step import Made, Step
from kit.planning.target import Job
from kit.planning.task import FileForm, FileRun, InputFiles
from kit.planning.tasksettings import MetricSettings
from kit.recipe.fields import Section
from kit.recipe.schema import Preprocess, Recipe
from kit.results.metrics import Declaration, Metric
from kit.results.outputs import Outputs
from kit.results.scored import read_metrics

__all__ = ["ImageTask"]


class ImageTask(ABC):
    """One tensor for each image goes in, and the outputs are kept as files for one scoring step."""

    name: ClassVar[str]
    counts_classes = False
    settings: ClassVar[type[Section]]
    #: Fractions that the scoring step gives, the first one first.
    gives: ClassVar[tuple[str, ...]]
    #: What the labels are, as a person says it, and whether they are a folder.
    labels: ClassVar[str]
    labels_folder: ClassVar[bool] = False

    @abstractmethod
    def published(self, recipe: Recipe) -> Mapping[str, MetricSettings]:
        """What the task's settings say of its metrics."""

    @abstractmethod
    def score(self, job: Job, prefix: str, results: Mapping[str, Made]) -> Sequence[Step]:
        """The scoring step, named ``<prefix>score``."""

    def check(self, recipe: Recipe) -> None:
        """Settings of known metrics only, labels, and a preprocessing.

        Raises:
            InvalidInputError: one sentence that names the place.
        """
        for name in self.published(recipe):
            if name not in self.gives:
                raise InvalidInputError(
                    f"task -> {self.name} -> metrics -> {name}: there is no such metric",
                    remedy=f"choose among {', '.join(self.gives)}",
                )
        if recipe.dataset.labels is None:
            raise InvalidInputError("dataset -> labels: is missing", remedy=f"name the {self.labels}")
        if recipe.preprocess is None:
            remedy = "say how an image becomes a tensor, or choose task: script"
            raise InvalidInputError("preprocess: is missing", remedy=remedy)
        self.check_preprocess(recipe.preprocess)

    def check_preprocess(self, preprocess: Preprocess) -> None:  # noqa: B027 - any will do for most
        """Whether the preprocessing keeps what the task needs; anything does, unless a task says otherwise."""

    def check_data(self, recipe: Recipe, images: Path, labels: Path) -> None:
        """As many images as the recipe says, and labels.

        Raises:
            MissingError, InvalidInputError: they are not there, or not what the recipe says.
        """
        if not (labels.is_dir() if self.labels_folder else labels.is_file()):
            raise MissingError(
                f"there are no {self.labels}", where=str(labels), remedy="correct dataset -> labels, or use --labels"
            )
        complete_names(recipe.dataset, images)

    def metrics(self, recipe: Recipe) -> Sequence[Declaration]:
        """Fractions, of which more is better."""
        given = self.published(recipe)
        return [given.get(name, MetricSettings()).declare(name, "fraction") for name in self.gives]

    def prepare(self, job: Job) -> Sequence[Step]:
        """The recipe's preprocessing, to files."""
        return [common.preprocess(job)]

    def runs(self, job: Job) -> Sequence[FileRun]:
        """One, over the preprocessed images."""
        tensors = Made(common.TENSORS, common.TENSOR_FILES)
        return [FileRun("main", (InputFiles(tensors, shape=job.recipe.input.shape),))]

    def form(self, job: Job) -> FileForm:  # noqa: ARG002
        """NumPy files, which keep the shape."""
        return FileForm("npy")

    def read(self, job: Job, prefix: str, outputs: Outputs) -> tuple[Metric, ...]:  # noqa: ARG002
        """What the scoring step counted, with its intervals."""
        return read_metrics(outputs, f"{prefix}score")
