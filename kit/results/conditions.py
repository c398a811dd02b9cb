"""What was inside the clock of a measurement, and in what two measurements differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from kit.results.measurements import Throughput

__all__ = ["CONDITIONS", "ConditionName", "Conditions", "Difference", "differences", "unknown"]

Share = Literal["included", "excluded"]
Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9 ._+-]{0,31}$")]
Number = Annotated[int, Field(gt=0, strict=True)]


class Conditions(BaseModel):
    """How a throughput was measured. None: not known, or of no meaning for this engine; it is not compared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    precision: Word | None = Field(None, description="Arithmetic of the engine, read back: fp32, tf32, fp16, bf16.")
    preprocessing: Share | None = Field(None, description="Decoding and preprocessing of images, inside the clock?")
    transfers: Literal["included", "excluded", "none"] | None = Field(
        None, description="Copies to and from the device, inside the clock? none: there are none to make."
    )
    warm_up: Share | None = Field(None, description="The first, slow calls, inside the clock?")
    graph: Literal["on", "off"] | None = Field(None, description="Whether calls were replayed from a device graph.")
    wait: Literal["spin", "block"] | None = Field(None, description="How the host waited for the device.")
    threads: Number | None = Field(None, description="Threads of one call, read back.")
    streams: Number | None = Field(None, description="Calls that ran side by side, read back.")
    clocks: Literal["locked", "free"] | None = Field(None, description="Whether the device's clocks were fixed.")


ConditionName = Literal[
    "data", "precision", "preprocessing", "transfers", "warm_up", "graph", "wait", "threads", "streams", "clocks"
]
#: Names by which a recipe may accept a difference; ``data``: images of the data set, or synthetic input.
CONDITIONS: tuple[ConditionName, ...] = get_args(ConditionName)
#: What costs the same: an engine in host memory has all of its copies, none, inside the clock.
_SAME = ({"included", "none"},)


class Difference(NamedTuple):
    """One condition in which two measurements differ."""

    name: str
    one: str
    other: str

    def __str__(self) -> str:
        return f"{self.name.replace('_', '-')} {self.one} against {self.other}"


def _stated(measured: Throughput) -> dict[str, str]:
    """Every known condition in words."""
    found = {"data": measured.mode, **measured.conditions.model_dump(exclude_none=True)}
    return {name: str(value) for name, value in found.items()}


def differences(one: Throughput, other: Throughput) -> tuple[Difference, ...]:
    """Conditions that are known of both and differ, in the order of :data:`CONDITIONS`."""
    mine, theirs = _stated(one), _stated(other)
    return tuple(
        Difference(name, mine[name], theirs[name])
        for name in CONDITIONS
        if name in mine and name in theirs and mine[name] != theirs[name] and {mine[name], theirs[name]} not in _SAME
    )


def unknown(one: Throughput, other: Throughput) -> tuple[str, ...]:
    """Conditions that are known of one of the two only, so that nobody can say whether they differ."""
    return tuple(name for name in CONDITIONS if (name in _stated(one)) != (name in _stated(other)))
