"""``task -> script`` of a recipe."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from kit.errors import InvalidInputError
from kit.inside.printed import COCO
from kit.planning.task import FileShapes, settings_of
from kit.recipe.fields import Line, Name, Positive, PositiveFloat, Section
from kit.recipe.schema import Recipe
from kit.results.metrics import Better, Unit

__all__ = [
    "InputForm", "KnownShapes", "MetricPattern", "OutputForm", "ScriptSettings", "ShapeRange", "script_settings",
]  # fmt: skip

#: Names of the ready-made patterns.
COCO_ROWS = tuple(COCO)


def _inner(path: str) -> str:
    if path.startswith("/") or ".." in path.split("/") or "\\" in path:
        raise ValueError(f"{path!r} points outside the working folder")
    return posixpath.normpath(path)


#: A path inside the working folder.
InnerPath = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,400}$"), AfterValidator(_inner)]
Word = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=4000)]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
Command = Annotated[tuple[Word, ...], Field(min_length=1)]
DType = Literal[
    "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool"
]
PerChannel = tuple[float, ...] | float


class MetricPattern(Section):
    """Where a number is in what the scripts print, and what it means."""

    find: Line | None = Field(
        None,
        description="Regular expression with one group, around the number; or a row of COCO's table, such as AP50.",
    )
    in_: InnerPath | None = Field(None, alias="in", description="File of the working folder instead of the output.")
    unit: Unit | None = Field(None, description="Unit as printed: kit does not guess it. COCO's rows are fractions.")
    better: Better = Field("higher", description="Which direction is better.")
    pick: Literal["only", "first", "last"] = Field(
        "only", description="Which one to take where different values are printed."
    )
    published: float | None = Field(None, description="The value that was published, in the same unit.")
    tolerance: PositiveFloat | None = Field(
        None, description="How far from the published value still counts as the same, in the same unit."
    )
    source: Line | None = Field(None, description="Where it was published.")

    @model_validator(mode="after")
    def _has_a_unit(self) -> Self:
        if self.find is not None and self.find not in COCO_ROWS:
            if self.unit is None:
                raise ValueError("unit: is missing; say what the script prints: percent, fraction, dB, px, mm or none")
            try:
                groups = re.compile(self.find, re.MULTILINE).groups
            except (re.error, RecursionError, OverflowError) as error:
                raise ValueError(f"find: is not a regular expression: {error}") from error
            if groups != 1:
                raise ValueError(f"find: has {groups} groups; put the number, alone, into one (...)")
        return self


class InputForm(Section):
    """A folder whose files are not what the graph takes: the chip would convert them, elsewhere kit does."""

    dtype: DType | None = Field(None, description="Type of the numbers in the files.")
    layout: Literal["NCHW", "NHWC"] | None = Field(None, description="Order of the axes in the files.")
    mean: PerChannel | None = Field(None, description="Subtracted from the numbers; one, or one per channel.")
    scale: PerChannel | None = Field(None, description="Multiplies what is left; one, or one per channel.")


class OutputForm(Section):
    """What the files of results are like."""

    format: Literal["bin", "txt", "npy"] = Field("bin", description="npy keeps shape and type.")
    batch_axis: Annotated[int, Field(ge=0, le=7)] = Field(0, description="Axis of the batch in the outputs.")
    dtype: dict[Annotated[int, Field(ge=0, le=255)], DType] = Field(
        default_factory=dict, description="Number of an output, and the type that the scripts expect in its files."
    )
    names: Literal["ais_bench", "benchmark", "msame"] = Field(
        "ais_bench", description="NAME_0 for the first output; benchmark had it NAME_1, and msame NAME_output_0."
    )


#: The shape of one sample; of a model with several inputs one for each, in the graph's order.
Sample = tuple[Positive, ...] | Annotated[tuple[tuple[Positive, ...], ...], Field(min_length=1)]


class ShapeRange(Section):
    """Sizes between two shapes."""

    min: Sample = Field(description="Smallest shape of a sample; of several inputs a list, one shape for each.")
    max: Sample = Field(description="Largest shape of a sample.")
    opt: Sample | None = Field(
        None, description="The shape that engines are tuned for and measured at; by default the largest."
    )


class KnownShapes(Section):
    """The shapes of files that differ: compilers must know them."""

    files: Annotated[
        Annotated[ShapeRange, Tag("[range]")]
        | Annotated[tuple[Sample, ...], Field(min_length=2, max_length=100), Tag("[list]")],
        Discriminator(lambda value: "[range]" if isinstance(value, dict | ShapeRange) else "[list]"),
    ] = Field(description="min, max and opt; or a list of all shapes, the first of which engines are measured at.")

    def of_inputs(self) -> FileShapes:
        """The bounds, with a shape for each input.

        Raises:
            ValueError: shapes of different length, or not in order.
        """
        if isinstance(self.files, ShapeRange):
            low, high = _each(self.files.min), _each(self.files.max)
            found = FileShapes(low, _each(self.files.opt) if self.files.opt else high, high)
        else:
            listed = tuple(_each(one) for one in self.files)
            if len(set(listed)) < len(listed):
                raise ValueError("names a shape twice")
            _same_ranks(listed)
            inputs = [list(zip(*one, strict=True)) for one in zip(*listed, strict=True)]  # input -> axis -> sizes
            low, high = (tuple(tuple(map(of, axes)) for axes in inputs) for of in (min, max))
            found = FileShapes(low, listed[0], high, listed)
        _same_ranks((found.low, found.best, found.high))
        for shapes in zip(found.low, found.best, found.high, strict=True):
            if any(not low <= best <= high for low, best, high in zip(*shapes, strict=True)):
                raise ValueError("min, opt and max are not in this order in each size")
        return found


def _each(sample: Sample) -> tuple[tuple[int, ...], ...]:
    several = tuple(one for one in sample if isinstance(one, tuple))
    return several or (tuple(one for one in sample if isinstance(one, int)),)


def _same_ranks(samples: Sequence[tuple[tuple[int, ...], ...]]) -> None:
    if len({tuple(map(len, one)) for one in samples}) > 1:
        raise ValueError("all shapes need the same number of inputs, and of sizes")


def _or_coco(schema: dict[str, Any]) -> None:
    """The short forms, for editors: ``metrics: coco`` and ``AP: coco``."""
    del schema["type"]
    forms = {names: {"anyOf": [{"const": "coco"}, form]} for names, form in schema.pop("patternProperties").items()}
    schema["anyOf"] = [{"const": "coco"}, {"type": "object", "patternProperties": forms}]


class ScriptSettings(Section):
    """The users' own programs, as argv lists: no shell reads them."""

    code: Line = Field(description="Folder of the scripts, relative to the recipe; it is copied to the working folder.")
    packages: Line | None = Field(
        None, description="Requirements file with versions and hashes of what the scripts import: a layer on the image."
    )
    environment: dict[Variable, Word] = Field(
        default_factory=dict, description="Variables of the programs' environment: NAME: value, such as {data}/val."
    )
    preprocess: tuple[Command, ...] = Field(
        (), description="Programs before inference, in order; [cd, FOLDER] is for those after it."
    )
    runs: dict[Name, Annotated[tuple[InnerPath, ...], Field(min_length=1)]] = Field(
        min_length=1, description="Run of the engine -> folders of the working folder, one per input of the graph."
    )
    postprocess: tuple[Command, ...] = Field((), description="Programs after inference, in order.")
    metrics: dict[Line, MetricPattern] = Field(
        min_length=1, description="Metric -> where it is printed; or coco.", json_schema_extra=_or_coco
    )
    shapes: Annotated[
        Annotated[Literal["fixed", "files"], Tag("[word]")] | Annotated[KnownShapes, Tag("[known]")],
        Discriminator(lambda value: "[known]" if isinstance(value, dict | KnownShapes) else "[word]"),
    ] = Field(
        "fixed",
        description="files: the shape of each .npy decides, one a call. Targets that compile need to know which: "
        "files: {min: [3, 320, 320], max: [3, 640, 640]}, or files: with a list of all shapes.",
    )
    samples: Literal["each", "batches"] = Field("each", description="batches: a file holds a whole batch.")
    inputs: dict[InnerPath, InputForm] = Field(default_factory=dict, description="Folder -> form of its files.")
    outputs: OutputForm = Field(OutputForm(), description="What the files of results are like.")
    links: dict[InnerPath, Line] = Field(
        default_factory=dict, description="Name in the working folder -> what it leads to, such as {data}/val2014."
    )
    data: Literal["read", "copy"] = Field("read", description="copy: the scripts write into the data set, into a copy.")
    files: dict[InnerPath, Line] = Field(
        default_factory=dict, description="Name in the working folder -> weights, model, or a path of the recipe."
    )
    seconds: PositiveFloat = Field(
        3600, description="Seconds that all programs before inference may take, and all after it."
    )
    max_gib: PositiveFloat = Field(50, description="How much they may write, in GiB.")
    memory_gib: Positive = Field(8, description="Memory of their containers, in GiB.")

    @field_validator("metrics", mode="before")
    @classmethod
    def _short_forms(cls, data: Any) -> Any:
        """``metrics: coco``, ``AP: coco``: rows of COCO's table by their names."""
        if data == "coco":
            data = dict.fromkeys(COCO_ROWS[:6], "coco")
        if isinstance(data, dict):
            return {name: {"find": name} if value == "coco" else value for name, value in data.items()}
        return data

    @property
    def known_shapes(self) -> FileShapes | None:
        """Which shapes the files have, where they have several and the recipe says which."""
        return self.shapes.of_inputs() if isinstance(self.shapes, KnownShapes) else None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name, metric in self.metrics.items():
            if metric.find is None and name not in COCO_ROWS:
                raise ValueError(f"metrics -> {name}: needs find, a regular expression with one group")
        folders = {folder for run in self.runs.values() for folder in run}
        for folder in self.inputs:
            if folder not in folders:
                raise ValueError(f"inputs -> {folder}: is not a folder of any run")
        if isinstance(self.shapes, KnownShapes):
            try:
                self.shapes.of_inputs()
            except ValueError as error:
                raise ValueError(f"shapes -> files: {error}") from error
        if not self.postprocess and not self.preprocess:
            raise ValueError("needs preprocess or postprocess: without programs nothing prints a metric")
        return self


def script_settings(recipe: Recipe) -> ScriptSettings:
    """The settings, checked.

    Raises:
        InvalidInputError: one sentence that names the place.
    """
    try:
        return ScriptSettings.model_validate(settings_of(recipe))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        # What begins so is the branch of a union, and no place in the recipe.
        parts = [str(part) for part in first["loc"] if not str(part).startswith(("[", "tuple["))]
        place = " -> ".join(["task", "script", *parts])
        text = str(first["ctx"]["error"]) if first["type"] == "value_error" else first["msg"]
        raise InvalidInputError(f"{place}: {text}", remedy="see docs/tasks.md for the form") from error
