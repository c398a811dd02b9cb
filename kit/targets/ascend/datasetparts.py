"""Parts of a data set for the tools of an Ascend card: ais_bench takes a whole folder, benchmark a list of files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from kit.planning import common
from kit.planning.shards import cut, cut_files, possible, shard_name
from kit.planning.step import Input, Made, Step
from kit.planning.target import Job
from kit.planning.task import FileRun
from kit.planning.tensorfiles import input_folders

__all__ = ["in_parts", "part_files", "shards_of"]


def shards_of(job: Job) -> int:
    """Parts of each run over the data set."""
    return possible(job, _unit(job))


def _unit(job: Job) -> int:
    """Files between two cuts: whole batches of every batch, because all of them take the same parts."""
    return math.lcm(*job.batches)


def part_files(job: Job, tool: str | None, runs: Sequence[FileRun]) -> list[Step]:
    """The parts of the files: ais_bench takes a folder as a whole, benchmark a list."""
    parts, unit = shards_of(job), _unit(job)
    if not runs:
        listed = tool != "ais_bench"
        file = common.TENSOR_LIST if listed else common.TENSOR_FILES
        return cut_files(_cut_name(job.target), parts, unit, {file: Made(common.TENSORS, file)}, listed=listed)
    steps = []
    for run in runs:
        steps += cut_files(_cut_name(job.target, run), parts, unit, input_folders(run))
    return steps


def _cut_name(target: str, run: FileRun | None = None) -> str:
    return f"{target}/cut" + ("" if run is None or run.name == "main" else f"-{run.name}")


def in_parts(job: Job, steps: Sequence[Step], run: FileRun | None = None) -> list[Step]:
    """The run over the data set on each chip that parts may take, cut; untimed, whatever the tool says of its rate."""
    count = shards_of(job)

    def part(step: Step, number: int) -> Step:
        made = Made(shard_name(_cut_name(job.target, run), number, count))
        # The state of the chip is nothing to what measures no time.
        inputs: dict[str, Input] = {name: one for name, one in step.inputs.items() if name != "state"}
        links = dict(step.links)
        if "tensors" not in inputs:
            inputs |= {name: replace(made, file=name) for name in inputs if name.startswith("input")}
        elif step.private:
            inputs["tensors"] = made
        else:
            inputs["list"] = replace(made, file=common.TENSOR_LIST)
            links = {
                name: place.replace(f"{{in:tensors}}/{common.TENSOR_LIST}", "{in:list}")
                for name, place in links.items()
            }
        return replace(step, inputs=inputs, links=links)

    return cut(steps, count, merge="union", part=part)
