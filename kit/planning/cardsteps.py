"""What the plans of targets with a card have in common: names of a batch's steps, and looks at the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kit.planning.step import Devices, Made, Step
from kit.planning.target import Job

__all__ = ["SIMULATED", "after_name", "before_name", "convert_name", "infer_name", "metrics_name", "state"]

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
    """Name of the step that looks at the device before anything is measured."""
    return f"{target}/state-before"


def after_name(target: str) -> str:
    """Name of the step that looks at the device afterwards."""
    return f"{target}/state-after"


def state(
    job: Job,
    device: str,
    argv: tuple[str, ...],
    *,
    image: str,
    devices: Devices,
    environment: Mapping[str, str],
    after: Sequence[str] = (),
) -> Step:
    """A look at the device by the vendor's tool, kept with the measurement: before all, or ``after`` these steps."""
    return Step(
        name=after_name(job.target) if after else before_name(job.target),
        stage="query",
        title=f"state of the {device} {'after' if after else 'before'}",
        image=image,
        argv=argv,
        outputs=(),
        inputs={f"after{number}": Made(step) for number, step in enumerate(after)},
        environment=environment,
        devices=devices,
        timed=True,
        simulated=job.simulate,
        keep_output=True,
    )
