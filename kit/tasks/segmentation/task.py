"""Task ``segmentation``: the recipe's preprocessing, a class for each pixel, mean intersection over union."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import Field

from kit.data.presence import image_names
from kit.errors import InvalidInputError, MissingError
from kit.planning import common
from kit.planning.step import External, Made, Step
from kit.planning.target import ImageSpec, Job
from kit.planning.task import FileForm, FileRun, InputFiles
from kit.planning.tasksettings import MetricSettings, parse_settings
from kit.recipe.fields import Section
from kit.recipe.schema import Recipe
from kit.results.metrics import Declaration, Metric
from kit.results.outputs import Outputs
from kit.results.scored import read_metrics

__all__ = ["TASK", "Segmentation"]

_METRICS = ("mIoU", "aAcc")


class _SegmentationSettings(Section):
    """``task -> segmentation``."""

    ignore: int = Field(255, ge=0, le=65535, description="Label of the pixels that nobody counts.")
    metrics: dict[str, MetricSettings] = Field(default_factory=dict, description="Published values: mIoU, aAcc.")


class Segmentation:
    """Scores or a class per pixel, against masks of the images' names."""

    name = "segmentation"
    counts_classes = False

    def check(self, recipe: Recipe) -> None:
        """Settings, a preprocessing that keeps the whole image, and masks."""
        settings = self._settings(recipe)
        for name in settings.metrics:
            if name not in _METRICS:
                raise InvalidInputError(
                    f"task -> segmentation -> metrics -> {name}: there is no such metric",
                    remedy=f"choose among {', '.join(_METRICS)}",
                )
        if recipe.dataset.labels is None:
            raise InvalidInputError("dataset -> labels: is missing", remedy="name the folder of the .png masks")
        if recipe.preprocess is None:
            raise InvalidInputError("preprocess: is missing", remedy="say how an image becomes a tensor")
        if recipe.preprocess.resize != recipe.preprocess.crop or recipe.preprocess.fit != "stretch":
            raise InvalidInputError(
                "preprocess: a class per pixel needs the whole image",
                remedy="set resize: [height, width] to the crop's size, and fit: stretch",
            )

    def _settings(self, recipe: Recipe) -> _SegmentationSettings:
        return parse_settings(_SegmentationSettings, recipe)

    def check_data(self, recipe: Recipe, images: Path, labels: Path) -> None:
        """As many images as the recipe says, and a mask for each."""
        if not labels.is_dir():
            raise MissingError(
                "there is no folder of masks", where=str(labels), remedy="correct dataset -> labels, or use --labels"
            )
        names = image_names(recipe.dataset, images)
        if len(names) != recipe.dataset.count:
            raise InvalidInputError(
                f"the data set has {len(names)} images, the recipe says {recipe.dataset.count}",
                where=str(images),
                remedy="complete the data set, or correct dataset -> count in the recipe",
            )
        masks = {path.stem for path in labels.glob("*.png") if path.name[0] != "."}
        odd = sorted(masks ^ {Path(name).stem for name in names})
        if odd:
            raise InvalidInputError(
                f"images and masks do not pair: {', '.join(odd[:3])} {'are' if len(odd) > 1 else 'is'} in one only",
                where=str(labels),
                remedy="give one .png mask of the same name for each image",
            )

    def metrics(self, recipe: Recipe) -> Sequence[Declaration]:
        """Two fractions."""
        given = self._settings(recipe).metrics
        return [given.get(name, MetricSettings()).declare(name, "fraction") for name in _METRICS]

    def images(self, job: Job) -> Sequence[ImageSpec]:  # noqa: ARG002
        """None: kit's runtime image holds what it needs."""
        return ()

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

    def score(self, job: Job, prefix: str, results: Mapping[str, Made]) -> Sequence[Step]:
        """The confusion matrix over all images."""
        return [
            Step(
                name=f"{prefix}score",
                stage="metrics",
                title="mIoU",
                image="runtime",
                argv=(
                    "python3", "-m", "inside.segmentation",
                    "--results", "{in:results}/result",
                    "--masks", "{in:masks}",
                    "--classes", str(job.recipe.model.classes),
                    "--ignore", str(self._settings(job.recipe).ignore),
                    "--out", "{out}",
                ),
                outputs=("metrics.json",),
                inputs={"results": results["main"], "masks": External(job.labels)},
                code=("segmentation",),
            )
        ]  # fmt: skip

    def read(self, job: Job, prefix: str, outputs: Outputs) -> tuple[Metric, ...]:  # noqa: ARG002
        """MIoU and aAcc with their intervals."""
        return read_metrics(outputs, f"{prefix}score")


#: Found by the entry point: see pyproject.toml.
TASK = Segmentation()
