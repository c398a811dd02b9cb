"""Task ``detection``: the recipe's preprocessing, boxes from the model's outputs, mean average precision."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from kit.data.presence import image_names
from kit.errors import InvalidInputError, MissingError
from kit.planning import common
from kit.planning.step import GIB, External, Limits, Made, Step
from kit.planning.target import ImageSpec, Job
from kit.planning.task import FileForm, FileRun, InputFiles
from kit.planning.tasksettings import MetricSettings, parse_settings
from kit.recipe.fields import Section
from kit.recipe.schema import Recipe
from kit.resources import resource
from kit.results.metrics import Declaration, Metric
from kit.results.outputs import Outputs
from kit.results.scored import read_metrics

__all__ = ["TASK", "Detection"]

_METRICS = ("mAP", "AP50")
_IMAGE = "coco"
Share = Annotated[float, Field(ge=0, le=1)]


class _DetectionSettings(Section):
    """``task -> detection``."""

    outputs: Literal["rows", "lists"] = Field(
        "rows",
        description="rows: one output; for each box four numbers, then a score per class. lists: three outputs, boxes, "
        "scores and labels, of a model that suppresses by itself.",
    )
    boxes: Literal["xyxy", "cxcywh"] = Field("xyxy", description="Form of a box, in pixels of the model's input.")
    objectness: bool = Field(False, description="Whether rows have a score for a box as such before those per class.")
    score: Share = Field(0.001, description="Boxes below are dropped; a higher threshold lowers the metric.")
    iou: Share | None = Field(
        0.65, description="Overlap beyond which the worse box of a class is dropped; null: the model has done it."
    )
    most: int = Field(100, gt=0, le=10000, description="Boxes of an image that are kept; COCO counts 100.")
    first_label: int = Field(0, ge=0, description="Number of the first class in the labels of lists.")
    metrics: dict[str, MetricSettings] = Field(default_factory=dict, description="Published values: mAP, AP50.")


class Detection:
    """Boxes against COCO's annotations."""

    name = "detection"
    counts_classes = False

    def check(self, recipe: Recipe) -> None:
        """Settings, a preprocessing that keeps the whole image, and annotations."""
        for name in self._settings(recipe).metrics:
            if name not in _METRICS:
                raise InvalidInputError(
                    f"task -> detection -> metrics -> {name}: there is no such metric",
                    remedy=f"choose among {', '.join(_METRICS)}",
                )
        if recipe.dataset.labels is None:
            raise InvalidInputError("dataset -> labels: is missing", remedy="name the annotations, a COCO json")
        if recipe.preprocess is None:
            raise InvalidInputError("preprocess: is missing", remedy="say how an image becomes a tensor")
        whole = recipe.preprocess.fit != "cover" and recipe.preprocess.resize == recipe.preprocess.crop
        if not whole:
            raise InvalidInputError(
                "preprocess: boxes need the whole image",
                remedy="set resize: [height, width] to the crop's size, and fit: stretch, or contain for a letterbox",
            )

    def _settings(self, recipe: Recipe) -> _DetectionSettings:
        return parse_settings(_DetectionSettings, recipe)

    def check_data(self, recipe: Recipe, images: Path, labels: Path) -> None:
        """As many images as the recipe says, and annotations that list them."""
        if not labels.is_file():
            raise MissingError(
                "there are no annotations", where=str(labels), remedy="correct dataset -> labels, or use --labels"
            )
        names = image_names(recipe.dataset, images)
        if len(names) != recipe.dataset.count:
            raise InvalidInputError(
                f"the data set has {len(names)} images, the recipe says {recipe.dataset.count}",
                where=str(images),
                remedy="complete the data set, or correct dataset -> count in the recipe",
            )

    def metrics(self, recipe: Recipe) -> Sequence[Declaration]:
        """Two fractions."""
        given = self._settings(recipe).metrics
        return [given.get(name, MetricSettings()).declare(name, "fraction") for name in _METRICS]

    def images(self, job: Job) -> Sequence[ImageSpec]:  # noqa: ARG002
        """The runtime image with pycocotools."""
        return (ImageSpec(_IMAGE, resource("images") / _IMAGE, base="runtime"),)

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
        """Boxes, suppression, COCO's evaluation."""
        form = self._settings(job.recipe).model_dump(exclude={"metrics"})
        return [
            Step(
                name=f"{prefix}score",
                stage="metrics",
                title="COCO mAP",
                image=_IMAGE,
                argv=(
                    "python3", "-m", "inside.detection",
                    "--results", "{in:results}/result",
                    "--annotations", "{in:annotations}",
                    "--preprocess", common.preprocess_json(job),
                    "--form", json.dumps(form, sort_keys=True, separators=(",", ":")),
                    "--out", "{out}",
                ),
                outputs=("metrics.json", "detections.json", "table.txt"),
                inputs={"results": results["main"], "annotations": External(job.labels)},
                code=("detection",),
                limits=Limits(memory_bytes=8 * GIB),
            )
        ]  # fmt: skip

    def read(self, job: Job, prefix: str, outputs: Outputs) -> tuple[Metric, ...]:  # noqa: ARG002
        """MAP and AP50."""
        return read_metrics(outputs, f"{prefix}score")


#: Found by the entry point: see pyproject.toml.
TASK = Detection()
