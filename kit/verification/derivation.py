"""From raw outputs to results, once more: what a verification derives must be what the results say, field by field."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from kit.errors import KitError
from kit.execution.assembly import assemble
from kit.planning.planned import settings
from kit.planning.planner import Plan, plan
from kit.planning.step import External
from kit.planning.target import Job, Target, target_of
from kit.planning.task import task_of
from kit.recipe.schema import Recipe
from kit.results.evidence import all_evidence, field_name
from kit.results.outputs import Outputs
from kit.results.places import read_again, same
from kit.results.resultsfile import Planned, Results
from kit.storage.digests import FileDigest
from kit.storage.store import Record
from kit.terminal import shortened
from kit.verification import records as chain
from kit.verification.link import Link
from kit.verification.raw_outputs import RawOutputs

__all__ = ["derive", "differences"]

_MISSING = object()


def derive(results: Results, recipe: Recipe, sources: RawOutputs) -> Iterator[Link]:
    """Every link from the recipe and the raw outputs of a target to its results, in this order."""
    name = results.target
    subject = f"results/{name}.json"
    planned = results.planned
    if planned is None:
        yield Link(subject, "unproven", "it does not say what it was planned from: an older kit wrote it")
        return
    if name not in recipe.targets:
        yield Link(subject, "wrong", f"the recipe has no target {name}")
        return
    changes = list(_settings(subject, recipe, planned, name))
    yield from changes
    records: dict[str, Record] = {}
    missing = False
    for run in results.runs:
        try:
            record = sources.record(run)
        except (KitError, ValueError, TypeError, KeyError) as error:
            what = error.what if isinstance(error, KitError) else "the kept record is damaged"
            yield Link(f"{name}: {run.step}", "wrong", what)
            return
        if record is None:
            missing = True
            yield Link(f"{name}: {run.step}", "unproven", "its record and outputs are not on this machine")
            continue
        found = list(chain.check_record(f"{name}: {run.step}", run, record))
        yield from found
        if any(link.state == "wrong" for link in found):
            return
        records[run.step] = record
    if missing:
        return
    yield from chain.check_files(results, records, sources)
    yield from _from_records(results, recipe, planned, records, sources, changed=bool(changes))


def _settings(subject: str, recipe: Recipe, planned: Planned, target: str) -> Iterator[Link]:
    for place, ran, now in differences(planned.recipe, settings(recipe, target)):
        yield Link(
            f"{subject}: recipe: {place}", "wrong", f"the run had {_shown(ran)}, the recipe now says {_shown(now)}"
        )
    for batch in planned.batches:
        if batch not in recipe.batches_of(target):
            yield Link(f"{subject}: planned.batches", "wrong", f"batch {batch} is not in the recipe")


def _from_records(
    results: Results,
    recipe: Recipe,
    planned: Planned,
    records: Mapping[str, Record],
    sources: RawOutputs,
    *,
    changed: bool,
) -> Iterator[Link]:
    name = results.target
    subject = f"results/{name}.json"
    job = Job(
        recipe=recipe,
        target=name,
        batches=planned.batches,
        weights=recipe.folder / "weights",  # the paths do not matter here; the records have the digests
        images=recipe.folder / "images",
        labels=recipe.folder / "labels",
        simulate=any(record.simulated for record in records.values()),
        device=planned.device,
        devices=planned.devices,
        shards=planned.shards or 1,
        options=recipe.targets[name].options,
    )
    try:
        job = replace(job, task=task_of(recipe))
        target = target_of(recipe, name)
        steps = plan([(target, job)])
    except KitError as error:
        yield Link(subject, "unproven", f"its steps cannot be planned here: {error.what}")
        return
    mine = {step.name: step for step in steps.steps}
    for step in sorted(mine.keys() ^ records.keys()):
        which = "no record backs it" if step in mine else "the recipe plans no such step"
        yield Link(f"{subject}: runs: {step}", "wrong", which)
    if mine.keys() != records.keys():
        return
    if not changed:  # otherwise the changed recipe has been reported already
        yield from chain.check_steps(name, mine, records)
    weights = _weights(results, job, steps, records, sources)
    yield from chain.check_inputs(name, mine, records, {job.weights: weights.sha256})
    with tempfile.TemporaryDirectory(prefix="kit-verify-") as place:
        yield from _read(results, target, job, steps, records, sources, weights, Path(place))


def _weights(results: Results, job: Job, steps: Plan, records: Mapping[str, Record], sources: RawOutputs) -> FileDigest:
    """The checkpoint that the steps took: the file's own digests where it is here, otherwise what was recorded."""
    if sources.weights is not None:
        return sources.weights
    taken = [
        records[step.name].inputs[key]
        for step in steps.steps
        for key, source in step.inputs.items()
        if isinstance(source, External) and source.path == job.weights
    ]
    stated = next((one for one in results.artifacts if one.step == "weights"), None)
    wanted = job.recipe.weights
    md5 = wanted.md5 or (stated.md5 if stated else None) or ""
    return FileDigest(wanted.sha256 or next(iter(taken), ""), md5, stated.bytes if stated else 0)


