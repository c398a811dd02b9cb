"""Before anything is built or downloaded: does this machine have what the targets need?"""

from __future__ import annotations

from collections.abc import Sequence

from kit import doctor
from kit.planning.target import Job, Target

__all__ = ["preflight"]


def preflight(jobs: Sequence[tuple[Target, Job]]) -> None:
    """Run the targets' own checks; a rehearsal needs no hardware, so it has none.

    Raises:
        KitError: the first failure, in doctor's words.
    """
    for target, job in jobs:
        failed = None if job.simulate else doctor.failure(doctor.run(target.checks(job)))
        if failed:
            raise type(failed)(
                f"target {job.target} cannot run here: {failed.what}",
                where=failed.where,
                remedy=f"{failed.remedy}; or rehearse without the hardware with --simulate",
            )
