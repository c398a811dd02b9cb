"""``kit.yaml`` as typed models; an error names its place in the file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit, urlunsplit

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from kit.errors import InvalidInputError, MissingError

__all__ = [
    "Bench",
    "Dataset",
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
MAX_BYTES = 1 << 20

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")]
TensorName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./-]{1,128}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=2000)]
#: A sentence for readers, in one language or by language.
Text = Line | dict[Literal["zh", "en"], Line]
Md5 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$", to_lower=True)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", to_lower=True)]
Positive = Annotated[int, Field(gt=0, le=1 << 20, strict=True)]
PositiveFloat = Annotated[float, Field(gt=0)]
Percent = Annotated[float, Field(ge=0, le=100)]
Key = Annotated[Name, BeforeValidator(lambda value: str(value) if type(value) is int else value)]


def safe_url(url: str) -> str:
    """The URL without user, password and query: fit for a log."""
    try:
        parts = urlsplit(url)
    except ValueError:  # an address that is none, such as http://[
        return "the given address"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


class _Base(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Model(_Base):
    """What network it is and where its code comes from."""

    name: Name = Field(description="Folder and file name of everything made from this recipe.")
    architecture: Name = Field(description="Name of the timm model.")
    classes: Positive = 1000
    paper: Line | None = None
    code: Line | None = Field(None, description="URL of the code repository.")
    branch: Line | None = None
    commit: Line | None = None


class Weights(_Base):
    """A checkpoint: from a URL, or a path relative to the recipe, with its checksums."""

    url: Line | None = None
    path: Line | None = None
    md5: Md5 | None = None
    sha256: Sha256 | None = None
    max_bytes: int = Field(2 << 30, gt=0, description="A larger download is refused.")
    note: Text | None = None

    @model_validator(mode="after")
    def _needs_origin_and_digest(self) -> Self:
        if self.url is None and self.path is None:
            raise ValueError("needs url or path")
        if self.md5 is None and self.sha256 is None:
            raise ValueError("needs md5 or sha256, or nobody can check the file")
        return self

    @property
    def public_url(self) -> str | None:
        """The URL without user, password and query, any of which may be a secret: fit for reports and messages."""
        return safe_url(self.url) if self.url else None

    @property
    def filename(self) -> str:
        """Name of the file, without its folder or query."""
        name = (self.path or self.url or "").split("?")[0].rstrip("/").rsplit("/", 1)[-1]
        return name if name.strip(".") else "weights"  # "..", too, is a way out of the folder


class Tensor(_Base):
    """The model's input: name in the ONNX graph and (channels, height, width)."""

    name: TensorName = "actual_input_1"
    shape: tuple[Positive, Positive, Positive] = (3, 224, 224)


class Preprocess(_Base):
    """From an image file to a float32 tensor (channels, height, width)."""

    library: Literal["pillow", "opencv"] = "pillow"
    color: Literal["RGB", "BGR"] = "RGB"
    resize: tuple[Positive, Positive] | Positive = Field(
        (256, 256), description="(height, width), or the shorter side as one number."
    )
    interpolation: Literal["nearest", "bilinear", "bicubic"] = "bilinear"
    crop: tuple[Positive, Positive] = (224, 224)
    scale: PositiveFloat = 255
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[PositiveFloat, PositiveFloat, PositiveFloat] = (0.229, 0.224, 0.225)


class Dataset(_Base):
    """Images in one folder and a label file of ``name label`` lines."""

    name: Line
    url: Line | None = None
    images: Line
    labels: Line
    count: Positive = Field(description="Images that a complete run has.")
    split: Line | None = None


class Bench(_Base):
    """How throughput is measured where kit itself measures."""

    warmup: Annotated[int, Field(ge=0)] = 3
    repeats: Positive = 5
    seconds: PositiveFloat = 2.0
    threads: Annotated[int, Field(ge=0)] = Field(0, description="0: all cores that the process may use.")