def _read(
    results: Results,
    target: Target,
    job: Job,
    steps: Plan,
    records: Mapping[str, Record],
    sources: RawOutputs,
    weights: FileDigest,
    place: Path,
) -> Iterator[Link]:
    """Read the outputs again with the target's own readers."""
    subject = f"results/{results.target}.json"
    outputs = Outputs.of_records(records, lambda fingerprint: sources.folder(fingerprint, place))
    try:
        derived = assemble(target, job, steps, records, outputs, weights)
    except KitError as error:
        for (step, file), output in outputs.read.items():
            if not output.path.exists() and records[step].digest_of(file):
                yield Link(subject, "unproven", f"{step}/{file} is not on this machine, and was too large to be kept")
                return
        yield Link(subject, "wrong", f"the outputs cannot be read: {error}")
        return
    differs = False
    for field, stated, true in differences(results.model_dump(mode="json"), derived.model_dump(mode="json")):
        differs = True
        yield Link(f"{subject}: {field}", "wrong", f"it says {_shown(stated)}, the outputs say {_shown(true)}")
    if not differs:
        yield Link(subject, "ok", "every field follows from the raw outputs")
        yield from _places(subject, derived, sources)


def _places(subject: str, derived: Results, sources: RawOutputs) -> Iterator[Link]:
    """Each number, read at the place that its evidence names."""
    read, data_of = 0, lru_cache(maxsize=8)(sources.data)  # hundreds of numbers come from a handful of files
    for field, value, evidence in all_evidence(derived):
        data = data_of(evidence.fingerprint, evidence.file, evidence.reader)
        try:
            again = read_again(data or b"", evidence)
        except KitError as error:
            yield Link(f"{subject}: {field}", "wrong", str(error))
            continue
        read += 1
        if not same(value, again):
            yield Link(f"{subject}: {field}", "wrong", f"{evidence.place} of {evidence.file} holds {again}")
    for model, prefix in (
        *((one, f"throughput[{index}]") for index, one in enumerate(derived.throughput)),
        *((one, f"metrics[{index}]") for index, one in enumerate(derived.metrics)),
        *((one, name) for name, one in (("accuracy", derived.accuracy), ("parity", derived.parity)) if one),
    ):
        for field in model.unproven():
            yield Link(f"{subject}: {prefix}.{field}", "unproven", "the target gives no evidence for it")
    yield Link(f"{subject}: evidence", "ok", f"{read} values read again at their places")


def differences(stated: Any, true: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str, Any, Any]]:
    """Where two trees of JSON data differ: name of the place, and what each has there; None for nothing."""
    # A section that the other lacks is named by what is in it.
    stated = {} if stated is _MISSING and isinstance(true, dict) and true else stated
    true = {} if true is _MISSING and isinstance(stated, dict) and stated else true
    if isinstance(stated, dict) and isinstance(true, dict):
        for key in sorted(stated.keys() | true.keys()):
            yield from differences(stated.get(key, _MISSING), true.get(key, _MISSING), (*place, key))
    elif isinstance(stated, list) and isinstance(true, list) and len(stated) == len(true):
        for index, (one, other) in enumerate(zip(stated, true, strict=True)):
            yield from differences(one, other, (*place, index))
    elif stated is _MISSING or true is _MISSING or type(stated) is not type(true) or stated != true:
        yield field_name(*place), None if stated is _MISSING else stated, None if true is _MISSING else true


def _shown(value: Any) -> str:
    return shortened(repr(value), 120)
