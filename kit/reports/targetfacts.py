"""What the report says of a target itself: from the installed target, or from its stored results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kit.errors import InvalidInputError
from kit.recipe.schema import PublishedThroughput, Recipe, TargetEntry
from kit.results.resultsfile import Results

if TYPE_CHECKING:
    from kit.planning.target import Target

__all__ = ["TargetFacts", "describe_targets", "factor", "reported_targets"]


@dataclass(frozen=True)
class TargetFacts:
    """A target in words: ``family`` names its folder of templates; ``templates`` is another package's own folder."""

    name: str
    family: str = "generic"
    hardware: str = ""
    toolchain: str = ""
    devices_per_card: int | None = None
    templates: Path | None = None
    tool: str = ""  # what infers, where the family has several programs for that


def describe_targets(targets: Sequence[str], recipe: Recipe, results: Mapping[str, Results]) -> dict[str, TargetFacts]:
    """Facts of each target. One that is not installed is described by its results alone."""
    from kit.planning.target import target_of

    found = {}
    for name in targets:
        wanted = recipe.toolchain_of(name)
        stored = results.get(name)
        try:
            target = target_of(recipe, name)
        except InvalidInputError:
            if stored:
                found[name] = TargetFacts(name, hardware=stored.hardware, toolchain=stored.toolchain)
            elif name in {*recipe.published.accuracy, *recipe.published.throughput}:
                found[name] = TargetFacts(name, hardware=name, toolchain=wanted or "")
            else:
                raise
            continue
        folder = getattr(target, "templates", None)
        found[name] = TargetFacts(
            name=name,
            family=target.family,
            hardware=stored.hardware if stored and stored.hardware else target.hardware,
            toolchain=wanted or target.toolchain,
            devices_per_card=target.devices_per_card,
            templates=Path(folder) if folder else None,
            tool="" if stored else _tool(target, recipe, name),
        )
    return found


def _tool(target: Target, recipe: Recipe, name: str) -> str:
    """What would infer with the toolchain that published numbers were measured with, or else with the recipe's."""
    from kit.planning.job import Job
    from kit.planning.task import task_of

    ask: Callable[[Job], str] | None = getattr(target, "inference_tool", None)
    if ask is None:
        return ""
    entry = recipe.targets.get(name, TargetEntry())
    published = recipe.published.throughput.get(name) or recipe.published.accuracy.get(name)
    if published and published.toolchain:
        entry = TargetEntry(hardware=entry.hardware, toolchain=published.toolchain)
    known = recipe.model_copy(update={"targets": {name: entry}})
    data = recipe.folder  # nothing is read
    try:
        job = Job(known, name, recipe.batches, weights=data, images=data, labels=data, options=entry.options)
        return ask(replace(job, task=task_of(recipe)))
    except InvalidInputError:  # settings that no run would take; a report has nothing to refuse
        return ""


def factor(published: PublishedThroughput, batch: int, facts: TargetFacts) -> int:
    """The whole number that a published rate is multiplied with.

    Raises:
        InvalidInputError: a rate per device of a target whose devices are unknown.
    """
    if published.per == "enqueue":
        return batch
    if published.per == "image":
        return 1
    if facts.devices_per_card is None:
        raise InvalidInputError(
            f"the devices of a card are unknown, so the rates of target {facts.name} cannot be multiplied",
            where=f"published -> throughput -> {facts.name}",
            remedy="install the package of this target, or give the rates per image",
        )
    return facts.devices_per_card


def reported_targets(recipe: Recipe, results: Mapping[str, Results]) -> list[str]:
    """Targets with a stored or a published number, in the recipe's order; all of its targets where there is none."""
    published = {*recipe.published.accuracy, *recipe.published.throughput}
    names = [name for name in recipe.targets if name in published or name in results]
    extra = sorted(name for name in results if name not in recipe.targets)
    return [*names, *extra] or list(recipe.targets)
