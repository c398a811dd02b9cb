"""One stage alone, for people who already have the other artifacts: the same steps, on files of theirs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kit.containers.choice import choose_runner
from kit.containers.images import BuildOptions, Images
from kit.data.tensors import check_tensors
from kit.data.weights import fetch_weights, weights_path
from kit.errors import InvalidInputError, MissingError
from kit.execution.executor import Executor
from kit.execution.progress import Progress
from kit.execution.selection import Selection, image_specs
from kit.planning import common
from kit.planning.planner import Plan, plan
from kit.planning.step import External, Input, Made, Stage, Step
from kit.storage.files import copy_folder
from kit.storage.store import Record, Store

__all__ = ["copy_outputs", "parse_given", "run_stage", "select"]


def parse_given(words: Sequence[str]) -> dict[str, Path]:
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
                f"there is nothing at this path to take the place of {name}", where=path, remedy="check the path"
            )
        found[name] = Path(path).absolute()
    return found


def select(
    plan: Plan, stages: Collection[Stage], given: Mapping[str, Path], shard: int | None = None
) -> tuple[Step, ...]:
    """The steps of these stages and those that they still need, with ``given`` in the place of steps.

    Where the run over the data set is cut into shards and one is chosen, only that ``shard``.

    Raises:
        InvalidInputError: a given name is not a step that anything needs.
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
        if step.stage in stages and step.name not in given and shard in {None, step.shard}:
            add(step)
    unknown = set(given) - used
    if unknown:
        needed = {name for step in chosen.values() for name in steps[step.name].after}
        raise InvalidInputError(
            f"no step of this stage takes {', '.join(sorted(unknown))}",
            remedy=f"it takes {', '.join(sorted(needed)) or 'nothing'}",
        )
    if not chosen and shard:
        raise InvalidInputError(f"there is no shard {shard}", remedy="give their number with --shards")
    if not chosen:
        raise InvalidInputError(
            f"these targets have no {' or '.join(sorted(stages))} step", remedy="choose another target or command"
        )
    return tuple(chosen.values())


def run_stage(
    selection: Selection,
    store: Store,
    stages: Collection[Stage],
    given: Mapping[str, Path],
    *,
    runner: str,
    build: BuildOptions,
    progress: Progress,
    out: Path | None,
    shard: int | None = None,
) -> list[tuple[Record, Path]]:
    """Run a stage, or only a ``shard`` of it; returns each record with the folder of its outputs, in ``out`` if given.

    The caller holds the store's lock.
    """
    recipe, choice = selection.recipe, selection.choice
    weights = weights_path(recipe, store.root, choice.weights)
    jobs = selection.jobs(weights)
    whole = plan(jobs)
    part = replace(whole, steps=select(whole, stages, given, shard))
    if common.TENSORS in given:
        check_tensors(given[common.TENSORS], recipe.input.shape)
    wanted = {one.path for step in part.steps for one in step.inputs.values() if isinstance(one, External)}
    if weights.absolute() in wanted:
        fetch_weights(recipe, store, given=choice.weights, mirror=choice.mirror, progress=progress.progress)
    if selection.images in wanted or selection.labels in wanted:
        selection.check_data(complete=False)
        part = replace(part, steps=_with_labels(part.steps, selection, store))
    store.sweep()
    images = Images(image_specs(jobs), store.root, build, progress.line)
    chosen, _ = choose_runner(runner, images, store.root, part.images)
    records = Executor(store, chosen, progress).run(part)
    return [
        (records[step.name], copy_outputs(store, records[step.name], out / step.name if out else None))
        for step in part.steps
        if step.stage in stages and shard in {None, step.shard}
    ]


def _with_labels(steps: Sequence[Step], selection: Selection, store: Store) -> tuple[Step, ...]:
    """The steps with the label file in the form that they read."""
    made = External(selection.with_labels(store.root).labels)
    given = External(selection.labels)
    return tuple(
        replace(step, inputs={name: made if one == given else one for name, one in step.inputs.items()})
        for step in steps
    )


def copy_outputs(store: Store, record: Record, out: Path | None) -> Path:
    """The folder that holds a step's outputs: ``out``, if they are to be copied there, or the store's own."""
    folder = store.artifact(record.fingerprint)
    if out is None:
        return folder
    copy_folder(folder, out)
    return out
