"""From the outputs of a run to the results of each target: measurements, commands, artifacts, records."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from kit.errors import DamagedError
from kit.planning.planned import planned_from
from kit.planning.planner import Plan
from kit.planning.step import Made, Step
from kit.planning.target import Job, Target
from kit.recipe.sentences import sentence
from kit.results.evidence import Evidence, Raw, field_name, measurement
from kit.results.kept import SUFFIX, pack
from kit.results.outputs import Outputs
from kit.results.resultsfile import Artifact, Command, Parity, Results
from kit.storage.digests import FileDigest
from kit.storage.store import Record, Store

__all__ = ["assemble", "assemble_all"]

_WORD = re.compile(r"\{in:([A-Za-z0-9_-]+)\}")
#: Folders with more files than this are listed by their tree digest.
_FEW = 64


def assemble_all(
    jobs: Sequence[tuple[Target, Job]],
    plan: Plan,
    records: Mapping[str, Record],
    store: Store,
    weights: FileDigest,
    folder: Path,
) -> tuple[dict[str, Results], dict[str, bytes]]:
    """The results of each target, and the archive of raw outputs that proves them; ``folder`` has those of before.

    Raises:
        DamagedError, StepError: as :func:`assemble`.
    """
    results, archives = {}, {}
    for target, job in jobs:
        mine = {name: records[name] for name in plan.of_target[job.target]}
        outputs = Outputs.of_records(mine, store.artifact)
        results[job.target] = assemble(target, job, plan, mine, outputs, weights)
        archives[job.target] = pack(mine, outputs, folder / "results" / f"{job.target}{SUFFIX}")
    return results, archives


def assemble(
    target: Target,
    job: Job,
    plan: Plan,
    records: Mapping[str, Record],
    outputs: Outputs,
    weights: FileDigest,
) -> Results:
    """The results of one target.

    The same records and outputs give the same results: `kit verify` calls this again and compares.

    Args:
        target: the target.
        job: what it planned from.
        plan: its steps.
        records: the record of each step, by name.
        outputs: the outputs of each step.
        weights: digests of the checkpoint.

    Raises:
        DamagedError: an output cannot be read.
        StepError: the outputs contradict themselves.
    """
    names = plan.of_target[job.target]
    steps = {step.name: step for step in plan.steps if step.name in names}
    mine = {name: records[name] for name in names}
    reading = target.read(job, outputs)
    last = ([name for name in names if steps[name].timed] or list(names))[-1]
    sums = {name: record.sha256 for name, record in mine.items()}  # once: a record may name 50,000 files
    try:
        return measurement(
            Results,
            model=job.recipe.model.name,
            target=job.target,
            source="simulated" if any(record.simulated for record in mine.values()) else "measured",
            toolchain=reading.toolchain or target.toolchain,
            hardware=reading.hardware or target.hardware,
            containerized=all(record.runner == "docker" for record in mine.values()),
            planned=planned_from(target, job),
            accuracy=reading.accuracy,
            metrics=reading.metrics,
            throughput=reading.throughput,
            parity=_parity(steps, outputs),
            environment=dict(sorted(reading.environment.items())),
            host={**{key: _recorded(mine[last], sums[last], "host", key) for key in mine[last].host}, **reading.host},
            images={record.image: record.image_id for record in mine.values()},
            notes=reading.notes,
            commands=[
                Command(stage=step.stage, argv=_shown(step), batch=step.batch, step=name)
                for name, step in steps.items()
            ],
            artifacts=[
                Artifact(
                    step="weights",
                    path=job.recipe.weights.filename,
                    sha256=weights.sha256,
                    md5=weights.md5,
                    bytes=weights.bytes,
                ),
                *(artifact for name, record in mine.items() for artifact in _artifacts(name, record)),
            ],
            runs=[
                {
                    "step": name,
                    "fingerprint": record.fingerprint,
                    "record": sums[name],
                    "image": record.image_id,
                    "started": _recorded(record, sums[name], "started"),
                    "seconds": _recorded(record, sums[name], "seconds"),
                    "exit_code": record.exit_code,
                    "after": steps[name].after,
                }
                for name, record in mine.items()
            ],
        )
    except ValidationError as error:
        raise DamagedError(
            f"the outputs of {job.target} make no results: {sentence(error)}",
            remedy="run `kit reproduce` again",
        ) from error


def _recorded(record: Record, sha256: str, *key: str) -> Raw[object]:
    """A value of a step's record, whose digest is given."""
    value = vars(record)
    for part in key:
        value = value[part]
    evidence = Evidence(
        step=record.step,
        fingerprint=record.fingerprint,
        file="record.json",
        sha256=sha256,
        reader="record",
        place=field_name(*key),
    )
    return Raw(value, evidence)


def _shown(step: Step) -> tuple[str, ...]:
    """The command with the plain names of its files."""

    def word(text: str) -> str:
        text = _WORD.sub(lambda match: _plain_name(step, match[1]), text)
        return text.replace("{out}/", "").replace("{out}", ".").replace("{code}", "kit")

    return tuple(word(text) for text in step.argv)


def _plain_name(step: Step, name: str) -> str:
    """An input as a command shows it: a vendor's tool takes a file under its own name."""
    source = step.inputs[name]
    return source.file if isinstance(source, Made) and source.file and not step.code else name


def _artifacts(step: str, record: Record) -> list[Artifact]:
    if len(record.files) > _FEW:
        tops = sorted({file.path.split("/")[0] for file in record.files})
    else:
        tops = [file.path for file in record.files]
    found = []
    for top in tops:
        below = [file for file in record.files if file.path == top or file.path.startswith(top + "/")]
        digest = record.digest_of(top)
        if digest is None:
            continue
        single = len(below) == 1 and below[0].path == top
        md5 = below[0].md5 if single else ""
        found.append(
            Artifact(
                step=step,
                path=top if single else f"{top}/",
                sha256=digest,
                md5=md5 or None,
                bytes=sum(file.bytes for file in below),
            )
        )
    return found


def _parity(steps: Mapping[str, Step], outputs: Outputs) -> Parity | None:
    for name, step in steps.items():
        if step.stage == "parity":
            output = outputs.file(name, "parity.json")
            fields = [field for field in Parity.model_fields if field != "evidence"]
            try:
                return measurement(Parity, **{field: output.key(field) for field in fields})
            except ValidationError as error:
                raise DamagedError(
                    "the parity result cannot be read", where=str(output.path), remedy=f"run again with --force {name}"
                ) from error
    return None
