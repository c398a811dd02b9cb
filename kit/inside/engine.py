"""An inference engine with one model: its settings read back, its errors as one sentence."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from .protocol import UserError, oneline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

__all__ = ["Bound", "Engine", "EngineSpec", "check_input", "known_options"]


@dataclass(frozen=True)
class EngineSpec:
    """What opens an engine; it is sent to worker processes."""

    engine: str
    model: str
    shape: tuple[int, ...]  # (channels, height, width)
    threads: int = 0  # of one call; 0: all cores that the process may use
    options: Mapping[str, Any] = field(default_factory=dict)  # the engine's own


class Bound(NamedTuple):
    """Calls with input and output in place, one per input batch, and a function that returns the last output."""

    calls: list[Callable[[], None]]
    output: Callable[[], NDArray[Any]]


class Engine(ABC):
    """One model in one engine."""

    title: ClassVar[str]  # "ONNX Runtime"
    version: str
    threads: int
    #: Whether each batch size is compiled separately, so that a smaller last batch is better padded.
    fixed_batch: bool = False
    #: Batches that one call of :meth:`bind` works on side by side.
    side_by_side: int = 1
    #: The part of ``kit.results.conditions`` that the engine decides: precision, threads, streams, transfers.
    conditions: dict[str, Any]
    #: Settings as the engine itself reports them after it was opened, in addition to what was asked for.
    settings: dict[str, Any]

    def __init__(self, spec: EngineSpec) -> None:
        if not os.path.isfile(spec.model):
            raise UserError("there is no such model", "Export it first.", spec.model, "missing")
        self.model, self.shape = spec.model, spec.shape

    @abstractmethod
    def outputs(self, images: Floats) -> list[NDArray[Any]]:
        """All outputs for a batch.

        Raises:
            UserError: the engine fails.
        """

    @abstractmethod
    def bind(self, inputs: list[Floats]) -> Bound:
        """Put inputs of one batch size, and the output, in place, and call each once.

        Raises:
            UserError: the engine fails.
        """

    def run(self, images: Floats) -> Floats:
        """Scores of a batch, float32 (batch, classes).

        Raises:
            UserError: the engine fails, or its first output is not one row of scores per image.
        """
        output = self.outputs(images)[0]
        rows = self.as_rows(output, len(images))
        if rows.shape[1] != max(output.shape[1:]):
            remedy = "Give a classifier whose first output holds one score per class, or set the task of the recipe."
            what = f"the output of {len(images)} images has the shape {output.shape}, which is not a row of scores each"
            raise UserError(what, remedy, self.model)
        return rows

    def as_rows(self, output: NDArray[Any], count: int) -> Floats:
        """The output as float32 (images, numbers), whatever its shape."""
        if output.dtype.kind != "f" or output.ndim < 2 or len(output) != count:
            remedy = "Give a classifier whose first output holds one score per class."
            raise UserError(f"the output of {count} images is {output.dtype} {output.shape}", remedy, self.model)
        return output.reshape(count, -1).astype(np.float32, copy=False)

    def fails(self, error: Exception) -> UserError:
        """The error of an engine that fails while it computes."""
        remedy = "Check the model with the ONNX checker, and its input with the recipe."
        return UserError(f"{self.title} fails: {oneline(error)}", remedy, self.model, "tolerance")


def known_options(options: Mapping[str, Any], known: tuple[str, ...], title: str) -> None:
    """Refuse options that an engine does not have: a misspelt one must not be ignored."""
    unknown = sorted(set(options) - set(known))
    if unknown:
        remedy = f"Choose among {', '.join(known)}." if known else "Leave it out: it has none."
        raise UserError(f"{title} has no option {', '.join(unknown)}", remedy)


def check_input(name: str, declared: list[Any], wanted: tuple[int, ...], model: str) -> None:
    """Refuse a model whose batch or input is fixed to another size than asked for; None or a name is free.

    Args:
        name: the input.
        declared: its sizes as the engine reports them.
        wanted: (batch, channels, height, width).
        model: where it is.
    """
    for place, (size, asked) in enumerate(zip(declared, wanted, strict=True)):
        if isinstance(size, int) and size != asked:
            what = "batch" if place == 0 else "input"
            remedy = "Export it with a dynamic batch, or use its own." if place == 0 else "Correct crop or input shape."
            raise UserError(f"the model's {what} is fixed: {name} {declared}, and {wanted} is asked for", remedy, model)
