"""What the plans of targets with a card have in common: names of a batch's steps, and access to the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kit.planning.step import Devices, Limits, Made, Step
from kit.planning.target import Job

__all__ = [
    "SIMULATED", "CardContext", "after_name", "before_name", "convert_name", "infer_name", "metrics_name",
]  # fmt: skip

#: The image of rehearsals.
SIMULATED = "simulated"


def convert_name(target: str, batch: int) -> str:
    """Name of the step that compiles the engine of a batch."""
    return f"{target}/convert-bs{batch}"


def infer_name(target: str, batch: int) -> str:
    """Name of the step that runs a batch over the data set."""
    return f"{target}/infer-bs{batch}"


def metrics_name(target: str, batch: int) -> str:
    """Name of the step that counts the hits of a batch."""
    return f"{target}/metrics-bs{batch}"


def before_name(target: str) -> str:
    """Name of the step that asks for the device's state before anything is measured."""
    return f"{target}/state-before"


def after_name(target: str) -> str:
    """Name of the step that asks for it afterwards."""
    return f"{target}/state-after"


@dataclass(frozen=True)
class CardContext:
    """What all steps on the device of a card have in common."""

    job: Job
    image: str
    devices: Devices
    environment: Mapping[str, str]
    limits: Limits

    @property
    def target(self) -> str:
        """The recipe's name of the target."""
        return self.job.target

    def on_device(self, step: Step, batch: int) -> Step:
        """The step with access to the device, at a batch."""
        return replace(
            step,
            environment={**self.environment, **step.environment},
            devices=self.devices,
            limits=self.limits,
            batch=batch,
            simulated=self.job.simulate,
        )

    def state(self, device: str, *argv: str, after: Sequence[str] = ()) -> Step:
        """The vendor's tool asked for the state of the device, before everything or ``after`` these steps."""
        return Step(
            name=after_name(self.target) if after else before_name(self.target),
            stage="query",
            title=f"state of the {device} {'after' if after else 'before'}",
            image=self.image,
            argv=argv,
            outputs=(),
            inputs={f"after{number}": Made(step) for number, step in enumerate(after)},
            environment=self.environment,
            devices=self.devices,
            timed=True,
            simulated=self.job.simulate,
            keep_output=True,
        )
