"""``kit worker --resources``: what this host can offer to a cluster, from doctor's findings."""

from __future__ import annotations

import json
import shlex

from kit import __version__, doctor
from kit.errors import InvalidInputError, KitError
from kit.execution.selection import Choice, Selection
from kit.fleet.head import CLIENT, place_of
from kit.fleet.order import QUIET
from kit.planning.target import load_target, target_names
from kit.recipe.schema import Recipe, TargetEntry

__all__ = ["offered", "start_line"]

#: No host has more accelerators.
_MOST = 64


def offered(recipe: Recipe) -> dict[str, int]:
    """How many devices of each installed target this host has, and its quiet, as the cluster's resources.

    A target without checks needs no hardware and is offered once.
    """
    found = {}
    for name in target_names():
        entry = recipe.targets.get(name, TargetEntry())
        if count := _devices(recipe.model_copy(update={"targets": {name: entry}}), name):
            found[f"kit_{name}"] = count
    return {**found, QUIET: 1}


def _devices(recipe: Recipe, name: str) -> int:
    target = load_target(name)
    for device in range(_MOST):
        try:
            (_, job), *_ = Selection(recipe, Choice(targets=(name,), device=device)).jobs(recipe.folder / "weights")
            checks = target.checks(job)
            if not checks:
                return 1
            if doctor.failure(doctor.run(checks)):
                return device
        except KitError:
            return device
    return _MOST


def start_line(resources: dict[str, int], address: str | None) -> str:
    """The line for a shell: it joins the cluster at ``address``, or starts one with this host as its head.

    Raises:
        InvalidInputError: no host can join there.
    """
    if address is not None:
        place_of(address)
        if address.startswith(CLIENT):
            raise InvalidInputError(
                f"{address!r} is for kit at home: a host does not join there", remedy="give HEAD:6379"
            )
    join = ["--head", "--ray-client-server-port=10001"] if address is None else [f"--address={address}"]
    own = [f"--resources={json.dumps(resources)}", f"--labels=kit={__version__}"]
    return f"RAY_AUTH_MODE=token {shlex.join(['ray', 'start', *join, '--num-cpus=2', *own])}"
