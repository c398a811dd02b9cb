"""Checks before a run: name, check, finding, remedy."""

from __future__ import annotations

from collections.abc import Iterable

from kit.errors import (
    DamagedError,
    DeviceError,
    EngineError,
    Exit,
    InvalidInputError,
    KitError,
    MissingError,
    ResourceError,
)
from kit.planning.check import Check, Finding, State

__all__ = ["Check", "Finding", "State", "failure", "run"]

#: The error family of each exit code that a check may have.
_FAMILIES: dict[Exit, type[KitError]] = {
    Exit.INVALID: InvalidInputError,
    Exit.MISSING: MissingError,
    Exit.DAMAGED: DamagedError,
    Exit.ENGINE: EngineError,
    Exit.DEVICE: DeviceError,
    Exit.RESOURCE: ResourceError,
}


def run(checks: Iterable[Check]) -> list[tuple[Check, Finding]]:
    """Run every check, in order. A check that raises an error gives a finding, and the others still run."""
    found = []
    for check in checks:
        try:
            finding = check.run()
        except KitError as error:
            finding = Finding("fail", str(error), error.remedy, exit_code=error.exit_code)
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            finding = Finding(
                "fail", f"{place}{error.strerror or error}", "make it readable for this user, then run the check again"
            )
        found.append((check, finding))
    return found


def failure(found: Iterable[tuple[Check, Finding]]) -> KitError | None:
    """The error of a run that these findings forbid: the first failure, and how many more there are."""
    failed = [(check, finding) for check, finding in found if finding.state == "fail"]
    if not failed:
        return None
    check, finding = failed[0]
    more = f" (and {len(failed) - 1} more: `kit doctor` lists them)" if len(failed) > 1 else ""
    family = _FAMILIES.get(finding.exit_code or check.exit_code, DeviceError)
    return family(f"{finding.message}{more}", remedy=finding.remedy or "see `kit doctor`", where=check.name)
