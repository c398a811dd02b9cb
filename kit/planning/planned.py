"""The part of a recipe that decides what runs for a target and what it is compared with, as results quote it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

from kit.planning.step import canonical
from kit.planning.target import Job, Target
from kit.recipe.schema import Recipe
from kit.results.resultsfile import Planned

__all__ = ["planned_from", "settings"]

#: Prose, and where things are found: they change neither what runs nor what it is compared with. All else does.
_PROSE = {
    "kit": True,
    "default": True,
    "subject": True,
    "signatures": True,
    "model": {"paper", "code", "branch", "commit"},
    "weights": {"url", "path", "max_bytes", "note", "license"},
    "dataset": {"url", "images", "labels", "split", "license"},
    "published": {"report", "python", "frameworks", "libraries", "requirements"},
}
#: Mappings by target, of which only the own entry counts.
_BY_TARGET = (("targets",), ("published", "accuracy"), ("published", "throughput"))


def settings(recipe: Recipe, target: str) -> dict[str, Any]:
    """The recipe's settings that concern a target, as JSON data; what has its default is left out.

    So a report stays proven where a later kit has a setting more.
    """
    tree: dict[str, Any] = recipe.model_dump(mode="json", exclude=_PROSE, exclude_defaults=True)  # type: ignore[arg-type]
    for *above, name in _BY_TARGET:
        part = tree
        for key in above:
            part = part.get(key, {})
        if name in part:
            part[name] = {target: part[name][target]} if target in part[name] else {}
    if target in recipe.targets:
        tree["batches"] = list(recipe.batches_of(target))
    return tree


def planned_from(target: Target, job: Job) -> Planned:
    """What the steps of a job were planned from; the device only where a step depends on it."""
    tree = settings(job.recipe, job.target)
    return Planned(
        recipe=tree,
        recipe_sha256=hashlib.sha256(canonical(tree)).hexdigest(),
        batches=job.batches,
        devices=job.devices,
        shards=job.shards if job.shards > 1 else None,
        device=job.device if target.plan(job) != target.plan(replace(job, device=0)) else 0,
    )
