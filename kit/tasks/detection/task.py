"""Task ``detection``: the recipe's preprocessing, boxes from the model's outputs, mean average precision."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from kit.data.presence import image_names, inside_errors
from kit.errors import InvalidInputError
from kit.inside.labels import label_bytes, some, stem
from kit.inside.onnx_input import GraphValue
from kit.planning import common
from kit.planning.step import GIB, External, Limits, Made, Step
from kit.planning.target import ImageSpec, Job
from kit.planning.task import TaskDraft
from kit.planning.tasksettings import MetricSettings, parse_settings
from kit.recipe.fields import Section
from kit.recipe.schema import Preprocess, Recipe
from kit.resources import resource
from kit.storage.files import os_errors
from kit.tasks.detection.boxguess import guess_boxes
from kit.tasks.imagetask import ImageTask

__all__ = ["TASK", "Detection"]

_IMAGE = "coco"
Share = Annotated[float, Field(ge=0, le=1)]


class DetectionSettings(Section):
    """``task -> detection``."""

    outputs: Literal["rows", "pair", "lists", "found"] = Field(
        "rows",
        description="rows: one output; for each box four numbers, then a score per class. pair: two outputs, boxes and "
        "scores per class. Of a model that suppresses by itself: lists: three outputs, boxes, scores and labels; "
        "found: one output, for each box its columns.",
    )
    columns: tuple[Literal["image", "box", "score", "class"], ...] = Field(
        ("box", "score", "class"),
        description="What the numbers of a box are where outputs is found; box is four of them.",
    )
    boxes: Literal["xyxy", "yxyx", "xywh", "cxcywh"] = Field(
        "xyxy", description="Form of a box: corners, or left, top, width, height, or center, width, height."
    )
    normalized: bool = Field(
        False, description="Whether boxes are shares of the input's sides rather than pixels of it."
    )
    activation: Literal["none", "sigmoid", "softmax"] = Field(
        "none",
        description="What makes scores of the output's numbers, where the graph does not; softmax allows for a "
        "last class that means nothing.",
    )
    objectness: bool = Field(False, description="Whether rows have a score for a box as such before those per class.")
    score: Share = Field(
        0.001, description="Boxes with a lower score are dropped; a higher threshold lowers the metric."
    )
    iou: Share | None = Field(
        0.65, description="Overlap beyond which the worse box of a class is dropped; null: the model has done it."
    )
    most: int = Field(100, gt=0, le=10000, description="How many boxes are kept per image; COCO counts 100.")
    first_label: int = Field(0, ge=0, description="Number of the first class; scores before it are background.")
    labels: Literal["order", "ids"] = Field(
        "order",
        description="order: classes are numbered in the order of the categories' ids. ids: by the ids themselves.",
    )
    metrics: dict[str, MetricSettings] = Field(default_factory=dict, description="Published values: mAP, AP50.")


class Detection(ImageTask):
    """Boxes against COCO's annotations."""

    name = "detection"
    settings = DetectionSettings
    gives = ("mAP", "AP50")
    labels = "annotations (a COCO json)"

    def draft(self, outputs: Sequence[GraphValue], labels: Path | None, size: Sequence[int]) -> TaskDraft | None:
        """A guess after the shapes; COCO annotations tell the number of classes.

        Raises:
            InvalidInputError: annotations that list no category.
        """
        categories = None
        if labels is not None:
            if labels.suffix.lower() != ".json":
                return None
            categories = len(_annotations(labels)["categories"])
        return guess_boxes(outputs, categories, size)

    def check_data(self, recipe: Recipe, images: Path, labels: Path) -> None:
        """As many images as the recipe says, among them all of the annotations.

        Raises:
            MissingError, InvalidInputError: they are not there, or the annotations are of other images.
        """
        super().check_data(recipe, images, labels)
        there = {stem(name) for name in image_names(recipe.dataset, images)}
        listed = [str(one.get("file_name")) for one in _annotations(labels)["images"]]
        if absent := [name for name in listed if stem(name) not in there]:
            raise InvalidInputError(
                f"{len(absent)} of {len(listed)} images of the annotations are not in {images}: {some(absent)}",
                where=str(labels),
                remedy="complete the data set, or give the annotations of these images",
            )

    def check_preprocess(self, preprocess: Preprocess) -> None:
        """Whether the whole image is kept."""
        if preprocess.fit == "cover" or preprocess.resize != preprocess.crop:
            raise InvalidInputError(
                "preprocess: boxes need the whole image",
                remedy="set resize: [height, width] to the crop's size, and fit: stretch, or contain for a letterbox",
            )

    def check(self, recipe: Recipe) -> None:
        """Also as many outputs as their form has, and columns that tell a box.

        Raises:
            InvalidInputError: one sentence that names the place.
        """
        super().check(recipe)
        settings, named = self._settings(recipe), len(recipe.graph_outputs)
        needed = {"pair": 2, "lists": 3}.get(settings.outputs, 1)
        if named < needed:
            raise InvalidInputError(
                f"task -> detection -> outputs: {settings.outputs} are {needed} outputs, the recipe names {named}",
                remedy="name them in this order under outputs, in the place of output",
            )
        if sorted({*settings.columns, "image"}) != ["box", "class", "image", "score"] or len(
            set(settings.columns)
        ) < len(settings.columns):
            raise InvalidInputError(
                "task -> detection -> columns: box, score and class are needed, each once",
                remedy="name what each row holds, such as [box, score, class] or [image, class, score, box]",
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
        settings = self._settings(job.recipe)
        newer = settings.model_dump(exclude_defaults=True, include={"normalized", "activation", "labels"})
        columns = {"columns": settings.columns} if settings.outputs == "found" else {}
        form = settings.model_dump(exclude={"metrics", "columns", "normalized", "activation", "labels"})
        form |= newer | columns
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


def _annotations(path: Path) -> Mapping[str, Any]:
    """COCO annotations as they are; the scoring step looks at each of them.

    Raises:
        InvalidInputError: no JSON, or one that lists no images and categories.
    """
    with os_errors(path), inside_errors():
        text = label_bytes(str(path))
    try:
        tree: Mapping[str, Any] = json.loads(text)
        if all(isinstance(one, dict) for one in (*tree["categories"], *tree["images"])):
            return tree
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise InvalidInputError(
        "the annotations are not in COCO's form: they list no images and categories",
        where=str(path),
        remedy="give a COCO json, or the label file of a classifier",
    )


#: Found by the entry point: see pyproject.toml.
TASK = Detection()
