"""Task ``segmentation``: the recipe's preprocessing, a class for each pixel, mean intersection over union."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from kit.data.presence import image_names
from kit.errors import InvalidInputError
from kit.inside.onnx_input import GraphValue
from kit.planning.step import External, Made, Step
from kit.planning.target import ImageSpec, Job
from kit.planning.task import TaskDraft
from kit.planning.tasksettings import MetricSettings, parse_settings
from kit.recipe.fields import Section
from kit.recipe.schema import Preprocess, Recipe
from kit.tasks.imagetask import ImageTask

__all__ = ["TASK", "Segmentation"]


class SegmentationSettings(Section):
    """``task -> segmentation``."""

    ignore: int = Field(255, ge=0, le=65535, description="Label of pixels that are not counted.")
    first_label: int = Field(
        0, ge=0, le=65535, description="Number of the first class in the masks; pixels of lower ones are not counted."
    )
    enlarge: Literal["nearest", "bilinear"] = Field(
        "nearest", description="How scores of another size than the mask are resized before the best is chosen."
    )
    threshold: float | None = Field(
        None, description="For one output of scores of class 1, of two classes: it is found above this."
    )
    metrics: dict[str, MetricSettings] = Field(default_factory=dict, description="Published values: mIoU, aAcc.")


class Segmentation(ImageTask):
    """Scores or a class per pixel, compared with masks named like the images."""

    name = "segmentation"
    settings = SegmentationSettings
    gives = ("mIoU", "aAcc")
    labels = "masks (a folder of .png files)"
    labels_folder = True

    def draft(self, outputs: Sequence[GraphValue], labels: Path | None, size: Sequence[int]) -> TaskDraft | None:
        """Where the labels are a folder, or the first output has a place for each pixel."""
        first, whole = outputs[0], "float" not in outputs[0].dtype
        shape = first.shape
        pixels = (len(shape) == 3 and whole) or (len(shape) == 4 and 1 not in shape[2:] and shape[-1] != 7)
        if len(shape) < 3 or not (pixels if labels is None else labels.is_dir()):
            return None
        single = len(shape) == 4 and shape[1] == 1 and not whole
        settings = {"ignore": 255} | ({"threshold": 0.5} if single else {})
        guess = "ignore is a guess" + (", and so is threshold: 0 where the graph has no sigmoid" if single else "")
        classes = 2 if single else shape[1] if len(shape) == 4 and shape[1] != 1 else None
        image = {"resize": list(size), "crop": list(size), "interpolation": "bilinear", "fit": None}
        return TaskDraft(settings, (first.name,), classes, image, guess)

    def check_preprocess(self, preprocess: Preprocess) -> None:
        """Whether the whole image is kept."""
        if preprocess.resize != preprocess.crop or preprocess.fit != "stretch":
            raise InvalidInputError(
                "preprocess: a class per pixel needs the whole image",
                remedy="set resize: [height, width] to the crop's size, and fit: stretch",
            )

    def _settings(self, recipe: Recipe) -> SegmentationSettings:
        return parse_settings(SegmentationSettings, recipe)

    def published(self, recipe: Recipe) -> Mapping[str, MetricSettings]:
        """``task -> segmentation -> metrics``."""
        return self._settings(recipe).metrics

    def check_data(self, recipe: Recipe, images: Path, labels: Path) -> None:
        """As many images as the recipe says, and a mask for each."""
        super().check_data(recipe, images, labels)
        masks = {path.stem for path in labels.glob("*.png") if path.name[0] != "."}
        odd = sorted(masks ^ {Path(name).stem for name in image_names(recipe.dataset, images)})
        if odd:
            raise InvalidInputError(
                f"images and masks do not pair: {', '.join(odd[:3])} {'are' if len(odd) > 1 else 'is'} in one only",
                where=str(labels),
                remedy="give one .png mask of the same name for each image",
            )

    def images(self, job: Job) -> Sequence[ImageSpec]:  # noqa: ARG002
        """None: kit's runtime image holds what it needs."""
        return ()

    def _words(self, recipe: Recipe) -> tuple[str, ...]:
        """Settings that are not the defaults, as options of the scoring program."""
        tree = self._settings(recipe).model_dump(exclude_defaults=True, include={"first_label", "enlarge", "threshold"})
        return tuple(word for name, one in tree.items() for word in (f"--{name.replace('_', '-')}", str(one)))

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
                    *self._words(job.recipe),
                    "--out", "{out}",
                ),
                outputs=("metrics.json",),
                inputs={"results": results["main"], "masks": External(job.labels)},
                code=("segmentation",),
            )
        ]  # fmt: skip


#: Found by the entry point: see pyproject.toml.
TASK = Segmentation()
