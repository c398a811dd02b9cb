"""Task ``classification``: what a recipe without ``task`` means. Targets preprocess, infer and count by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kit.errors import InvalidInputError
from kit.planning.step import Made, Step
from kit.planning.target import ImageSpec, Job
from kit.planning.task import FileForm, FileRun, settings_of
from kit.recipe.schema import Recipe
from kit.results.metrics import Declaration, Metric
from kit.results.outputs import Outputs

__all__ = ["TASK", "Classification"]


class Classification:
    """One row of scores per image; the classes with the highest scores count."""

    name = "classification"
    counts_classes = True
    settings = None

    def check(self, recipe: Recipe) -> None:
        """It has no settings, and needs labels and a preprocessing."""
        if settings_of(recipe):
            raise InvalidInputError("task -> classification: has no settings", remedy="leave them out")
        if recipe.preprocess is None:
            remedy = "say how an image becomes a tensor, or choose task: script"
            raise InvalidInputError("preprocess: is missing", remedy=remedy)
        if recipe.dataset.labels is None and recipe.dataset.layout == "flat":
            raise InvalidInputError(
                "dataset -> labels: is missing; only layout folders tells the classes without it",
                remedy="name the label file",
            )

    def check_data(self, recipe: Recipe, images: Path, labels: Path) -> None:
        """The core checks images and label file."""

    def metrics(self, recipe: Recipe) -> Sequence[Declaration]:  # noqa: ARG002
        """None: Top1 to Top5 are the results' ``accuracy``."""
        return ()

    def images(self, job: Job) -> Sequence[ImageSpec]:  # noqa: ARG002
        """None: kit's runtime image holds what it needs."""
        return ()

    def prepare(self, job: Job) -> Sequence[Step]:  # noqa: ARG002
        """Nothing: the targets preprocess."""
        return ()

    def runs(self, job: Job) -> Sequence[FileRun]:  # noqa: ARG002
        """None: the targets take the images."""
        return ()

    def form(self, job: Job) -> FileForm:  # noqa: ARG002
        """Not used: the targets count scores in the form that their tools have."""
        return FileForm()

    def score(self, job: Job, prefix: str, results: Mapping[str, Made]) -> Sequence[Step]:  # noqa: ARG002
        """Nothing: the targets count."""
        return ()

    def read(self, job: Job, prefix: str, outputs: Outputs) -> tuple[Metric, ...]:  # noqa: ARG002
        """Nothing: Top1 to Top5 are the results' ``accuracy``."""
        return ()


#: Found by the entry point: see pyproject.toml.
TASK = Classification()
