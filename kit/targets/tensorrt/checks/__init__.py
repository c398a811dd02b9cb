"""Doctor's checks for TensorRT targets, one per file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.targets.tensorrt.checks import driver, gpu, idle, tarball, toolkit

if TYPE_CHECKING:
    from kit.doctor import Check
    from kit.planning.target import Job

__all__ = ["of"]


def of(job: Job) -> list[Check]:
    """The checks of a job; a rehearsal needs neither GPU nor packages."""
    if job.simulate:
        return []
    return [module.check(job) for module in (driver, gpu, toolkit, idle, tarball)]
