"""Whether the NVIDIA driver is loaded, and new enough for the CUDA of the image."""

from __future__ import annotations

from kit.doctor import Finding
from kit.planning.target import Job
from kit.targets.tensorrt.config import options_of
from kit.targets.tensorrt.gpus import driver_version
from kit.targets.tensorrt.toolchains import TensorRt, toolchain_of

__all__ = ["check", "fits"]


def fits(version: str, row: TensorRt) -> bool:
    """Whether a driver runs the toolchain's own image."""
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    lowest = next((branch for branch in row.branches if parts[:1] == branch[:1]), row.driver)
    return not parts or parts >= lowest


def check(job: Job) -> Finding:
    """Kernel module and its version."""
    version = driver_version()
    if version is None:
        return Finding(
            "fail",
            "the NVIDIA driver is not loaded: there is no /proc/driver/nvidia/version",
            "install the driver (R450 or newer) and restart, or rehearse with --simulate",
            prevents="nvidia-container-cli: initialization error: nvml error: driver not loaded",
        )
    row = toolchain_of(job)
    if not fits(version, row) and options_of(job).base is None:
        branches = " or ".join(f"{first}.{second}" for first, second in row.branches)
        return Finding(
            "fail",
            f"driver {version} is too old for the image of TensorRT {row.version} (CUDA {row.cuda})",
            f"update it to {row.driver[0]}.{row.driver[1]} or newer"
            + (f", or to {branches} of its branch" if branches else ""),
            prevents=f"nvidia-container-cli: requirement error: unsatisfied condition: cuda>={row.cuda}",
        )
    return Finding("ok", f"driver {version}")
