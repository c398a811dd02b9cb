"""Inference over a data set in parts: a shard is a step with a range of the images, and a pure step merges them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from kit.planning.step import Input, Made, Step
from kit.planning.target import Job

__all__ = ["cut", "cut_files", "possible", "shard_name"]


def shard_name(step: str, number: int, count: int) -> str:
    """Name of a shard: ``cpu/infer-shard2of4``."""
    return f"{step}-shard{number}of{count}"


def possible(job: Job, batch: int) -> int:
    """How many parts of whole batches are possible: as many as asked for, unless the data set is too small."""
    return min(job.shards, math.ceil(job.recipe.dataset.count / batch))


def cut(
    steps: Sequence[Step], count: int, *, merge: str = "merge", part: Callable[[Step, int], Step] | None = None
) -> list[Step]:
    """The shards of a step, and one that merges them under its name: whoever takes the outputs sees no difference.

    Args:
        steps: the step on each device that shards may take, in turn.
        count: how many shards; 1: the step itself.
        merge: the program in ``inside`` that merges their outputs.
        part: makes a step read its part alone, by number; default: its program knows ``--shard``.
    """
    whole = steps[0]
    if count == 1:
        return [whole]
    shards = []
    for number in range(1, count + 1):
        one = steps[(number - 1) % len(steps)]
        changed = replace(
            one,
            name=shard_name(whole.name, number, count),
            title=f"{one.title}, part {number} of {count}",
            # A chip may come with the nodes of others; shards on those need not wait for each other.
            devices=replace(one.devices, leases=one.devices.leases[:1]),
            timed=False,
            shard=number,
        )
        shards.append(
            part(changed, number) if part else replace(changed, argv=(*one.argv, "--shard", f"{number}/{count}"))
        )
    inputs: dict[str, Input] = {f"shard{number}": Made(one.name) for number, one in enumerate(shards, 1)}
    merged = Step(
        name=whole.name,
        stage=whole.stage,
        title=f"{count} parts merged",
        image="runtime",
        argv=("python3", "-m", f"inside.{merge}", "--out", "{out}", *(f"{{in:{name}}}" for name in inputs)),
        outputs=whole.outputs,
        inputs=inputs,
        code=(merge,),
        batch=whole.batch,
        simulated=whole.simulated,
    )
    return [*shards, merged]


def cut_files(name: str, count: int, unit: int, folders: Mapping[str, Made], *, listed: bool = False) -> list[Step]:
    """A step for each part that copies its files, for a tool that takes all of a folder.

    Args:
        name: what the names of the steps begin with.
        count: how many parts.
        unit: a part holds a multiple of this many files.
        folders: name in the outputs -> a folder of files.
        listed: the input is the list of a vendor's benchmark, of which the part has some lines and no copies.
    """
    words = ("--list",) if listed else ()
    return [
        Step(
            name=shard_name(name, number, count),
            stage="preprocess",
            title=f"files of part {number} of {count}",
            image="runtime",
            argv=(
                "python3", "-m", "inside.cut", "--shard", f"{number}/{count}", "--unit", str(unit), *words,
                "--out", "{out}", *(f"{one}={{in:files{index}}}" for index, one in enumerate(folders)),
            ),
            outputs=tuple(folders),
            inputs={f"files{index}": source for index, source in enumerate(folders.values())},
            code=("cut",),
        )
        for number in range(1, count + 1)
    ]  # fmt: skip
