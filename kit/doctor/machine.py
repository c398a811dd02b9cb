"""The checks of a run: the machine's, then each target's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit import doctor
from kit.doctor import dataset, disk, engine, images, memory, weights

if TYPE_CHECKING:
    from kit.containers.images import BuildOptions
    from kit.doctor import Check, Finding
    from kit.execution.session import Session

__all__ = ["bare", "examine"]


def bare() -> dict[str, list[tuple[Check, Finding]]]:
    """What can be said without a recipe."""
    return {"machine": doctor.run([engine.check(), memory.check()])}


def examine(session: Session, options: BuildOptions) -> dict[str, list[tuple[Check, Finding]]]:
    """Findings by section: ``machine``, then ``target NAME`` for every target of the session."""
    from kit.containers.images import Images

    recipe, choice = session.recipe, session.choice
    jobs = session.jobs(session.expected_weights())
    plan = session.plan(jobs)
    made = Images(session.specs(jobs), session.store.root, options, lambda _: None)
    needed = tuple(dict.fromkeys(step.image for step in plan.steps))
    # What a step of that name made before is there already; were it outdated, its space would be needed twice.
    done = frozenset(record.step for record in session.store.records()) if session.store.root.is_dir() else frozenset()
    found = {
        "machine": doctor.run(
            [
                engine.check(),
                memory.check(plan.steps),
                disk.check(session.store.root, recipe, plan.steps, done),
                images.check(made, needed),
                weights.check(recipe, session.expected_weights()),
                dataset.check(
                    recipe,
                    choice.images or recipe.resolve(recipe.dataset.images),
                    choice.labels or recipe.resolve(recipe.dataset.labels),
                    session.check_data,
                ),
            ]
        )
    }
    for target, job in jobs:
        checks = target.checks(job)
        if checks:
            found[f"target {job.target}"] = doctor.run(checks)
    return found
