"""Task ``detection``: the recipe's preprocessing, boxes from the model's outputs, mean average precision."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from kit.errors import InvalidInputError
from kit.planning import common
from kit.planning.step import GIB, External, Limits, Made, Step
from kit.planning.target import ImageSpec, Job
from kit.planning.tasksettings import MetricSettings, parse_settings
from kit.recipe.fields import Section
from kit.recipe.schema import Preprocess, Recipe
from kit.resources import resource
from kit.tasks.imagetask import ImageTask

__all__ = ["TASK", "Detection"]

_IMAGE = "coco"
Share = Annotated[float, Field(ge=0, le=1)]


class DetectionSettings(Section):
    """``task -> detection``."""

    outputs: Literal["rows", "lists"] = Field(
        "rows",
        description="rows: one output; for each box four numbers, then a score per class. lists: three outputs, boxes, "
        "scores and labels, of a model that suppresses by itself.",
    )
    boxes: Literal["xyxy", "cxcywh"] = Field("xyxy", description="Form of a box, in pixels of the model's input.")
    objectness: bool = Field(False, description="Whether rows have a score for a box as such before those per class.")
    score: Share = Field(
        0.001, description="Boxes with a lower score are dropped; a higher threshold lowers the metric."
    )
    iou: Share | None = Field(
        0.65, description="Overlap beyond which the worse box of a class is dropped; null: the model has done it."
    )
    most: int = Field(100, gt=0, le=10000, description="How many boxes are kept per image; COCO counts 100.")
    first_label: int = Field(0, ge=0, description="Number of the first class in the labels of lists.")
    metrics: dict[str, MetricSettings] = Field(default_factory=dict, description="Published values: mAP, AP50.")


class Detection(ImageTask):
    """Boxes against COCO's annotations."""

    name = "detection"
    settings = DetectionSettings
    gives = ("mAP", "AP50")
    labels = "annotations (a COCO json)"

    def check_preprocess(self, preprocess: Preprocess) -> None:
        """Whether the whole image is kept."""
        if preprocess.fit == "cover" or preprocess.resize != preprocess.crop:
            raise InvalidInputError(
                "preprocess: boxes need the whole image",
                remedy="set resize: [height, width] to the crop's size, and fit: stretch, or contain for a letterbox",
            )

    def _settings(self, recipe: Recipe) -> DetectionSettings:
        return parse_settings(DetectionSettings, recipe)

    def published(self, recipe: Recipe) -> Mapping[str, MetricSettings]:
        """``task -> detection -> metrics``."""
        return self._settings(recipe).metrics

    def images(self, job: Job) -> Sequence[ImageSpec]:  # noqa: ARG002
        """The runtime image with pycocotools."""
        return (ImageSpec(_IMAGE, resource("images") / _IMAGE, base="runtime"),)

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


#: Found by the entry point: see pyproject.toml.
TASK = Detection()
