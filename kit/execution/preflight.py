"""Before anything is built or downloaded: does this machine have what the targets need?"""

from __future__ import annotations

from kit import doctor
from kit.execution.session import Session

__all__ = ["preflight"]


def preflight(session: Session) -> None:
    """Run the targets' own checks.

    Raises:
        KitError: the first failure, in doctor's words.
    """
    for target, job in session.jobs(session.expected_weights()):
        failed = doctor.failure(doctor.run(target.checks(job)))
        if failed:
            raise type(failed)(
                f"target {job.target} cannot run here: {failed.what}",
                where=failed.where,
                remedy=f"{failed.remedy}; or rehearse without the hardware with --simulate",
            )
