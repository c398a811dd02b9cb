"""Target ``T4``: what the core asks of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from kit.planning.step import Outcome, Step
from kit.planning.target import DeviceAccess, ImageSpec, Job, Reading, SchedulerDevice
from kit.resources import resource
from kit.targets.cards import CardTarget
from kit.targets.tensorrt import results, steps, success
from kit.targets.tensorrt.checks import CHECKS
from kit.targets.tensorrt.config import base_of, options_of
from kit.targets.tensorrt.faults import START
from kit.targets.tensorrt.gpus import device_access
from kit.targets.tensorrt.toolchains import DEFAULT

__all__ = ["T4", "TARGETS"]


class T4(CardTarget):
    """NVIDIA T4 with TensorRT: plans of trtexec, measured by trtexec, evaluated through TensorRT's Python API."""

    name = "T4"
    family = "tensorrt"
    hardware = "NVIDIA T4"
    toolchain = DEFAULT
    unit = "qps"
    devices_per_card = 1
    doctor = CHECKS
    start_faults = START
    scheduler_device = SchedulerDevice("gpu:t4:1", "nvidia.com/gpu")

    def image(self, job: Job) -> ImageSpec:
        options = options_of(job)
        folder = job.recipe.resolve(options.packages)
        args = {"TARBALL": options.tarball} if options.tarball else {}
        if options.tarball_sha256:
            args["TARBALL_SHA256"] = options.tarball_sha256
        files = folder if options.tarball and folder.is_dir() else None
        return ImageSpec(steps.image_name(job), resource("images") / "tensorrt", args, base_of(job), files)

    def find_devices(self, job: Job) -> DeviceAccess:
        """The GPU by its UUID; a rehearsal takes none."""
        return DeviceAccess() if job.simulate else device_access(job.device, options_of(job).gpu)

    def plan(self, job: Job) -> Sequence[Step]:
        """Export, parity, preprocessing; per batch a plan, its accuracy, a cross-check, its speed; the GPU's state."""
        return steps.plan(job)

    def check_outcome(self, job: Job, step: Step, outcome: Outcome) -> None:
        """Success according to the output and files of the tool."""
        success.check_outcome(job, step, outcome)

    def read(self, job: Job, outputs: Mapping[str, Path]) -> Reading:
        """Measurements."""
        return results.read(job, outputs, job.toolchain or self.toolchain, self.hardware)


#: Found by the entry point: see pyproject.toml.
TARGETS = (T4(),)
