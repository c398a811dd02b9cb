"""Whether the NVIDIA driver is loaded, and new enough for the CUDA of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.doctor import Check, Finding
from kit.targets.tensorrt.config import options_of
from kit.targets.tensorrt.gpus import driver_version

if TYPE_CHECKING:
    from kit.planning.target import Job

__all__ = ["check", "fits"]

#: Driver branches that run CUDA 11.3 on a data-center board such as T4 (release notes of the 21.06 images), and the
#: first versions of each; CUDA 11.0 needs R450 or these.
_BRANCHES = {418: (418, 40), 440: (440, 33), 450: (450, 51), 460: (460, 27)}
_NEWEST = (465, 19)


def fits(version: str) -> bool:
    """Whether a driver runs the default image."""
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if not parts:
        return True
    lowest = _BRANCHES.get(parts[0])
    return parts >= (lowest or _NEWEST)


def _look(job: Job) -> Finding:
    version = driver_version()
    if version is None:
        return Finding(
            "fail",
            "the NVIDIA driver is not loaded: there is no /proc/driver/nvidia/version",
            "install the driver (R450 or newer) and restart, or rehearse with --simulate",
            prevents="nvidia-container-cli: initialization error: nvml error: driver not loaded",
        )
    if not fits(version) and options_of(job).base is None:
        return Finding(
            "fail",
            f"driver {version} is too old for the image (CUDA 11.3)",
            "update it to 465.19 or newer, or to 418.40, 440.33, 450.51 or 460.27 of its branch",
            prevents="nvidia-container-cli: requirement error: unsatisfied condition: cuda>=11.3",
        )
    return Finding("ok", f"driver {version}")


def check(job: Job) -> Check:
    """Kernel module and its version."""
    return Check("NVIDIA driver", lambda: _look(job))
