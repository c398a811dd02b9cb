"""Doctor's checks for the Ascend targets, one per file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.targets.ascend.checks import chip, driver, installer, nodes, permission, runtime, versions

if TYPE_CHECKING:
    from kit.doctor import Check
    from kit.planning.target import Job

__all__ = ["of"]


def of(job: Job) -> list[Check]:
    """The checks of a job; a rehearsal needs neither card nor packages."""
    if job.simulate:
        return []
    return [module.check(job) for module in (driver, nodes, permission, chip, versions, runtime, installer)]
