"""Executes a plan: what the store has is not run again; everything else goes through the runner, one step at a time.

Only the shards of a data set run at once, where each has a device of its own.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kit import host
from kit.containers.runner import Binding, Runner
from kit.data.referenced import referenced_files
from kit.errors import DeviceError, EngineError, KitError, MissingError, ResourceError, StepError
from kit.execution.code import code_digest
from kit.execution.progress import Progress
from kit.execution.together import SharedProgress, all_at_once, groups
from kit.execution.untouched import untouched
from kit.inside.protocol import OWN_LOG
from kit.planning.planner import Plan
from kit.planning.step import Devices, External, Made, Outcome, Step, fingerprint_of, fingerprint_parts
from kit.storage.files import os_errors
from kit.storage.store import Record, Store

__all__ = ["Executor"]

#: Exit code of a program that got SIGKILL.
_KILLED = 137


@dataclass
class Executor:
    """Runs steps, and knows where their outputs are."""

    store: Store
    runner: Runner
    progress: Progress

    def __post_init__(self) -> None:
        self.records: dict[str, Record] = {}
        self._plan = Plan(())
        self._images: dict[str, str] = {}  # one id per image for the whole run, even if another is built during it
        self._digests: dict[Path, str] = {}
        self._preparing = threading.Lock()
        self._parsing = threading.Lock()
        self._stop = threading.Event()

    def run(self, plan: Plan, *, force: Iterable[str] = ()) -> dict[str, Record]:
        """Every step of the plan, in order.

        Args:
            plan: the steps.
            force: names of steps to run again although the store has them.

        Returns:
            the record of each step, by name.
        """
        self._plan = plan
        forced = _chosen(plan, force)
        self.progress.plan(plan.steps)
        try:
            for group in groups(plan.steps):
                made = self._group(group, forced)
                self.records |= {step.name: record for step, record in zip(group, made, strict=True)}
        finally:
            self.progress.close()
        return self.records

    def _group(self, steps: Sequence[Step], forced: Collection[str]) -> list[Record]:
        if len(steps) == 1:
            return [self._one(steps[0], again=steps[0].name in forced)]
        alone, self.progress = self.progress, SharedProgress(self.progress)
        try:
            return all_at_once(lambda step: self._one(step, again=step.name in forced), steps, self._stop)
        finally:
            self.progress = alone

    def _one(self, step: Step, *, again: bool) -> Record:
        image = self._images.get(step.image) or self.runner.image_id(step.image)
        key = self._fingerprint(step, image) if image else ""
        if key and not again:
            record = self.store.find(key)
            if record is not None:
                self.progress.cached(step)
                return record
        self.progress.start(step, "build image" if not image else "")
        try:
            with self._preparing:
                if step.image not in self._images:
                    self._images[step.image] = self.runner.prepare(step.image)
            image = self._images[step.image]
            key = self._fingerprint(step, image)
            if again:
                self.store.forget(key)
            record = None if again else self.store.find(key)
            if record is None:
                record = self._execute(step, key, image)
        except BaseException as error:
            self.progress.failed(step, error)
            raise
        self.progress.done(step, record.seconds)
        return record

    def _fingerprint(self, step: Step, image: str) -> str:
        return fingerprint_of(self._parts(step, image))

    def _parts(self, step: Step, image: str) -> dict[str, Any]:
        inputs = {name: self._input_digest(source) for name, source in step.inputs.items()}
        for name, source in step.inputs.items():
            if isinstance(source, External):  # a file that an input refers to is an input, too
                folder = source.path.parent
                inputs |= {
                    f"{name}/{one}": self._input_digest(External(folder / one)) for one in referenced_files(source.path)
                }
        return fingerprint_parts(
            step,
            image=image,
            inputs=inputs,
            code=self._code(step),
            host=host.identity() if step.timed else None,
        )

    def _code(self, step: Step) -> str:
        with self._parsing:  # shards ask at once, and Python 3.11 parses in one thread only
            return code_digest(step.code)

    def _input_digest(self, source: External | Made) -> str:
        if isinstance(source, External):
            if source.path not in self._digests:
                self._digests[source.path] = self.store.tree(source.path)
            return self._digests[source.path]
        record = self.records[source.step]
        digest = record.digest_of(source.file) if source.file else record.digest
        if digest is None:
            raise StepError(f"step {source.step} made no {source.file}", remedy=f"run again with --force {source.step}")
        return digest

    def _input_path(self, source: External | Made) -> Path:
        if isinstance(source, External):
            return source.path
        folder = self.store.artifact(self.records[source.step].fingerprint)
        return folder / source.file if source.file else folder

    def _execute(self, step: Step, key: str, image: str) -> Record:
        logs = self.store.new_logs(key)
        with self.store.partial(key) as partial:
            binding = Binding(
                fingerprint=key,
                inputs={name: self._input_path(source).absolute() for name, source in step.inputs.items()},
                out=partial,
                logs=logs,
                image_id=image,
                stop=self._stop,
            )
            started = datetime.now(UTC).isoformat(timespec="seconds")
            with os_errors(self.store.root), untouched(step.name, self._read(step), self.store.root):
                outcome = self._run(step, binding)
                self._check(step, outcome)
            if step.keep_output:
                with os_errors(self.store.root):
                    for stream in (outcome.stdout, outcome.stderr):
                        shutil.copyfile(stream, partial / stream.name)
            record = Record(
                fingerprint=key,
                step=step.name,
                stage=step.stage,
                batch=step.batch,
                image=step.image,
                runner=self.runner.name,
                parts=self._parts(step, image),
                started=started,
                seconds=round(outcome.seconds, 3),
                exit_code=outcome.exit_code,
                host=host.describe() | self.runner.host(),
            )
            return self.store.commit(record, partial, step.outputs)

    def _read(self, step: Step) -> set[Path]:
        """What the step reads, and the files that any step reads: weights of a later one must stay as they are, too."""
        files = {one.path for other in self._plan.steps for one in other.inputs.values() if isinstance(one, External)}
        return {self._input_path(source) for source in step.inputs.values()} | {
            path for path in files if path.is_file()
        }

    def _run(self, step: Step, binding: Binding) -> Outcome:
        """Run the step; the target may explain what the engine says about its devices."""
        try:
            return self.runner.run(step, binding, self.progress)
        except (EngineError, DeviceError) as error:
            explain = getattr(self._plan.owners.get(step.name, (None,))[0], "explain", None)
            known = explain(error.what) if explain and step.devices != Devices() else None
            if known is None:
                raise
            raise known from error
        except KitError as error:
            if error.where != OWN_LOG:
                raise
            raise type(error)(error.what, where=str(binding.logs / OWN_LOG), remedy=error.remedy) from error

    def _check(self, step: Step, outcome: Outcome) -> None:
        if outcome.oom:
            limit = step.limits.memory_bytes / (1 << 30)
            raise ResourceError(
                f"step {step.name} ran out of memory and was killed; its limit is {limit:g} GiB",
                where=str(outcome.stderr),
                remedy="give the machine more memory, or choose smaller batches",
            )
        if outcome.exit_code == _KILLED:
            raise ResourceError(
                f"step {step.name} was killed from outside: by a person, the engine's end, or a machine without memory",
                where=str(outcome.stderr),
                remedy="check that the engine runs and memory is free, then run the same command again",
            )
        if step.name in self._plan.owners:
            target, job = self._plan.owners[step.name]
            target.check_outcome(job, step, outcome)
        if outcome.exit_code in {126, 127} and not step.code:
            raise EngineError(
                f"the program of step {step.name} is not in its image (exit code {outcome.exit_code})",
                where=str(outcome.stderr),
                remedy=f"rebuild the image with `kit build {step.image} --no-cache`",
            )
        if outcome.exit_code:
            raise StepError(
                f"step {step.name} failed with exit code {outcome.exit_code}: {_tail(outcome)}",
                where=str(outcome.stderr),
                remedy="read the log there; -v shows it while it runs",
            )


def _chosen(plan: Plan, force: Iterable[str]) -> set[str]:
    names = {step.name for step in plan.steps}
    chosen = set()
    for name in force:
        found = {one for one in names if one == name or one.endswith(f"/{name}")}
        if name == "all":
            found = names
        if not found:
            raise MissingError(
                f"there is no step {name!r} in this plan", remedy=f"choose among {', '.join(sorted(names))}"
            )
        chosen |= found
    return chosen


def _tail(outcome: Outcome) -> str:
    """The last line that the program printed."""
    for stream in (outcome.stderr, outcome.stdout):
        try:
            lines = stream.read_bytes()[-4000:].decode("utf-8", "replace").splitlines()
        except OSError:
            continue
        words = [line.strip() for line in lines if line.strip()]
        if words:
            return words[-1][:500]
    return "it said nothing"
