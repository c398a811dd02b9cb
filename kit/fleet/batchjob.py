"""What a batch system runs: one ``kit reproduce`` per target, as a value that each format prints in its own words."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kit.errors import InvalidInputError
from kit.execution.selection import Choice, Selection, lies_within
from kit.planning.planner import plan
from kit.planning.target import SchedulerDevice

__all__ = ["BatchJob", "batch_jobs", "check_inside", "check_paths", "given_places", "reproduce_words"]


@dataclass(frozen=True)
class BatchJob:
    """One target on one host."""

    target: str
    device: SchedulerDevice | None  # None: the processor is enough
    devices: int  # how many of them
    memory_bytes: int  # the largest limit of a step's container
    timed: bool  # it measures time, so nothing may run beside it


def batch_jobs(selection: Selection, weights: Path) -> list[BatchJob]:
    """A job for each chosen target; a rehearsal needs no device.

    Raises:
        InvalidInputError: a target or batch that the recipe lacks.
    """
    found = []
    for target, job in selection.jobs(weights):
        steps = plan([(target, job)]).steps
        device: SchedulerDevice | None = None if job.simulate else getattr(target, "scheduler_device", None)
        memory = max(step.limits.memory_bytes for step in steps)
        found.append(BatchJob(job.target, device, max(1, len(job.devices)), memory, any(step.timed for step in steps)))
    return found


def given_places(choice: Choice) -> dict[str, Path]:
    """Option -> the file or folder of this machine that the command line gives in place of the recipe's."""
    given = {"--weights": choice.weights, "--images": choice.images, "--labels": choice.labels}
    return {option: place.absolute() for option, place in given.items() if place is not None}


def reproduce_words(choice: Choice, target: str, places: Mapping[str, Path | str], runner: str) -> list[str]:
    """The words of ``kit reproduce`` for one target.

    Args:
        choice: what the command line chose.
        target: the target.
        places: options that name a place, such as ``--recipe``, and the place as the job's host sees it.
        runner: where the steps run there.
    """
    words = ["kit", "reproduce", "--target", target, "--runner", runner]
    for option, place in places.items():
        words += [option, str(place)]
    for batch in choice.batches:
        words += ["--batch", str(batch)]
    words += ["--simulate"] if choice.simulate else []
    words += ["--device", str(choice.device)] if choice.device else []
    words += ["--devices", ",".join(map(str, choice.devices))] if choice.devices else []
    words += ["--shards", str(choice.shards)] if choice.shards > 1 else []
    words += ["--mirror", choice.mirror] if choice.mirror else []
    return words


def check_inside(folder: Path, places: Iterable[Path]) -> None:
    """Refuse what a recipe names outside of its folder where only that folder travels.

    Raises:
        InvalidInputError: one lies outside.
    """
    for place in sorted(places):
        if not lies_within(place, folder):
            raise InvalidInputError(
                "this lies outside of the recipe's folder, and does not travel with it",
                where=os.path.normpath(place),
                remedy="put it into that folder, and name it there",
            )


def check_paths(*paths: Path | str | None) -> None:
    """Refuse names that a script of lines cannot hold.

    Raises:
        InvalidInputError: a control character in one.
    """
    for path in paths:
        if path is not None and not str(path).isprintable():
            raise InvalidInputError(
                f"{str(path)!r} cannot stand in a job, because it holds a control character", remedy="rename it"
            )
