"""What a host is, and whether it can carry out an order: asked before anything runs."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

from kit import __version__
from kit.containers.client import available, connect
from kit.containers.images import BuildOptions, Images
from kit.containers.local import LocalRunner
from kit.errors import EngineError, KitError, ResourceError
from kit.execution.selection import Choice, Selection, image_specs
from kit.fleet.delivery import Delivery
from kit.fleet.order import Order
from kit.fleet.remote import site, store_of_host
from kit.host import label_of
from kit.planning.planner import plan
from kit.recipe.schema import load_recipe
from kit.resources import package, resource
from kit.storage.store import Store

__all__ = ["HostState", "base_digests", "code_digest", "look"]

#: Version and digests of kit there, digests of its data set and images, its label; ``error`` where it cannot do it.
HostState = dict[str, Any]
_DATA = ("KIT_IMAGES", "KIT_LABELS")
#: Free space that a run needs at least.
_LEAST_BYTES = 256 << 20


def code_digest() -> str:
    """Digest of kit's own files, images included: the same version may have been changed."""
    whole = hashlib.sha256()
    for root in (package(), resource("images")):
        for path in sorted(root.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix in {".py", ".in", ".lock", ""}:
                whole.update(f"{path.relative_to(root)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def look(order: Order, parcels: Delivery) -> HostState:
    """What this host is, and whether it can run the order."""
    place = store_of_host()
    state: HostState = {"version": __version__, "code": code_digest(), "label": label_of(place)}
    try:
        _check_room(place)
        with site(order, parcels) as folder:
            images, labels = (Path(text) if (text := os.environ.get(name)) else None for name in _DATA)
            choice = Choice((order.target,), images=images, labels=labels, simulate=order.simulate, shards=order.shards)
            selection = Selection(load_recipe(folder), choice)
            selection.check_data()
            store = Store(place)
            store.check()
            state["images"] = store.tree(selection.images)
            state["labels"] = store.tree(selection.labels)
            base = dict(order.options).get("--base")
            state["ids"] = image_ids(selection, place, order.runner, base)
            state["bases"] = base_digests(selection, order.runner, base)
    except KitError as error:
        state["error"] = {
            "code": int(error.exit_code), "what": error.what, "where": error.where, "remedy": error.remedy
        }  # fmt: skip
    return state


def _check_room(place: Path) -> None:
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    if free < _LEAST_BYTES:
        raise ResourceError(f"the disk is full: {free >> 20} MiB are free", where=str(there), remedy="make room there")


def base_digests(selection: Selection, runner: str, base: str | None) -> dict[str, str]:
    """Of each image of the plan the digest of all that it is built from; none where steps run without containers.

    Images with a vendor's packages have no digest: the packages lie where they are used.
    """
    if runner == "local":
        return {}
    images, vendors, needed = _images(selection, Path(), base)
    return {name: images.digest(name) for name in needed if name not in vendors}


def image_ids(selection: Selection, store: Path, runner: str, base: str | None) -> dict[str, str]:
    """The id of each image of the plan, empty where it is not built yet; without containers the environment's.

    Raises:
        EngineError: the runner is docker and no engine answers; without containers, packages are missing.
    """
    images, _, needed = _images(selection, store, base)
    reason = None if runner == "local" else available()
    if runner == "docker" and reason:
        where = os.environ.get("DOCKER_HOST")
        raise EngineError(reason, where=where, remedy="start the engine there, or choose --runner local")
    if runner == "local" or reason:
        return {name: LocalRunner().image_id(name) for name in needed}
    return {name: images.find(connect(), name) for name in needed}


def _images(selection: Selection, store: Path, base: str | None) -> tuple[Images, set[str], tuple[str, ...]]:
    """The images of a selection, the names of those with a vendor's packages, and of those that its plan needs."""
    jobs = selection.jobs(selection.recipe.folder / "weights")
    specs = image_specs(jobs)
    images = Images(specs, store, BuildOptions.from_environment(base), lambda _: None)
    return images, {spec.name for spec in specs if spec.files}, plan(jobs).images
