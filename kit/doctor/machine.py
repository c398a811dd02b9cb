"""The checks of a run: the machine's, then each target's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit import doctor
from kit.doctor import dataset, disk, engine, images, memory, weights

if TYPE_CHECKING:
    from pathlib import Path

    from kit.containers.images import BuildOptions
    from kit.doctor import Check, Finding
    from kit.execution.selection import Selection
    from kit.storage.store import Store

__all__ = ["bare", "examine", "look_at_targets"]


def bare() -> dict[str, list[tuple[Check, Finding]]]:
    """The checks that need no recipe."""
    return {"machine": doctor.run([engine.check(), memory.check()])}


def examine(selection: Selection, store: Store, options: BuildOptions) -> dict[str, list[tuple[Check, Finding]]]:
    """Findings by section: ``machine``, then ``target NAME`` for every chosen target."""
    from kit.containers.images import Images
    from kit.data.weights import weights_path
    from kit.execution.selection import image_specs
    from kit.planning.planner import plan

    recipe = selection.recipe
    file = weights_path(recipe, store.root, selection.choice.weights)
    jobs = selection.jobs(file)
    planned = plan(jobs)
    made = Images(image_specs(jobs), store.root, options, lambda _: None)
    # Steps of these names are done already; if outdated, their outputs take space twice.
    done = frozenset(record.step for record in store.records())

    def look_at_data() -> None:
        selection.check_data(complete=False)

    data = (
        dataset.check(recipe, selection.images, selection.labels, look_at_data)
        if selection.task.counts_classes
        else dataset.check_presence(selection.images, look_at_data)
    )
    found = {
        "machine": doctor.run(
            [
                engine.check(),
                memory.check(planned.steps),
                disk.check(store.root, recipe, planned.steps, done),
                images.check(made, planned.images),
                weights.check(recipe, file),
                data,
            ]
        )
    }
    return found | look_at_targets(selection, file)


def look_at_targets(selection: Selection, weights: Path) -> dict[str, list[tuple[Check, Finding]]]:
    """Findings of each chosen target that has checks of its own, by ``target NAME``."""
    with_checks = ((job.target, target.checks(job)) for target, job in selection.jobs(weights))
    return {f"target {name}": doctor.run(checks) for name, checks in with_checks if checks}
