"""``kit reproduce``: from a recipe to a report, through every step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kit.containers.choice import choose_runner
from kit.containers.docker import remove_leftovers
from kit.containers.images import BuildOptions, Images
from kit.data.weights import fetch_weights
from kit.execution.assembly import assemble_all
from kit.execution.executor import Executor
from kit.execution.progress import Progress
from kit.execution.selection import Selection, image_specs
from kit.planning.planner import plan
from kit.reports.folder import update_report
from kit.results.reportparts import HERE, is_tracked, part
from kit.results.resultsfile import Results, load_all
from kit.storage.store import Store

__all__ = ["Reproduction", "report_folder", "reproduce"]


@dataclass(frozen=True)
class Reproduction:
    """What came out: the results of each target, the files that changed, and what the user must know."""

    results: dict[str, Results]
    folder: Path
    changed: tuple[str, ...]
    notice: str = ""
    committed: Mapping[str, Results] = field(default_factory=dict)  # of the tracked report, which was left as it is


def reproduce(
    selection: Selection,
    store: Store,
    reports: Path,
    *,
    runner: str,
    build: BuildOptions,
    progress: Progress,
    force: Sequence[str] = (),
    update: bool = False,
) -> Reproduction:
    """Run every step that the store does not have, then write results and report.

    The caller holds the store's lock.

    Raises:
        KitError: data, weights, engine, device or a step is not as it should be; what is finished is kept.
    """
    recipe, choice = selection.recipe, selection.choice
    selection.check_data()
    selection = selection.with_labels(store.root)
    weights, digest = fetch_weights(
        recipe, store, given=choice.weights, mirror=choice.mirror, progress=progress.progress
    )
    jobs = selection.jobs(weights)
    planned = plan(jobs)
    store.sweep()
    images = Images(image_specs(jobs), store.root, build, progress.line)
    chosen, notice = choose_runner(runner, images, store.root, planned.images)
    if chosen.containerized:
        remove_leftovers(store.root)
    records = Executor(store, chosen, progress).run(planned, force=force)
    folder = report_folder(selection, reports, update=update)
    results, archives = assemble_all(jobs, planned, records, store, digest, folder)
    changed = update_report(recipe, folder, results, archives, simulated=choice.simulate)
    committed = load_all(folder.parent) if folder.name == HERE else {}
    return Reproduction(results, folder, changed, notice, committed)


def report_folder(selection: Selection, reports: Path, *, update: bool = False) -> Path:
    """``reports/<model>``, or a folder in it: of a rehearsal, and of a run next to a report that git tracks.

    ``update``: replace the tracked report itself.
    """
    folder = reports / selection.recipe.model.name
    simulate = selection.choice.simulate
    return part(folder, simulated=simulate, here=not simulate and not update and is_tracked(folder))
