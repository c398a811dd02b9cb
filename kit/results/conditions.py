"""What was inside the clock of a measurement."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["CONDITIONS", "ConditionName", "Conditions"]

Share = Literal["included", "excluded"]
Word = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9 ._+-]{0,31}$")]
Number = Annotated[int, Field(gt=0, strict=True)]


class Conditions(BaseModel):
    """How a throughput was measured. None: not known, or without meaning for this engine; it is not compared."""

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
