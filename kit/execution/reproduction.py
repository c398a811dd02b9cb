"""``kit reproduce``: from a recipe to a report, through every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kit.containers.images import BuildOptions
from kit.errors import EngineError
from kit.execution.executor import Executor
from kit.execution.progress import Progress
from kit.execution.session import Session, make_images, make_runner
from kit.results.assembly import collect
from kit.results.schema import Results, load_all, results_text
from kit.storage.files import exclusive, write_atomically

if TYPE_CHECKING:
    from kit.planning.step import Step
    from kit.planning.target import Job, Target

__all__ = ["Reproduction", "executor", "report_folder", "reproduce", "write_report"]


@dataclass(frozen=True)
class Reproduction:
    """What came out: the results of each target and the files that changed."""

    results: dict[str, Results]
    folder: Path
    changed: tuple[str, ...]
    notices: tuple[str, ...] = field(default=())


def executor(
    session: Session,
    jobs: Sequence[tuple[Target, Job]],
    runner_name: str,
    options: BuildOptions,
    progress: Progress,
    steps: Sequence[Step] | None = None,
) -> tuple[Executor, str]:
    """An executor for the plan of these jobs, or some steps of it, and a notice where it does not use containers."""
    plan = session.plan(jobs)
    images = make_images(session, jobs, options, progress)
    needed = list(dict.fromkeys(step.image for step in (plan.steps if steps is None else steps)))
    runner, notice = make_runner(runner_name, images, session.store, needed)
    judges = {name: (target, job) for target, job in jobs for name in plan.of_target[job.target]}
    return Executor(session.store, runner, progress, judges), notice


def reproduce(
    session: Session,
    reports: Path,
    *,
    runner: str,
    options: BuildOptions,
    progress: Progress,
    force: Sequence[str] = (),
) -> Reproduction:
    """Run every step that the store does not have, then write results and report.

    The caller holds the store's lock.
    """
    session.check_data()
    weights, digest = session.fetch(progress)
    jobs = session.jobs(weights)
    session.store.sweep()
    engine, notice = executor(session, jobs, runner, options, progress)
    if engine.runner.containerized:
        _remove_dead_containers(session)
    plan = session.plan(jobs)
    try:
        records = engine.run(plan, force=force)
    finally:
        progress.close()
    results = {job.target: collect(target, job, plan, records, session.store, digest) for target, job in jobs}
    folder = report_folder(session, reports)
    changed = write_report(session, results, folder)
    return Reproduction(results, folder, changed, (notice,) if notice else ())


def report_folder(session: Session, reports: Path) -> Path:
    """``reports/<model>``; a rehearsal has its own folder in it, so that it never replaces what was measured."""
    folder = reports / session.recipe.model.name
    return folder / "simulated" if session.choice.simulate else folder


def write_report(session: Session, results: dict[str, Results], folder: Path) -> tuple[str, ...]:
    """Write the results of this run and the report over all results of the folder; returns what changed.

    One kit at a time: a report that another one renders meanwhile would lack what this one measured.
    """
    from kit.reports.folder import rendered, write

    changed = []
    with exclusive(folder.parent if session.choice.simulate else folder):
        for name, one in results.items():
            path = folder / "results" / f"{name}.json"
            if write_atomically(path, results_text(one).encode()):
                changed.append(f"results/{name}.json")
        changed += write(folder, rendered(session.recipe, folder, load_all(folder)))
    return tuple(changed)


def _remove_dead_containers(session: Session) -> None:
    """Containers of a run that was killed: under the store's lock, all that carry its name are dead ones."""
    marker = session.store.root / "containers"
    if not marker.exists():
        return
    from kit.containers.docker import leftovers

    try:
        for container in leftovers(session.store.root):
            container.remove(force=True, v=True)
    except EngineError:
        return  # nothing will run without the engine either; the marker stays for the next time
    marker.unlink(missing_ok=True)
