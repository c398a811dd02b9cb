"""``kit.yaml`` as typed models; an error names its place in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from kit.errors import DamagedError, InvalidInputError, MissingError
from kit.recipe.dataset import Dataset, Preprocess
from kit.recipe.fields import Key, Line, Name, Percent, Positive, PositiveFloat, Section, TensorName, Text, safe_url
from kit.recipe.model import GraphInput, Model, Weights
from kit.recipe.sentences import sentence
from kit.recipe.signer import Signer
from kit.recipe.yamlfile import DocumentError, load_yaml
from kit.results.conditions import ConditionName, Conditions
from kit.storage.inputs import read_input

__all__ = [
    "Bench",
    "Comparison",
    "Dataset",
    "GraphInput",
    "Model",
    "Preprocess",
    "Published",
    "PublishedAccuracy",
    "PublishedThroughput",
    "Recipe",
    "TargetEntry",
    "Text",
    "Tolerance",
    "Weights",
    "load_recipe",
    "safe_url",
]

#: A recipe is written by hand: anything larger is not one.
MAX_BYTES = 1 << 18


Digits = Annotated[int, Field(ge=0, le=12)]


class Bench(Section):
    """How throughput is measured where kit itself measures."""

    warmup: Annotated[int, Field(ge=0)] = Field(
        10, description="Calls of each batch before the clock starts, at least."
    )
    repeats: Positive = Field(10, description="Rounds through all batches, at least.")
    seconds: PositiveFloat = Field(0.5, description="Length of each batch in each round, at least.")
    limit: PositiveFloat = Field(300.0, description="Seconds after which no further round begins.")
    precision: Annotated[float, Field(gt=0, lt=100)] = Field(
        1.0, description="Percent: rounds end when half of the confidence interval of every batch is narrower."
    )
    threads: Annotated[int, Field(ge=0)] = Field(0, description="0: all cores that the process may use.")


class Tolerance(Section):
    """What still counts as the same."""

    parity_max_abs: PositiveFloat = Field(1e-3, description="ONNX against PyTorch, scaled by the largest logit.")
    parity_cosine: Annotated[float, Field(gt=0, le=1)] = Field(
        0.9999, description="Cosine between the outputs of ONNX and PyTorch, of the worst sample."
    )
    parity_top1: Annotated[float, Field(gt=0, le=1)] = Field(0.99, description="Share of samples with the same Top1.")
    accuracy_points: PositiveFloat = Field(0.5, description="Percentage points of Top1 and Top5 below the reference.")
    throughput_percent: PositiveFloat = Field(
        10.0, description="Percent between two throughputs that count as the same."
    )
    unstable: Literal["accept", "refuse"] = Field(
        "refuse", description="Whether --gate passes throughputs whose measurement was unstable."
    )


class TargetEntry(Section):
    """One target of the recipe; ``options`` belong to the target and are checked by it."""

    hardware: Key | None = Field(
        None,
        description="The installed target; default: the entry's own name. So one card can have several toolchains.",
    )
    batches: tuple[Positive, ...] | None = Field(
        None, min_length=1, description="Batches of this target instead of the recipe's."
    )
    toolchain: Line | None = Field(
        None, description="Name and version, such as CANN 9.0.1; default: the target's own. docs/cards.md lists them."
    )
    options: dict[str, Any] = Field(default_factory=dict, description="Settings of the target: docs/cards.md.")


class PublishedAccuracy(Section):
    """An accuracy that somebody published, in percent."""

    top1: Percent = Field(description="Percent of images whose label is the best class.")
    top5: Percent = Field(description="Percent of images whose label is among the five best classes.")
    toolchain: Line | None = Field(None, description="What it was measured with.")
    source: Line | None = Field(None, description="Where it was published: an address, or words.")
    digits: tuple[Digits, Digits] | None = Field(None, description="Printed decimals, where they matter.")


class Comparison(Section):
    """Which measurements are divided by each other although they were not made alike."""

    accept: tuple[ConditionName, ...] = Field(
        (), description="Conditions whose difference is accepted: data, precision, transfers, threads, ..."
    )


class PublishedThroughput(Section):
    """Published rates by batch: the raw number, and the whole number that it is multiplied with."""

    unit: Literal["fps", "qps"] = Field("fps", description="Unit of the rates as published.")
    rates: dict[Annotated[int, Field(gt=0)], PositiveFloat] = Field(
        description="batch -> rate of one device (per device) or of enqueues (per batch)."
    )
    per: Literal["device", "enqueue", "image"] = Field(
        "device", description="What the rate counts: images of one device of a card, enqueues of a batch, or images."
    )
    toolchain: Line | None = Field(None, description="What they were measured with.")
    mode: Literal["dataset", "synthetic"] = Field(
        "dataset", description="Whether the data set was run, or made-up input."
    )
    conditions: Conditions = Field(
        Conditions(), description="What is known of how the rates were measured; what is not stated is not compared."
    )
    command: Line | None = Field(None, description="The command that is published with the rates.")
    conflicts: tuple[Text, ...] = Field((), description="Known doubts about these numbers.")


class Published(Section):
    """The published report: what was claimed, by target."""

    report: Line | None = Field(None, description="Where it was published.")
    python: Line | None = Field(None, description="Version of Python in the commands of its scripts, if any.")
    frameworks: dict[Line, Line] = Field(default_factory=dict, description="Stated frameworks: name -> constraint.")
    libraries: dict[Line, Line] = Field(default_factory=dict, description="Stated libraries: name -> constraint.")
    requirements: dict[Line, Line] = Field(
        default_factory=dict, description="What its own requirements file pins: name -> version."
    )
    reference: PublishedAccuracy | None = Field(None, description="The open-source accuracy to compare with.")
    accuracy: dict[Key, PublishedAccuracy] = Field(default_factory=dict, description="Published accuracy by target.")
    throughput: dict[Key, PublishedThroughput] = Field(
        default_factory=dict, description="Published throughput by target."
    )


class Recipe(Section):
    """What must be reproduced."""

    kit: Literal[1] = Field(1, description="Version of this format.")
    model: Model = Field(description="What network it is, and where its code comes from.")
    weights: Weights = Field(description="The checkpoint, or the ONNX file, with its checksums.")
    input: GraphInput = Field(GraphInput(), description="The model's input.")
    inputs: tuple[GraphInput, ...] = Field((), description="All inputs of a model with several, in the graph's order.")
    output: TensorName = Field("output1", description="Name of the output in the ONNX graph that is used.")
    outputs: tuple[TensorName, ...] = Field(
        (), description="All outputs of a model with several, in the graph's order; the first is used."
    )
    opset: Annotated[int, Field(ge=9, le=25, strict=True)] | Literal["auto"] = Field(
        11, description="ONNX opset of the export; auto: 11 if it works, otherwise the next higher one that does."
    )
    dataset: Dataset = Field(description="The images, and what is true about them.")
    task: dict[Name, dict[str, Any]] = Field(
        default_factory=dict,
        max_length=1,
        description="What the model does, with the settings of that task: docs/tasks.md. Default: classification.",
    )
    preprocess: Preprocess | None = Field(
        None, description="How an image becomes a tensor; not needed where scripts do that."
    )
    batches: tuple[Positive, ...] = Field(
        (1, 4, 8, 16, 32, 64), min_length=1, description="Batch sizes that are converted and measured."
    )
    targets: dict[Key, TargetEntry] = Field(min_length=1, description="Targets by name: cpu, 310, 310P, T4, ...")
    default: tuple[Key, ...] = Field((), description="Targets of a run whose command line names none.")
    subject: Key | None = Field(
        None, description="The target whose ratios to the others are reported; otherwise the fastest one."
    )
    bench: Bench = Field(Bench(), description="How throughput is measured where kit itself measures.")
    comparison: Comparison = Field(
        Comparison(), description="Which measurements are divided by each other although they were not made alike."
    )
    tolerance: Tolerance = Field(Tolerance(), description="What still counts as the same.")
    published: Published = Field(Published(), description="The published report: what was claimed, by target.")
    signatures: dict[Key, Signer] = Field(
        default_factory=dict, description="Who must have signed an archive of the results, by a name of your choice."
    )

    _folder: Path = Path()

    @model_validator(mode="before")
    @classmethod
    def _empty_targets(cls, data: Any) -> Any:
        # "cpu:" with nothing behind it is how YAML writes a target without settings.
        if isinstance(data, dict) and isinstance(data.get("targets"), dict):
            targets = {name: {} if entry is None else entry for name, entry in data["targets"].items()}
            data = {**data, "targets": targets}
        return data

    @field_validator("task", mode="before")
    @classmethod
    def _short_task(cls, data: Any) -> Any:
        # "task: script" and "task: {script: }" are a task without settings.
        if isinstance(data, str):
            return {data: {}}
        if isinstance(data, dict):
            return {name: {} if settings is None else settings for name, settings in data.items()}
        return data

    @model_validator(mode="before")
    @classmethod
    def _first_of_several(cls, data: Any) -> Any:
        # Steps that need one input or output take the first, under the name that a recipe of one has.
        if isinstance(data, dict):
            for one, several in (("input", "inputs"), ("output", "outputs")):
                if isinstance(data.get(several), list) and data[several]:
                    if one in data:
                        raise ValueError(f"{one} and {several} say the same: leave one out")
                    data = {**data, one: data[several][0]}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._check_graph()
        for place, batches in [("batches", self.batches)] + [
            (f"targets -> {name} -> batches", entry.batches) for name, entry in self.targets.items() if entry.batches
        ]:
            if len(set(batches)) != len(batches):
                raise ValueError(f"{place} names a batch twice")
        if self.subject is not None and self.subject not in self.targets:
            raise ValueError(f"subject: {self.subject} is not among the targets")
        published = [*self.published.accuracy, *self.published.throughput]
        for place, names in (("default", self.default), ("published", published)):
            for name in names:
                if name not in self.targets:
                    raise ValueError(f"{place} names target {name}, which is not among the targets")
        return self

    def _check_graph(self) -> None:
        if self.preprocess is not None:
            channels, crop = self.preprocess.channels, self.preprocess.crop
            made = (channels, *crop) if self.input.layout == "NCHW" else (*crop, channels)
            if self.input.shape != made:
                raise ValueError(
                    f"input.shape {self.input.shape} is not what preprocess makes: {made}, from its color and crop"
                )
        for kind, names in (("inputs", [one.name for one in self.inputs]), ("outputs", list(self.outputs))):
            if len(set(names)) != len(names):
                raise ValueError(f"{kind} names one twice")
        batch = self.input.batch
        if any(one.batch != batch for one in self.inputs):
            raise ValueError("inputs: all need the same batch")
        for name in self.targets:
            if batch is not None and self.batches_of(name) != (batch,):
                raise ValueError(f"batches: the model takes batch {batch} only, so write batches: [{batch}]")

    @property
    def task_name(self) -> str | None:
        """The task that the recipe names."""
        return next(iter(self.task), None)

    @property
    def graph_inputs(self) -> tuple[GraphInput, ...]:
        """All inputs of the model, in the graph's order."""
        return self.inputs or (self.input,)

    @property
    def graph_outputs(self) -> tuple[str, ...]:
        """All outputs of the model that the recipe names, in the graph's order."""
        return self.outputs or (self.output,)

    @property
    def folder(self) -> Path:
        """Folder of the recipe file: its relative paths start there."""
        return self._folder

    def resolve(self, path: str) -> Path:
        """``path`` of the recipe as an absolute path.

        Raises:
            InvalidInputError: it starts with the home folder of a user that is not known.
        """
        try:
            return (self._folder / Path(path).expanduser()).absolute()
        except RuntimeError as error:
            raise InvalidInputError(
                f"the home folder that {path!r} starts with is not known", remedy="write the whole path"
            ) from error

    def hardware_of(self, target: str) -> str:
        """Name of the installed target that an entry of the recipe runs on."""
        entry = self.targets.get(target)
        return (entry and entry.hardware) or target

    def toolchain_of(self, target: str) -> str | None:
        """The toolchain that the recipe states for an entry."""
        entry = self.targets.get(target)
        return entry.toolchain if entry else None

    def batches_of(self, target: str) -> tuple[int, ...]:
        """Batches of a target: its own, or the recipe's."""
        return self.targets[target].batches or self.batches


