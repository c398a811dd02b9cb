"""The protocol of a target, and the registry: entry points ``kit.targets``, so another package can provide one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from kit.errors import InvalidInputError
from kit.planning.check import Check
from kit.planning.job import DeviceAccess, ImageSpec, Job
from kit.planning.plugins import load_plugins, no_such, plugin_names
from kit.planning.step import Outcome, Step
from kit.recipe.schema import Recipe
from kit.results.evidence import Raw
from kit.results.measurements import Accuracy, Throughput
from kit.results.metrics import Metric

__all__ = [
    "DeviceAccess",
    "ImageSpec",
    "Job",
    "Reading",
    "SchedulerDevice",
    "Target",
    "load_target",
    "target_names",
    "target_of",
]

#: Each entry point has the target's name and leads to a sequence of targets that holds it.
_GROUP = "kit.targets"


@dataclass(frozen=True)
class SchedulerDevice:
    """What schedulers call one device of a target: Slurm's generic resource, and the Kubernetes device plug-in's."""

    gres: str  # "gpu:t4:1"; sites may name theirs otherwise
    kubernetes: str  # "nvidia.com/gpu"


@dataclass(frozen=True)
class Reading:
    """What a target read from the outputs of its steps: what an output printed as :class:`Raw`, with its evidence."""

    accuracy: Accuracy | None = None
    throughput: tuple[Throughput, ...] = ()
    toolchain: str = ""
    hardware: str | Raw[str] = ""
    environment: Mapping[str, str | Raw[str]] = field(default_factory=dict)
    host: Mapping[str, str | Raw[str]] = field(default_factory=dict)  # driver, firmware, device state
    notes: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()  # of a task that does not count classes


@runtime_checkable
class Target(Protocol):
    """Hardware and toolchain. One folder under ``targets/``, or in another package.

    Three methods are optional: ``find_devices(job) -> DeviceAccess`` looks up how containers reach this host's
    accelerator, ``explain(message) -> KitError | None`` says what the engine's words about its devices mean, and
    ``inference_tool(job) -> str`` names the program that infers, where the toolchains of a family differ in that.
    So are the attributes ``scheduler_device: SchedulerDevice`` of a target that needs more than a processor, and
    ``takes_shards: bool`` of one that can cut its run over the data set, and then measures time by steps of their own.
    """

    name: str  # "cpu"
    family: str  # folder of templates and of the target's code
    hardware: str  # for tables and prose
    toolchain: str
    unit: str  # "fps" or "qps"
    devices_per_card: int

    def images(self, job: Job) -> Sequence[ImageSpec]:
        """Images that the steps name, bases first."""

    def plan(self, job: Job) -> Sequence[Step]:
        """The steps, in an order that respects their inputs. Pure: no I/O."""

    def check_outcome(self, job: Job, step: Step, outcome: Outcome) -> None:
        """Raise StepError or DeviceError where a vendor's tool failed, whatever its exit code says."""

    def read(self, job: Job, outputs: Mapping[str, Path]) -> Reading:
        """Measurements from the output folders, by step name: ``Outputs.of(outputs)`` opens files with evidence."""

    def checks(self, job: Job) -> Sequence[Check]:
        """Doctor's checks of this target's hardware, driver and packages."""


def target_names() -> list[str]:
    """All targets that are installed."""
    return plugin_names(_GROUP)


def load_target(name: str) -> Target:
    """The target of that name; no other one is imported.

    Raises:
        InvalidInputError: no such target.
    """
    found: Target
    for targets in load_plugins(_GROUP, name):
        for found in targets:
            if found.name == name:
                return found
    raise no_such("target", name, target_names(), ", or name one of them as its hardware")


def target_of(recipe: Recipe, name: str) -> Target:
    """The installed target of a recipe's entry.

    Raises:
        InvalidInputError: no such target; the message names the place.
    """
    hardware = recipe.hardware_of(name)
    try:
        return load_target(hardware)
    except InvalidInputError as error:
        if hardware != name:
            raise InvalidInputError(f"targets -> {name} -> hardware: {error.what}", remedy=error.remedy) from error
        raise
