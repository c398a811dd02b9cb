"""Whether the vendor's packages are in their folder, for this architecture, undamaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.doctor import Finding
from kit.targets.ascend.packages import verify

if TYPE_CHECKING:
    from kit.planning.target import Job

__all__ = ["check"]


def check(job: Job) -> Finding:
    """Names, architecture, checksums."""
    # A missing or damaged file raises an error, which doctor turns into a finding.
    return Finding("ok", "; ".join(verify(job)))
