"""One stage alone, for people who have the other artifacts already: the same steps, on what they bring."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kit.containers.images import BuildOptions
from kit.data.tensors import check_tensors
from kit.errors import InvalidInputError, MissingError
from kit.execution.progress import Progress
from kit.execution.reproduction import executor
from kit.execution.session import Session
from kit.planning import common as shared
from kit.planning.planner import Plan
from kit.planning.step import External, Input, Made, Stage, Step
from kit.storage.files import os_errors
from kit.storage.store import Record

__all__ = ["brought", "run_stage", "select"]


def brought(words: Sequence[str]) -> dict[str, Path]:
    """``STEP=PATH`` words as a mapping.

    Raises:
        InvalidInputError, MissingError: not of that form, or no such path.
    """
    found = {}
    for word in words:
        name, _, path = word.partition("=")
        if not name or not path:
            raise InvalidInputError(f"{word!r} is not STEP=PATH", remedy="give for example export=model.onnx")
        if not Path(path).exists():
            raise MissingError(
                f"there is nothing that could take the place of {name}", where=path, remedy="check the path"
            )
        found[name] = Path(path).absolute()
    return found


def select(plan: Plan, stages: Collection[Stage], given: Mapping[str, Path]) -> tuple[Step, ...]:
    """The steps of these stages and those that they still need, with ``given`` in the place of steps.

    Raises:
        InvalidInputError: a given name is no step that anything needs.
    """
    steps = {step.name: step for step in plan.steps}
    chosen: dict[str, Step] = {}
    used: set[str] = set()

    def source(one: Input) -> Input:
        if isinstance(one, Made) and one.step in given:
            used.add(one.step)
            path = given[one.step]
            return External(path / one.file if one.file and path.is_dir() else path)
        return one

    def add(step: Step) -> None:
        if step.name in chosen:
            return
        changed = replace(step, inputs={name: source(one) for name, one in step.inputs.items()})
        for name in changed.after:
            add(steps[name])
        chosen[step.name] = changed

    for step in plan.steps:
        if step.stage in stages and step.name not in given:
            add(step)
    unknown = set(given) - used
    if unknown:
        needed = {name for step in chosen.values() for name in steps[step.name].after}
        raise InvalidInputError(
            f"no step of this stage takes {', '.join(sorted(unknown))}",
            remedy=f"it takes {', '.join(sorted(needed)) or 'nothing'}",
        )
    if not chosen:
        raise InvalidInputError(
            f"these targets have no {' or '.join(sorted(stages))} step", remedy="choose another target or command"
        )
    return tuple(chosen.values())


def run_stage(
    session: Session,
    stages: Collection[Stage],
    given: Mapping[str, Path],
    *,
    runner: str,
    options: BuildOptions,
    progress: Progress,
    out: Path | None,
) -> list[tuple[Record, Path]]:
    """Run a stage; returns each record with the folder of its outputs, in ``out`` if that is given.

    The caller holds the store's lock.
    """
    jobs = session.jobs(session.expected_weights())
    steps = select(session.plan(jobs), stages, given)
    if shared.TENSORS in given:
        check_tensors(given[shared.TENSORS], session.recipe.input.shape)
    wanted = {one.path for step in steps for one in step.inputs.values() if isinstance(one, External)}
    if session.expected_weights().absolute() in wanted:
        session.fetch(progress)
    if any(job.images in wanted or job.labels in wanted for _, job in jobs):
        session.check_data(complete=False)
    session.store.sweep()
    engine, _ = executor(session, jobs, runner, options, progress, steps)
    try:
        records = engine.run(Plan(steps, {}))
    finally:
        progress.close()
    made = []
    for step in steps:
        if step.stage not in stages:
            continue
        record = records[step.name]
        folder = session.store.artifact(record.fingerprint)
        if out is not None:
            target = out / step.name
            with os_errors(target):
                shutil.copytree(folder, target, dirs_exist_ok=True)
            folder = target
        made.append((record, folder))
    return made
