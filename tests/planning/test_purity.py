"""Planning is pure: what the host has is looked up before and handed in."""

from __future__ import annotations

import builtins
import io
import os
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from kit.planning.planner import plan
from kit.planning.step import Devices
from kit.planning.target import DeviceAccess, Job, load_target, target_names
from kit.recipe.schema import load_recipe

#: What reaches a file, a clock, a process or the network.
_DOORS = [
    (builtins, ("open",)),
    (io, ("open",)),
    (os, ("open", "stat", "lstat", "scandir", "listdir", "getenv", "access", "readlink")),
    (time, ("time", "time_ns", "monotonic", "perf_counter", "sleep")),
    (subprocess, ("Popen",)),
    (socket, ("socket",)),
]


@pytest.mark.parametrize("simulate", [False, True])
def test_every_target_plans_without_touching_the_machine(
    root: Path, monkeypatch: pytest.MonkeyPatch, simulate: bool
) -> None:
    recipe = load_recipe(root)
    place = Path("/nowhere")
    access = DeviceAccess(Devices(nodes=("/dev/some0",), leases=("some0",)), {"SOME": "1"}, present=True)
    jobs = []
    for name in target_names():
        entry = recipe.targets.get(name)
        job = Job(recipe, name, recipe.batches, place, place, place, simulate, options=entry.options if entry else {})
        jobs.append((load_target(name), replace(job, access=access)))
    plan(jobs)  # modules that are imported at first use may be read from disk

    def refuse(*words: object, **_: object) -> NoReturn:
        raise AssertionError(f"planning reached out: {words[:1]}")

    with monkeypatch.context() as patch:
        for module, names in _DOORS:
            for name in names:
                patch.setattr(module, name, refuse)
        made = plan(jobs)
    assert set(made.of_target) == {job.target for _, job in jobs}
    assert set(made.owners) == {step.name for step in made.steps}
