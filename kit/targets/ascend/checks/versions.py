"""Whether driver and toolkit are known to be compatible."""

from __future__ import annotations

import re

from kit.doctor import Finding
from kit.planning.target import Job
from kit.targets.ascend.checks.driver import driver_version
from kit.targets.ascend.toolchains import toolchain_of

__all__ = ["check"]


def check(job: Job) -> Finding:
    """Toolkit against driver."""
    driver, row = driver_version(), toolchain_of(job)
    if driver is None or not re.match(r"\d", driver):
        return Finding("note", f"toolkit {row.version}; the driver's version is unknown")
    if row.drivers and driver.split(".")[0] not in row.drivers:
        return Finding(
            "warn",
            f"driver {driver} has not been seen with toolkit {row.version}",
            f"if a run fails with a code 507xxx, install a driver of series {' or '.join(row.drivers)}",
            prevents="CANN version mismatch; runtime codes 507xxx",
        )
    return Finding("ok", f"driver {driver}, toolkit {row.version}")
