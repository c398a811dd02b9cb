"""Inference over a data set in parts: a shard is a step with a range of the images, and a pure step merges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kit.planning.step import Input, Made, Step

__all__ = ["cut", "shard_name"]


def shard_name(step: str, number: int, count: int) -> str:
    """Name of a shard: ``cpu/infer-shard2of4``."""
    return f"{step}-shard{number}of{count}"


def cut(steps: Sequence[Step], count: int) -> list[Step]:
    """The shards of a step, and one that merges them under its name: whoever takes the outputs sees no difference.

    Args:
        steps: the step on each device that shards may take, in turn.
        count: how many shards; 1: the step itself.
    """
    whole = steps[0]
    if count == 1:
        return [whole]
    shards = []
    for number in range(1, count + 1):
        one = steps[(number - 1) % len(steps)]
        shards.append(
            replace(
                one,
                name=shard_name(whole.name, number, count),
                title=f"{one.title}, part {number} of {count}",
                argv=(*one.argv, "--shard", f"{number}/{count}"),
                shard=number,
            )
        )
    inputs: dict[str, Input] = {f"shard{number}": Made(one.name) for number, one in enumerate(shards, 1)}
    merge = Step(
        name=whole.name,
        stage=whole.stage,
        title=f"{count} parts merged",
        image=whole.image,
        argv=("python3", "-m", "inside.merge", "--out", "{out}", *(f"{{in:{name}}}" for name in inputs)),
        outputs=whole.outputs,
        inputs=inputs,
        code=("merge",),
        simulated=whole.simulated,
    )
    return [*shards, merge]
