"""The records of a run, as they are checked: fingerprints from their parts, inputs from the outputs before, files.

The chain goes forward: what a step took must be what an earlier step made, and what it made must still be there.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from kit.errors import KitError
from kit.planning.step import External, Step, fingerprint_of, fingerprint_parts
from kit.results.kept import Kept
from kit.results.resultsfile import Results, Run
from kit.storage.store import Record
from kit.verification.link import Link
from kit.verification.raw_outputs import RawOutputs

__all__ = ["around_difference", "check_archive", "check_files", "check_inputs", "check_record", "check_steps"]

#: Parts of a fingerprint that the plan decides on any machine: devices and environment depend on the host.
_PLANNED = ("argv", "workdir", "links", "outputs", "limits", "simulated", "root", "keep_output")


#: Characters of a command that a message quotes.
_SHOWN = 120


def check_record(subject: str, run: Run, record: Record) -> Iterator[Link]:
    """Whether a record is the one that the results quote, and its fingerprint the digest of its parts."""
    if record.fingerprint != run.fingerprint:
        yield Link(subject, "wrong", f"the record is that of step {record.step}")
    elif fingerprint_of(record.parts) != record.fingerprint:
        yield Link(subject, "wrong", "the record's fingerprint is not the digest of its parts")
    elif run.record != record.sha256:
        yield Link(subject, "wrong", f"the record's digest is {record.sha256}, the results say {run.record}")
    else:
        yield Link(subject, "ok", f"fingerprint {record.fingerprint}")


def check_steps(target: str, steps: Mapping[str, Step], records: Mapping[str, Record]) -> Iterator[Link]:
    """Whether what ran is what the recipe plans: the command of each step and all that no machine changes."""
    for name, step in steps.items():
        record = records[name]
        here = fingerprint_parts(step, image="", inputs={}, code="")
        known: dict[str, tuple[object, object]] = {part: (here[part], record.parts.get(part)) for part in _PLANNED}
        known |= {"stage": (step.stage, record.stage), "image": (step.image, record.image)}
        if record.step == name:  # steps that make the same share one record
            known["batch"] = (step.batch, record.batch)
        known["argv"] = (_portable(here["argv"], platform.machine()), _portable(record.parts["argv"], _machine(record)))
        for part, (planned, ran) in known.items():
            if planned != ran:
                found, wanted = around_difference(repr(ran), repr(planned))
                message = f"its {part} is not what the recipe plans: {found} and not {wanted}"
                yield Link(f"{target}: {name}", "wrong", message)
                break


def around_difference(one: str, other: str) -> list[str]:
    """Both texts, where they are short; else what stands where they begin to differ."""
    if len(one) <= _SHOWN >= len(other):
        return [one, other]
    pairs = enumerate(zip(one, other, strict=False))
    same = next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
    start = max(0, same - _SHOWN // 4)
    end = start + _SHOWN
    return [f"{'…' * (start > 0)}{text[start:end]}{'…' * (len(text) > end)}" for text in (one, other)]


def _machine(record: Record) -> str:
    return record.host.get("architecture", "")


def _portable(argv: Sequence[str], machine: str) -> list[str]:
    """A command without the architecture in a tool's name: ``benchmark.x86_64`` is ``benchmark.aarch64`` elsewhere."""
    return [word.removesuffix(f".{machine}") if index == 0 else word for index, word in enumerate(argv)]


