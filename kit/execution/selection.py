"""What the command line chose from a recipe: targets, batches, device, and files in the place of the recipe's."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from kit.data.presence import check_dataset, prepare_labels
from kit.errors import InvalidInputError
from kit.planning.planner import choose_batches, plan
from kit.planning.requirements import code_images
from kit.planning.step import External
from kit.planning.target import DeviceAccess, ImageSpec, Job, Target, target_of
from kit.planning.task import Task, task_of
from kit.recipe.schema import Recipe

__all__ = ["Choice", "Selection", "image_specs", "inputs_from_outside", "lies_within", "with_devices"]


@dataclass(frozen=True)
class Choice:
    """The options of a command."""

    targets: Sequence[str] = ()
    batches: Sequence[int] = ()
    simulate: bool = False
    device: int = 0
    devices: tuple[int, ...] = ()
    shards: int = 1
    weights: Path | None = None
    mirror: str | None = None
    images: Path | None = None
    labels: Path | None = None


@dataclass(frozen=True)
class Selection:
    """A recipe and what was chosen from it."""

    recipe: Recipe
    choice: Choice

    @cached_property
    def targets(self) -> dict[str, Target]:
        """The chosen targets; otherwise the recipe's default, or its only one.

        Raises:
            InvalidInputError: none is chosen, or one that the recipe lacks.
        """
        recipe = self.recipe
        names = tuple(dict.fromkeys(self.choice.targets)) or recipe.default
        if not names and len(recipe.targets) == 1:
            names = tuple(recipe.targets)
        if not names:
            raise InvalidInputError(
                "no target is chosen", remedy=f"choose with --target among {', '.join(recipe.targets)}"
            )
        for name in names:
            if name not in recipe.targets:
                raise InvalidInputError(
                    f"target {name!r} is not in the recipe",
                    remedy=f"choose among {', '.join(recipe.targets)}, or add it to the recipe",
                )
        return {name: target_of(recipe, name) for name in names}

    @cached_property
    def task(self) -> Task:
        """What the model does; its settings are checked before anything runs.

        Raises:
            InvalidInputError: no such task, or a setting that does not fit.
        """
        task = task_of(self.recipe)
        task.check(self.recipe)
        return task

    def check_data(self, *, complete: bool = True) -> None:
        """Check the data set before anything long starts.

        Raises:
            MissingError, InvalidInputError: it is not there, or not what the recipe says.
        """
        if self.task.counts_classes:
            classes = self.recipe.model.classes if complete else None
            check_dataset(self.recipe.dataset, self.images, self.labels, complete=complete, classes=classes)
        else:
            self.task.check_data(self.recipe, self.images, self.labels)

    @property
    def images(self) -> Path:
        """Folder of the data set's images."""
        return (self.choice.images or self.recipe.resolve(self.recipe.dataset.images)).absolute()

    @property
    def labels(self) -> Path:
        """The data set's label file."""
        return (
            self.choice.labels or self.recipe.resolve(self.recipe.dataset.labels or self.recipe.dataset.images)
        ).absolute()

    def with_labels(self, store: Path) -> Selection:
        """The same with a label file of ``name label`` lines, made in the store where the data set has another form.

        Raises:
            KitError: labels that cannot be read, or belong to other images.
        """
        if not self.task.counts_classes:
            return self
        made = prepare_labels(self.recipe.dataset, self.images, self.labels, store)
        return self if made == self.labels else replace(self, choice=replace(self.choice, labels=made))

    def jobs(self, weights: Path) -> list[tuple[Target, Job]]:
        """What each target plans from, with the devices of this host looked up.

        Raises:
            InvalidInputError: a batch that the recipe lacks.
        """
        return [(target, self._job(name, target, weights)) for name, target in self.targets.items()]

    def _job(self, name: str, target: Target, weights: Path) -> Job:
        recipe, choice = self.recipe, self.choice
        sharded = choice.shards > 1
        if sharded and not getattr(target, "takes_shards", False):
            raise InvalidInputError(
                f"target {name} cannot cut its run over the data set into shards",
                remedy="leave --shards out for this target",
            )
        if len(choice.devices) > target.devices_per_card and not sharded:
            count = f"{target.devices_per_card} devices" if target.devices_per_card > 1 else "one device"
            raise InvalidInputError(
                f"target {name} has {count} a card, --devices names {len(choice.devices)}",
                remedy="name the devices of one card, or one with --device N",
            )
        job = Job(
            recipe=recipe,
            target=name,
            batches=choose_batches(recipe.batches_of(name), choice.batches, name),
            weights=weights.absolute(),
            images=self.images,
            labels=self.labels,
            simulate=choice.simulate,
            device=choice.devices[0] if choice.devices else choice.device,
            devices=choice.devices if len(choice.devices) > 1 else (),
            shards=choice.shards,
            options=recipe.targets[name].options,
            task=self.task,
        )
        if not sharded:
            return with_devices(target, job)
        parts = tuple(with_devices(target, one).access for one in job.shard_jobs)
        return replace(job, access=parts[0], shard_access=parts)


def with_devices(target: Target, job: Job) -> Job:
    """The job with what its target finds on this host; a target that needs only the processor looks for nothing."""
    find_devices: Callable[[Job], DeviceAccess] | None = getattr(target, "find_devices", None)
    return replace(job, access=find_devices(job)) if find_devices else job


def image_specs(jobs: Sequence[tuple[Target, Job]]) -> list[ImageSpec]:
    """The images of the targets, of the task and of the user's own network, each once."""
    found = {spec.name: spec for _, job in jobs for spec in code_images(job)}
    found |= {spec.name: spec for target, job in jobs for spec in target.images(job)}
    found |= {spec.name: spec for _, job in jobs if job.task for spec in job.task.images(job)}
    return list(found.values())


def inputs_from_outside(selection: Selection, weights: Path) -> set[Path]:
    """Absolute paths of the files and folders that steps and images take from the user, data set and weights included.

    Raises:
        KitError: the recipe cannot be planned here.
    """
    jobs, recipe = selection.jobs(weights), selection.recipe
    found = {one.path for step in plan(jobs).steps for one in step.inputs.values() if isinstance(one, External)}
    found |= {spec.requirements for spec in image_specs(jobs) if spec.requirements}
    found |= {recipe.resolve(name) for name in (recipe.dataset.classes, recipe.dataset.synsets) if name}
    return {path.absolute() for path in found}


def lies_within(path: Path, folder: Path) -> bool:
    """Whether a path is in a folder or below it, by its name alone: ``..`` is followed, links are not."""
    return Path(os.path.normpath(path)).is_relative_to(os.path.normpath(folder))
