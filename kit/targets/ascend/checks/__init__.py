"""Doctor's checks for the Ascend targets, one per file."""

from __future__ import annotations

from kit.errors import Exit
from kit.targets.ascend import packages
from kit.targets.ascend.checks import chip, driver, nodes, permission, runtime, versions

__all__ = ["CHECKS"]

CHECKS = (
    ("Ascend driver", driver.check, Exit.DEVICE),
    ("device nodes", nodes.check, Exit.DEVICE),
    ("permissions", permission.check, Exit.DEVICE),
    ("chip", chip.check, Exit.DEVICE),
    ("driver and toolkit", versions.check, Exit.DEVICE),
    ("passthrough", runtime.check, Exit.DEVICE),
    ("vendor packages", packages.check, Exit.MISSING),
)