class Tolerance(_Base):
    """What still counts as the same."""

    parity_max_abs: PositiveFloat = Field(1e-3, description="ONNX against PyTorch, scaled by the largest logit.")
    parity_cosine: Annotated[float, Field(gt=0, le=1)] = 0.9999
    parity_top1: Annotated[float, Field(gt=0, le=1)] = Field(0.99, description="Share of samples with the same Top1.")
    accuracy_points: PositiveFloat = Field(0.5, description="Percentage points of Top1 and Top5 below the reference.")
    throughput_percent: PositiveFloat = 10.0


class TargetEntry(_Base):
    """One target of the recipe; ``options`` belong to the target and are checked by it."""

    hardware: Key | None = Field(
        None,
        description="The installed target; default: the entry's own name. So one card can have several toolchains.",
    )
    batches: tuple[Positive, ...] | None = Field(None, min_length=1)
    toolchain: Line | None = Field(
        None, description="Name and version, such as CANN 9.0.1; default: the target's own. docs/cards.md lists them."
    )
    options: dict[str, Any] = Field(default_factory=dict)


class PublishedAccuracy(_Base):
    """An accuracy that somebody published, in percent."""

    top1: Percent
    top5: Percent
    toolchain: Line | None = None
    source: Line | None = None
    digits: tuple[int, int] | None = Field(None, description="Printed decimals, where they matter.")


class PublishedThroughput(_Base):
    """Published rates by batch: the raw number, and the whole number that it is multiplied with."""

    unit: Literal["fps", "qps"] = "fps"
    rates: dict[Annotated[int, Field(gt=0)], Annotated[float, Field(gt=0)]] = Field(
        description="batch -> rate of one device (per device) or of enqueues (per batch)."
    )
    per: Literal["device", "enqueue", "image"] = "device"
    toolchain: Line | None = None
    mode: Literal["dataset", "synthetic"] = "dataset"
    command: Line | None = Field(None, description="The command that is published with the rates.")
    conflicts: tuple[Text, ...] = Field((), description="Known doubts about these numbers.")


class Published(_Base):
    """The published report: what was claimed, by target."""

    report: Line | None = Field(None, description="Where it was published.")
    python: Line | None = Field(None, description="Version of Python in its commands.")
    frameworks: dict[Line, Line] = Field(default_factory=dict, description="Stated frameworks: name -> constraint.")
    libraries: dict[Line, Line] = Field(default_factory=dict, description="Stated libraries: name -> constraint.")
    requirements: dict[Line, Line] = Field(
        default_factory=dict, description="What its own requirements file pins: name -> version."
    )
    reference: PublishedAccuracy | None = Field(None, description="The open-source accuracy to compare with.")
    accuracy: dict[Key, PublishedAccuracy] = Field(default_factory=dict)
    throughput: dict[Key, PublishedThroughput] = Field(default_factory=dict)


class Recipe(_Base):
    """What must be reproduced."""

    kit: Literal[1] = Field(1, description="Version of this format.")
    model: Model
    weights: Weights
    input: Tensor = Tensor()
    output: TensorName = "output1"
    opset: Annotated[int, Field(ge=9, le=25, strict=True)] = 11
    dataset: Dataset
    preprocess: Preprocess = Preprocess()
    batches: tuple[Positive, ...] = Field((1, 4, 8, 16, 32, 64), min_length=1)
    targets: dict[Key, TargetEntry] = Field(min_length=1)
    default: tuple[Key, ...] = Field((), description="Targets of a run whose command line names none.")
    subject: Key | None = Field(
        None, description="The target whose ratios to the others are reported; otherwise the fastest one."
    )
    bench: Bench = Bench()
    tolerance: Tolerance = Tolerance()
    published: Published = Published()

    _folder: Path = Path()

    @model_validator(mode="before")
    @classmethod
    def _empty_targets(cls, data: Any) -> Any:
        # "cpu:" with nothing behind it is how YAML writes a target without settings.
        if isinstance(data, dict) and isinstance(data.get("targets"), dict):
            targets = {name: {} if entry is None else entry for name, entry in data["targets"].items()}
            data = {**data, "targets": targets}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if tuple(self.input.shape[1:]) != self.preprocess.crop:
            raise ValueError(f"input.shape {self.input.shape} does not end with preprocess.crop {self.preprocess.crop}")
        for place, batches in [("batches", self.batches)] + [
            (f"targets -> {name} -> batches", entry.batches) for name, entry in self.targets.items() if entry.batches
        ]:
            if len(set(batches)) != len(batches):
                raise ValueError(f"{place} names a batch twice")
        if self.subject is not None and self.subject not in self.targets:
            raise ValueError(f"subject: {self.subject} is not among the targets")
        for name in self.default:
            if name not in self.targets:
                raise ValueError(f"default names target {name}, which is not among the targets")
        for name in [*self.published.accuracy, *self.published.throughput]:
            if name not in self.targets:
                raise ValueError(f"published names target {name}, which is not among the targets")
        return self

    @property
    def folder(self) -> Path:
        """Folder of the recipe file: its relative paths start there."""
        return self._folder

    def resolve(self, path: str) -> Path:
        """``path`` of the recipe as an absolute path."""
        return (self._folder / Path(path).expanduser()).absolute()

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


