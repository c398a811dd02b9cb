"""``results/<target>.json``: everything that a report is computed from, and nothing that it is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kit.errors import DamagedError, InvalidInputError, MissingError, ResourceError
from kit.results.evidence import Evident, Inside, Sha256
from kit.results.measurements import Accuracy, Throughput
from kit.results.metrics import Metric
from kit.storage.inputs import read_input

__all__ = ["Artifact", "Command", "Parity", "Planned", "Results", "Run", "load_all", "load_results", "results_text"]

MAX_BYTES = 16 << 20
#: Of shards; each is a step.
_MAX_SHARDS = 1000
Md5 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


#: Rounding may put a sum of products this far beyond its limit.
_ROUNDING = 1e-5


class _Base(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Parity(Evident):
    """How far the ONNX model is from the PyTorch model on real samples."""

    samples: int = Field(gt=0)
    max_abs: float = Field(ge=0, description="Largest absolute difference of a logit.")
    max_abs_scaled: float = Field(ge=0, description="max_abs divided by the largest absolute logit.")
    cosine: float = Field(ge=-1 - _ROUNDING, le=1 + _ROUNDING, description="Smallest cosine similarity of a sample.")
    top1_agreement: float | None = Field(
        None, ge=0, le=1, description="Share of samples with the same Top1; none without scores."
    )


class Artifact(_Base):
    """A file that a step made, or that was given to it."""

    step: str
    path: Inside = Field(description="Relative to the step's folder.")
    sha256: Sha256 = Field(description="Of a file; of a folder, its tree digest (kit.storage.digests).")
    md5: Md5 | None = Field(None, description="Of a file; a folder has none.")
    bytes: int = Field(ge=0)


class Command(_Base):
    """A command that really ran, with its files by their plain names."""

    stage: Literal["export", "parity", "convert", "preprocess", "infer", "metrics", "bench", "query"]
    argv: tuple[str, ...]
    batch: int | None = None
    step: str


class Run(_Base):
    """What ran where: one record per step."""

    step: str
    fingerprint: Sha256
    record: Sha256 | None = Field(None, description="Digest of the store's record of this run.")
    image: str = Field(description="Image id, or the digest of the local environment.")
    started: str = Field(description="UTC, ISO 8601.")
    seconds: float = Field(ge=0)
    exit_code: Literal[0] = Field(0, description="Of a step that failed there are no results.")
    after: tuple[str, ...] = Field((), description="Steps whose outputs it took.")


class Planned(_Base):
    """What the steps were planned from: the recipe's part that concerns this target, and the choice of the run."""

    recipe: dict[str, Any] = Field(description="Settings of the recipe that decide what runs and how it is judged.")
    recipe_sha256: Sha256 = Field(description="Of the canonical JSON of these settings.")
    batches: tuple[int, ...]
    device: int = 0
    devices: tuple[int, ...] = Field((), description="Devices that were run all at once.")
    shards: int | None = Field(None, ge=2, le=_MAX_SHARDS, description="Parts that the data set was cut into.")


class Results(Evident):
    """Measurements of one target, with what made them."""

    format: Literal[1] = 1
    model: str
    target: str
    source: Literal["measured", "simulated"]
    toolchain: str
    hardware: str
    containerized: bool
    planned: Planned | None = None
    accuracy: Accuracy | None = None
    metrics: tuple[Metric, ...] = Field((), description="Of a task that does not count classes.")
    throughput: tuple[Throughput, ...] = ()
    parity: Parity | None = None
    environment: dict[str, str] = Field(default_factory=dict, description="Software by name and version.")
    host: dict[str, str] = Field(default_factory=dict, description="CPU, cores, memory, kernel, engine, driver.")
    images: dict[str, str] = Field(default_factory=dict, description="Image name -> image id.")
    notes: tuple[str, ...] = Field((), description="What a reader must know: conflicts, deviations of this run.")
    commands: tuple[Command, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    runs: tuple[Run, ...] = ()

    @model_validator(mode="after")
    def _each_batch_once(self) -> Self:
        batches = [one.batch for one in self.throughput]
        if len(set(batches)) < len(batches):
            raise ValueError(f"a batch has two throughputs: {', '.join(map(str, batches))}")
        return self


def results_text(results: Results) -> str:
    """The file's text: sorted keys, two blanks, one line end; the same value gives the same bytes."""
    tree = results.model_dump(mode="json")
    if not results.metrics:
        del tree["metrics"]
    if results.planned and results.planned.shards is None:
        del tree["planned"]["shards"]
    return json.dumps(tree, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def load_results(path: Path) -> Results:
    """Read one results file.

    Raises:
        MissingError: no such file.
        DamagedError: not JSON, or not of this form.
    """
    try:
        data = read_input(path, MAX_BYTES, "results file")
    except MissingError as error:
        raise MissingError(
            "there are no results", where=str(path), remedy="run `kit reproduce` for this target"
        ) from error
    except DamagedError as error:
        raise DamagedError(
            f"the results are damaged: larger than {MAX_BYTES} bytes", where=str(path), remedy="give a results file"
        ) from error
    except (InvalidInputError, ResourceError) as error:
        raise DamagedError(
            f"the results cannot be read: {error.what}", where=str(path), remedy="give a readable results file"
        ) from error
    try:
        return Results.model_validate_json(data)
    except (ValidationError, ValueError) as error:
        first = error.errors(include_url=False)[0] if isinstance(error, ValidationError) else None
        place = " -> ".join(str(part) for part in first["loc"]) if first else ""
        problem = (f"{place}: " if place else "") + (first["msg"] if first else str(error))
        raise DamagedError(
            f"the results are damaged: {problem}", where=str(path), remedy="run `kit reproduce` again for this target"
        ) from error


def load_all(folder: Path) -> dict[str, Results]:
    """All results below ``folder/results``, by target; empty where nothing was measured yet.

    Raises:
        DamagedError: one is damaged, or holds another target than its name says.
    """
    found = {}
    for path in sorted((folder / "results").glob("*.json")):
        results = load_results(path)
        if results.target != path.stem:
            raise DamagedError(
                f"the results are those of target {results.target!r}",
                where=str(path),
                remedy="give the file its old name, or run `kit reproduce` again",
            )
        found[results.target] = results
    return found
