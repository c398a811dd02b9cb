"""recipe + targets -> steps. Pure: no I/O, so ``--plan`` costs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kit.errors import InvalidInputError
from kit.planning.step import Step
from kit.planning.target import Job, Target

__all__ = ["Plan", "choose_batches", "plan"]


@dataclass(frozen=True)
class Plan:
    """All steps in the order of execution, which of them each target needs, and whose each step is."""

    steps: tuple[Step, ...]
    of_target: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    owners: Mapping[str, tuple[Target, Job]] = field(default_factory=dict)

    @property
    def images(self) -> tuple[str, ...]:
        """Names of the images that the steps run in, each once."""
        return tuple(dict.fromkeys(step.image for step in self.steps))


def plan(jobs: Sequence[tuple[Target, Job]]) -> Plan:
    """Merge the targets' steps: an equal step is done once.

    Raises:
        ValueError: two targets plan different steps of one name, or a step comes before its input; a target's defect.
    """
    steps: dict[str, Step] = {}
    of_target = {}
    owners = {}
    for target, job in jobs:
        names = []
        for step in target.plan(job):
            if steps.setdefault(step.name, step) != step:
                raise ValueError(f"target {target.name} plans another step {step.name} than a target before it")
            missing = [name for name in step.after if name not in steps]
            if missing:
                raise ValueError(f"step {step.name} of target {target.name} needs {missing} before it")
            names.append(step.name)
            owners[step.name] = (target, job)  # the last one of a shared step: it is kit's own, no target checks it
        of_target[job.target] = tuple(names)
    # Measuring comes last: nothing else has to wait for it, and an error elsewhere shows early.
    ordered = sorted(steps.values(), key=lambda step: step.timed)
    return Plan(_respect_inputs(ordered), of_target, owners)


def _respect_inputs(steps: Sequence[Step]) -> tuple[Step, ...]:
    done: dict[str, Step] = {}
    waiting = list(steps)
    while waiting:
        ready = next(step for step in waiting if all(name in done for name in step.after))
        waiting.remove(ready)
        done[ready.name] = ready
    return tuple(done.values())


def choose_batches(planned: Sequence[int], chosen: Sequence[int], target: str) -> tuple[int, ...]:
    """The batches of a run: those of the recipe, or the chosen ones among them.

    Raises:
        InvalidInputError: a chosen batch is not in the recipe.
    """
    for batch in chosen:
        if batch not in planned:
            raise InvalidInputError(
                f"batch {batch} is not in the recipe for target {target}",
                remedy=f"choose among {', '.join(str(one) for one in planned)}, or add it to the recipe",
            )
    return tuple(batch for batch in planned if not chosen or batch in chosen)
