"""The recipe's ``dataset`` and ``preprocess``: the images, their labels, and how an image becomes a tensor."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from kit.recipe.fields import Line, Positive, PositiveFloat, Real, Section

__all__ = ["Dataset", "Preprocess"]

Byte = Annotated[int, Field(ge=0, le=255, strict=True)]


class Preprocess(Section):
    """From an image file to a tensor."""

    library: Literal["pillow", "opencv"] = Field(
        "pillow", description="The library that decodes and resizes: their pixels differ."
    )
    color: Literal["RGB", "BGR", "GRAY"] = Field("RGB", description="Order of the channels; GRAY has one.")
    resize: tuple[Positive, Positive] | Positive = Field(
        description="Size after the resize: (height, width), or the shorter side as one number. For timm it is the "
        "input size divided by crop_pct, rounded down."
    )
    fit: Literal["stretch", "cover", "contain"] = Field(
        "stretch",
        description="How an image meets a resize of (height, width): stretch does not keep the aspect (timm: squash); "
        "cover keeps it and covers the size; contain keeps it and stays within (timm: border; letterbox), "
        "and the rest is filled with pad.",
    )
    pad: Byte | tuple[Byte, Byte, Byte] = Field(
        0, description="Grey value or color, in the order of color, of the border that fit: contain leaves."
    )
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming", "area"] = Field(
        description="Filter of the resize; box and hamming are Pillow's, area is OpenCV's."
    )
    crop: tuple[Positive, Positive] = Field((224, 224), description="(height, width) of the part in the middle.")
    scale: PositiveFloat = Field(255, description="Pixels are divided by it first.")
    mean: tuple[Real, ...] = Field(
        (0.485, 0.456, 0.406), min_length=1, max_length=3, description="Is subtracted then; one number per channel."
    )
    std: tuple[PositiveFloat, ...] = Field(
        (0.229, 0.224, 0.225), min_length=1, max_length=3, description="Divides what is left; one number per channel."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != self.channels:
                raise ValueError(f"{name}: has {len(values)} numbers, and color {self.color} has {self.channels}")
        known = {"pillow": {"area"}, "opencv": {"box", "hamming"}}[self.library]
        if self.interpolation in known:
            raise ValueError(f"interpolation: {self.library} has no {self.interpolation}")
        if isinstance(self.resize, int) and self.fit != "stretch":
            raise ValueError("fit: goes with a resize of (height, width); one number is the shorter side")
        sizes = (self.resize,) * 2 if isinstance(self.resize, int) else self.resize
        if self.fit != "contain" and (self.crop[0] > sizes[0] or self.crop[1] > sizes[1]):
            raise ValueError(f"crop: {list(self.crop)} is larger than what the resize leaves, {self.resize}")
        return self

    @property
    def channels(self) -> int:
        """Channels of the tensors."""
        return 1 if self.color == "GRAY" else 3


class Dataset(Section):
    """Images, and what is true about them."""

    name: Line = Field(description="Name for reports and messages.")
    url: Line | None = Field(None, description="Where one gets it.")
    license: Line | None = Field(None, description="Licence of the data set, for archives that take it along.")
    split: Line | None = Field(None, description="Which part of it, in words.")
    images: Line = Field(description="Folder of the images, relative to the recipe.")
    layout: Literal["flat", "folders"] = Field(
        "flat", description="flat: all images in the folder itself. folders: one subfolder per class."
    )
    labels: Line | None = Field(
        None,
        description="Label file, relative to the recipe. Without it, layout folders takes the rank of a subfolder's "
        "name, or its place in classes.",
    )
    labels_form: Literal["auto", "list", "csv", "ilsvrc", "loc", "coco"] = Field(
        "auto",
        description="Form of the label file. list: `name label` lines. csv: with or without a header. ilsvrc: the "
        "archive's ground truth, one label a line for the images in the order of their names. loc: its "
        "LOC_val_solution.csv. coco: annotations as JSON. auto: told from the file.",
    )
    first_label: Annotated[int, Field(ge=0, le=1 << 20, strict=True)] = Field(
        0, description="Number of the first class in the label file: 1 where it counts from 1."
    )
    classes: Line | None = Field(
        None,
        description="File with the names of the classes, one a line in the model's order (a line may begin with a "
        "WordNet id), where labels are names.",
    )
    synsets: Line | None = Field(
        None,
        description="File of WordNet ids in the order of the numbers of labels_form ilsvrc: the archive's own numbers "
        "are not those of models, whose classes are the sorted ids.",
    )
    count: Positive = Field(description="Images that a complete run has.")
