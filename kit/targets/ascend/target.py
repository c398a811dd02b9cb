"""Targets ``310`` and ``310P``: what the core asks of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kit.planning.step import Outcome, Step
from kit.planning.target import DeviceAccess, ImageSpec, Job, Reading, SchedulerDevice
from kit.resources import resource
from kit.targets.ascend import packages, results, steps, success
from kit.targets.ascend.checks import CHECKS
from kit.targets.ascend.config import CARDS, options_of
from kit.targets.ascend.faults import RUNTIME
from kit.targets.ascend.passthrough import device_access
from kit.targets.ascend.toolchains import DEFAULT
from kit.targets.cards import CardTarget

__all__ = ["TARGETS", "Ascend"]


class Ascend(CardTarget):
    """One of the Ascend inference cards, with CANN."""

    family = "ascend"
    toolchain = DEFAULT
    unit = "fps"
    doctor = CHECKS
    start_faults = RUNTIME

    def __init__(self, name: str) -> None:
        """``name`` is ``310`` or ``310P``."""
        self.name = name
        self.hardware = CARDS[name].hardware
        self.devices_per_card = CARDS[name].devices
        self.scheduler_device = SchedulerDevice(f"npu:{name}:1", f"huawei.com/Ascend{name}")

    def image(self, job: Job) -> ImageSpec:
        options = options_of(job)
        found = packages.find(job)
        row = found.toolchain
        if found.toolkit is None and row.image is not None:  # the toolkit is in the base, ais_bench is not
            args = {"CANN_VERSION": row.version, "CANN_HOME": row.home}
            base, folder = options.base or row.image, "cann"
        else:
            args, base, folder = found.arguments, options.base or "ubuntu:18.04", "ascend"
        return ImageSpec(steps.image_name(job), resource("images") / folder, args=args, base=base, files=found.folder)

    def find_devices(self, job: Job) -> DeviceAccess:
        """Nodes, driver files and runtime of the chip; a rehearsal takes nothing but the nodes."""
        way = "devices" if job.simulate else options_of(job).passthrough
        return device_access(max(job.devices, default=job.device), way)

    def inference_tool(self, job: Job) -> str:
        """``benchmark`` or ``ais_bench``, for a report in which nothing ran."""
        return options_of(job).tool or ""

    def plan(self, job: Job) -> Sequence[Step]:
        """Export, parity, preprocessing, atc, state of the chip, inference, metrics."""
        return steps.plan(job)

    def check_outcome(self, job: Job, step: Step, outcome: Outcome) -> None:
        """Success according to the output and files of the tool."""
        success.check_outcome(job, step, outcome)

    def read(self, job: Job, outputs: Mapping[str, Path]) -> Reading:
        """Measurements."""
        return results.read(job, outputs, job.toolchain or self.toolchain)


#: Found by the entry point: see pyproject.toml.
TARGETS = (Ascend("310"), Ascend("310P"))
