"""What a run made -> the results of each target: measurements, commands, artifacts, records."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from kit.errors import DamagedError
from kit.planning.planner import Plan
from kit.planning.step import Step
from kit.planning.target import Job, Target
from kit.results.schema import Artifact, Command, Parity, Results, Run
from kit.storage.digests import FileDigest
from kit.storage.store import Record, Store

__all__ = ["collect"]

_WORD = re.compile(r"\{in:([A-Za-z0-9_-]+)\}")
#: Folders with more files than this are listed by their tree digest.
_FEW = 64


def collect(
    target: Target,
    job: Job,
    plan: Plan,
    records: Mapping[str, Record],
    store: Store,
    weights: FileDigest,
) -> Results:
    """The results of one target, from the store alone: the same records give the same bytes."""
    names = plan.of_target[job.target]
    steps = {step.name: step for step in plan.steps if step.name in names}
    mine = {name: records[name] for name in names}
    folders = {name: store.artifact(record.fingerprint) for name, record in mine.items()}
    reading = target.read(job, folders)
    timed = [record for name, record in mine.items() if steps[name].timed] or list(mine.values())
    containerized = all(record.runner == "docker" for record in mine.values())
    return Results(
        model=job.recipe.model.name,
        target=job.target,
        source="simulated" if any(record.simulated for record in mine.values()) else "measured",
        toolchain=reading.toolchain or target.toolchain,
        hardware=reading.hardware or target.hardware,
        containerized=containerized,
        accuracy=reading.accuracy,
        throughput=reading.throughput,
        parity=_parity(steps, folders),
        environment=dict(sorted(reading.environment.items())),
        host={**timed[-1].host, **reading.host},
        images={record.image: record.image_id for record in mine.values()},
        notes=reading.notes,
        commands=tuple(
            Command(stage=step.stage, argv=_shown(step), batch=step.batch, step=name) for name, step in steps.items()
        ),
        artifacts=(
            Artifact(
                step="weights",
                path=job.recipe.weights.filename,
                sha256=weights.sha256,
                md5=weights.md5,
                bytes=weights.bytes,
            ),
            *(artifact for record in mine.values() for artifact in _artifacts(record)),
        ),
        runs=tuple(
            Run(
                step=name,
                fingerprint=record.fingerprint,
                image=record.image_id,
                started=record.started,
                seconds=record.seconds,
                exit_code=record.exit_code,
            )
            for name, record in mine.items()
        ),
    )


def _shown(step: Step) -> tuple[str, ...]:
    """The command with its files by their plain names."""

    def word(text: str) -> str:
        text = _WORD.sub(lambda match: match[1], text)
        return text.replace("{out}/", "").replace("{out}", ".").replace("{code}", "kit")

    return tuple(word(text) for text in step.argv)


def _artifacts(record: Record) -> list[Artifact]:
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
                step=record.step,
                path=top if single else f"{top}/",
                sha256=digest,
                md5=md5 or None,
                bytes=sum(file.bytes for file in below),
            )
        )
    return found


def _parity(steps: Mapping[str, Step], folders: Mapping[str, Path]) -> Parity | None:
    for name, step in steps.items():
        if step.stage == "parity":
            path = folders[name] / "parity.json"
            try:
                tree = json.loads(path.read_bytes())
                return Parity(**{field: tree[field] for field in Parity.model_fields})
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise DamagedError(
                    "the parity result cannot be read", where=str(path), remedy=f"run again with --force {name}"
                ) from error
    return None
