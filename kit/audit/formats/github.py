"""Annotations beside the lines of a pull request."""

from __future__ import annotations

from kit.audit.diagnostic import Severity
from kit.audit.formats import AuditRun
from kit.output.annotations import Level, annotation

__all__ = ["render"]

_LEVELS: dict[Severity, Level] = {Severity.MAJOR: "error", Severity.DIGITS: "warning", Severity.OPTIONAL: "notice"}


def render(run: AuditRun) -> str:
    """One line per finding."""
    lines = [
        annotation(_LEVELS[one.severity], f"kit audit: {one.rule} {one.name}", one.message, file=name, line=one.line)
        for name, result in run.results.items()
        for one in result.diagnostics
    ]
    lines += [
        annotation("error", "kit audit", f"not audited: {reason}", file=name) for name, reason in run.unreadable.items()
    ]
    return "\n".join(lines)
