"""Whether the store has room for what the plan makes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from math import prod
from pathlib import Path

from kit.doctor import Check, Finding
from kit.errors import Exit
from kit.planning.step import GIB, Step
from kit.recipe.schema import Recipe

__all__ = ["check", "needed"]

#: Engines, the model, logs: what does not grow with the data set.
_BASE = 2 * GIB
#: A result file of text has about ten characters per class; a file takes whole blocks of the file system.
_PER_CLASS, _BLOCK = 10, 4096


def needed(recipe: Recipe, steps: Sequence[Step]) -> int:
    """Bytes that a plan writes at most: a tensor per image, and a result file each where a vendor's tool infers."""
    count = recipe.dataset.count
    tensor = sum(
        _blocks(8 * prod(one.shape)) if one.dtype in {"int64", "float64"} else _blocks(4 * prod(one.shape))
        for one in recipe.graph_inputs
    )
    result = _blocks(_PER_CLASS * recipe.model.classes)
    total = _BASE
    if any(step.stage == "preprocess" for step in steps):
        total += count * tensor
    return total + count * result * sum(step.stage == "infer" and not step.code for step in steps)


def _blocks(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _look(store: Path, recipe: Recipe, steps: Sequence[Step], done: frozenset[str]) -> Finding:
    place = store.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    need = needed(recipe, [step for step in steps if step.name not in done])
    figures = f"{free / GIB:.1f} GiB are free, {need / GIB:.1f} GiB are needed for {recipe.dataset.count} images"
    if free < need:
        return Finding(
            "fail",
            f"too little disk space for the store: {figures}",
            f"free space on the disk of {store}, or put the store elsewhere with --store",
            prevents="[ERROR][PostProcess] Can not open; No space left on device",
        )
    return Finding("ok", figures)


def check(store: Path, recipe: Recipe, steps: Sequence[Step], done: frozenset[str] = frozenset()) -> Check:
    """Free space of the store's disk against what the steps that are not done yet will write."""
    return Check("disk", lambda: _look(store, recipe, steps, done), Exit.RESOURCE)