def load_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        MissingError: no such file.
        InvalidInputError: not YAML, or not a recipe; the message names the place.
    """
    if path.is_dir():
        path = path / "kit.yaml"
    try:
        tree = load_yaml(read_input(path, MAX_BYTES, "recipe"))
    except MissingError as error:
        raise MissingError(
            "there is no recipe", where=str(path), remedy="point to one with --recipe FILE, or make one with `kit init`"
        ) from error
    except DamagedError as error:
        raise InvalidInputError(
            f"the recipe is larger than {MAX_BYTES >> 10} KiB", where=str(path), remedy="give a recipe, not a data file"
        ) from error
    except DocumentError as error:
        remedy = "correct that line" if " in line " in str(error) else "give a YAML file in UTF-8"
        raise InvalidInputError(f"the recipe is {error}", where=str(path), remedy=remedy) from error
    if not isinstance(tree, dict):
        raise InvalidInputError(
            "the recipe is not a mapping of names to values", where=str(path), remedy="see `kit schema` for the form"
        )
    try:
        recipe = Recipe.model_validate(tree)
    except ValidationError as error:
        raise InvalidInputError(sentence(error), where=str(path), remedy="see `kit schema` for the form") from error
    recipe._folder = path.parent.absolute()  # noqa: SLF001 - where it was read is not part of its content
    return recipe
