"""Targets ``310`` and ``310P``: what the core asks of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kit.doctor import Check
from kit.errors import KitError
from kit.planning.step import Outcome, Step
from kit.planning.target import DeviceAccess, ImageSpec, Job, Reading, SchedulerDevice
from kit.resources import resource
from kit.targets.ascend import packages, results, steps, success
from kit.targets.ascend.checks import CHECKS
from kit.targets.ascend.config import CARDS, options_of
from kit.targets.ascend.faults import RUNTIME
from kit.targets.ascend.passthrough import device_access
from kit.targets.ascend.toolchains import DEFAULT
from kit.targets.cards import checks_of
from kit.toollogs.messages import explain

__all__ = ["TARGETS", "Ascend"]


class Ascend:
    """One of the Ascend inference cards, with CANN."""

    family = "ascend"
    toolchain = DEFAULT
    unit = "fps"
    takes_shards = True

    def __init__(self, name: str) -> None:
        """``name`` is ``310`` or ``310P``."""
        self.name = name
        self.hardware = CARDS[name].hardware
        self.devices_per_card = CARDS[name].devices
        self.scheduler_device = SchedulerDevice(f"npu:{name}:1", f"huawei.com/Ascend{name}")

    def images(self, job: Job) -> Sequence[ImageSpec]:
        """The image with the vendor's packages; for a rehearsal the one with the stand-ins."""
        options = options_of(job)
        if job.simulate:
            return (ImageSpec("simulated", resource("images") / "simulated", base="runtime", code=("simulated",)),)
        found = packages.find(job)
        row = found.toolchain
        if found.toolkit is None and row.image is not None:  # the toolkit is in the base, ais_bench is not
            args = {"CANN_VERSION": row.version, "CANN_HOME": row.home}
            base, folder = options.base or row.image, "cann"
        else:
            args, base, folder = found.arguments, options.base or "ubuntu:18.04", "ascend"
        name = steps.image_name(job)
        return (ImageSpec(name, resource("images") / folder, args=args, base=base, files=found.folder),)

    def find_devices(self, job: Job) -> DeviceAccess:
        """Nodes, driver files and runtime of the chip; a rehearsal takes nothing but the nodes."""
        way = "devices" if job.simulate else options_of(job).passthrough
        return device_access(max(job.devices, default=job.device), way)

    def plan(self, job: Job) -> Sequence[Step]:
        """Export, parity, preprocessing, atc, state of the chip, inference, metrics."""
        return steps.plan(job)

    def check_outcome(self, job: Job, step: Step, outcome: Outcome) -> None:
        """Success according to the output and files of the tool."""
        success.check_outcome(job, step, outcome)

    def read(self, job: Job, outputs: Mapping[str, Path]) -> Reading:
        """Measurements."""
        return results.read(job, outputs, job.toolchain or self.toolchain)

    def checks(self, job: Job) -> Sequence[Check]:
        """Driver, nodes, permissions, chip, packages."""
        return checks_of(job, CHECKS)

    def explain(self, message: str) -> KitError | None:
        """What the engine's message about a container of this target means, if it is the vendor's runtime's."""
        return explain(RUNTIME, message)


#: Found by the entry point: see pyproject.toml.
TARGETS = (Ascend("310"), Ascend("310P"))
