"""Whether driver and toolkit are known to go together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kit.doctor import Check, Finding
from kit.targets.ascend.checks.driver import driver_version
from kit.targets.ascend.packages import find

if TYPE_CHECKING:
    from kit.planning.target import Job

__all__ = ["check"]

#: Major versions of drivers seen with a toolkit series in public reports; the vendor publishes no complete table.
_SEEN = {"5.1": ("21", "22"), "5.0": ("20", "21"), "6.0": ("1", "22", "23")}


def _look(job: Job) -> Finding:
    driver = driver_version()
    toolkit = find(job).version
    if driver is None or not re.match(r"\d", driver):
        return Finding("note", f"toolkit {toolkit}; the driver's version is unknown")
    series = ".".join(toolkit.split(".")[:2])
    seen = _SEEN.get(series)
    if seen and driver.split(".")[0] not in seen:
        return Finding(
            "warn",
            f"driver {driver} has not been seen with toolkit {toolkit}",
            f"if a run fails with a code 507xxx, install a driver of series {' or '.join(seen)}",
            prevents="CANN version mismatch; runtime codes 507xxx",
        )
    return Finding("ok", f"driver {driver}, toolkit {toolkit}")


def check(job: Job) -> Check:
    """Toolkit against driver."""
    return Check("driver and toolkit", lambda: _look(job))