def check_inputs(
    target: str, steps: Mapping[str, Step], records: Mapping[str, Record], given: Mapping[Path, str]
) -> Iterator[Link]:
    """Whether each step took what the steps before it made.

    Args:
        target: for the subject of a link.
        steps: the plan.
        records: the record of each step.
        given: digests of the inputs that come from outside, where they are known.
    """
    for name, step in steps.items():
        inputs = records[name].inputs
        through = [key for key in inputs if _external(step, key) is not None]
        if set(inputs) - set(through) != set(step.inputs):
            yield Link(f"{target}: {name}", "wrong", f"it took {sorted(inputs)}, planned are {sorted(step.inputs)}")
            continue
        for key in through:
            if (here := given.get(_external(step, key) or Path(), inputs[key])) != inputs[key]:
                message = f"its input {key} is not the file that is there: {inputs[key]} and not {here}"
                yield Link(f"{target}: {name}", "wrong", message)
        for key, source in step.inputs.items():
            if isinstance(source, External):
                made = given.get(source.path, inputs[key])
            else:
                before = records[source.step]
                made = (before.digest_of(source.file) if source.file else before.digest) or "nothing"
            if inputs[key] != made:
                origin = "of the recipe" if isinstance(source, External) else f"that {source.step} made"
                yield Link(
                    f"{target}: {name}",
                    "wrong",
                    f"its input {key} is not the one {origin}: {inputs[key]} and not {made}",
                )


def _external(step: Step, key: str) -> Path | None:
    """The path of an input ``NAME/FILE``: a file next to the input NAME from outside, which is read through it."""
    name, _, file = key.partition("/")
    source = step.inputs.get(name)
    return source.path.parent / file if file and isinstance(source, External) else None


def check_files(results: Results, records: Mapping[str, Record], sources: RawOutputs) -> Iterator[Link]:
    """Whether the files of each step are what its record says, wherever they are."""
    for name, record in records.items():
        folder = sources.stored(record.fingerprint)
        listed = [one for one in results.artifacts if one.step == name]
        if folder is None:
            for one in listed:
                subject = f"{results.target}: {name}/{one.path}"
                if (record.fingerprint, one.path) in sources.kept.files:
                    yield Link(subject, "ok", "kept next to the results")
                else:
                    yield Link(subject, "absent", "it is not in this store")
            continue
        try:
            changed = sources.store.changed(record, full=True)
        except KitError as error:
            yield Link(f"{results.target}: {name}", "wrong", error.what, str(folder))
            continue
        for path in changed:
            message = "it is not what the record says" if (folder / path).exists() else "it is missing"
            yield Link(f"{results.target}: {name}/{path}", "wrong", message, str(folder / path))
        for one in listed:
            if not any(path == one.path or path.startswith(one.path) for path in changed):
                yield Link(f"{results.target}: {name}/{one.path}", "ok", f"sha256 {one.sha256}", str(folder / one.path))


def check_archive(results: Results, kept: Kept, path: Path) -> Iterator[Link]:
    """Whether the archive next to the results holds what the results quote, and nothing else."""
    subject = f"results/{path.name}"
    if not kept.records:
        yield Link(subject, "unproven", "the archive of raw outputs is missing: without the store nothing is proven")
        return
    quoted = {run.fingerprint: run.record for run in results.runs}
    problems = [f"record {one} belongs to no run" for one in sorted(kept.records.keys() - quoted.keys())]
    problems += [f"the record of {run.step} is missing" for run in results.runs if run.fingerprint not in kept.records]
    for fingerprint, data in kept.records.items():
        if fingerprint in quoted and hashlib.sha256(data).hexdigest() != quoted[fingerprint]:
            problems.append(f"record {fingerprint} is not the one that the results quote")
    problems += list(_wrong_files(kept))
    for problem in problems:
        yield Link(subject, "wrong", problem, str(path))
    if not problems:
        yield Link(subject, "ok", f"{len(kept.records)} records, {len(kept.files)} files", str(path))


def _wrong_files(kept: Kept) -> Iterator[str]:
    for (fingerprint, name), data in kept.files.items():
        try:
            record = Record.from_proof(kept.records[fingerprint])
            digest = record.digest_of(name)
        except (ValueError, TypeError, KeyError):
            yield f"{fingerprint}/{name} has no record"
            continue
        if hashlib.sha256(data).hexdigest() != digest:
            yield f"{record.step}/{name} is not what its record says"