class _Loader(yaml.SafeLoader):
    """A safe YAML loader that refuses aliases (a few lines could stand for gigabytes) and doubled keys."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed here", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key.value, str):
                continue
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} stands twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def load_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        MissingError: no such file.
        InvalidInputError: not YAML, or not a recipe; the message names the place.
    """
    if path.is_dir():
        path = path / "kit.yaml"
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise MissingError(
            "there is no recipe", where=str(path), remedy="point to one with --recipe FILE, such as examples/digits"
        ) from error
    except OSError as error:
        raise InvalidInputError(
            f"the recipe cannot be read: {error.strerror}", where=str(path), remedy="give a readable YAML file"
        ) from error
    if len(data) > MAX_BYTES:
        raise InvalidInputError(
            f"the recipe is larger than {MAX_BYTES} bytes", where=str(path), remedy="give a recipe, not a data file"
        )
    try:
        tree = yaml.load(data.decode("utf-8-sig"), Loader=_Loader)  # noqa: S506 - derived from SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError, TypeError, AttributeError, LookupError) as error:
        # Not only its own: PyYAML indexes into `!!int ""` and looks a `!!bool maybe` up.
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it is not UTF-8 text in YAML form"
        raise InvalidInputError(
            f"the recipe is not valid YAML{line}: {problem}", where=str(path), remedy="mend that line"
        ) from error
    if not isinstance(tree, dict):
        raise InvalidInputError(
            "the recipe is not a mapping of names to values", where=str(path), remedy="see `kit schema` for the form"
        )
    try:
        recipe = Recipe.model_validate(tree)
    except ValidationError as error:
        raise InvalidInputError(_sentence(error), where=str(path), remedy="see `kit schema` for the form") from error
    recipe._folder = path.parent.absolute()  # noqa: SLF001 - where it was read is no part of its content
    return recipe


#: pydantic's error types in the words of this project.
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a known setting",
}


def _sentence(error: ValidationError) -> str:
    """All errors as ``place: problem``, joined by ``; ``."""
    parts = []
    for item in error.errors(include_url=False):
        place = _place(item["loc"])
        value = item.get("input")
        shown = str(value) if isinstance(value, int | float | str) else type(value).__name__
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        if item["type"] in _WORDS:
            problem = _WORDS[item["type"]]
        elif item["type"] in {"greater_than", "int_type", "int_from_float", "int_parsing"} and _is_count(item):
            problem = f"{shown} is not a positive integer"
        elif item["type"] == "value_error":
            problem = str(item["ctx"]["error"]) if "ctx" in item else item["msg"]
        else:
            problem = f"{shown}: {item['msg'][0].lower()}{item['msg'][1:]}"
        parts.append(f"{place}: {problem}" if place else problem)
    text = "; ".join(dict.fromkeys(parts))
    # Keys and values are the file's: one with a line end must not make two lines of the sentence.
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def _is_count(item: Any) -> bool:
    return item["type"] != "greater_than" or isinstance(item.get("ctx", {}).get("gt"), int)


def _place(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.startswith(("tuple[", "constrained-", "function-")) or part in {"int", "[key]"}:
            continue  # the branch of a union or a key check, no place in the file
        else:
            text += f" -> {part}" if text else part
    return text
