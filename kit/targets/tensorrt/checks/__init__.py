"""Doctor's checks for TensorRT targets, one per file."""

from __future__ import annotations

from kit.errors import Exit
from kit.targets.tensorrt.checks import driver, gpu, idle, tarball, toolkit

__all__ = ["CHECKS"]

CHECKS = (
    ("NVIDIA driver", driver.check, Exit.DEVICE),
    ("GPU", gpu.check, Exit.DEVICE),
    ("container toolkit", toolkit.check, Exit.ENGINE),
    ("idle GPU", idle.check, Exit.DEVICE),
    ("TensorRT packages", tarball.check, Exit.MISSING),
)
