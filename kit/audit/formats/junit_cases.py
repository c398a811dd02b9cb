"""JUnit XML: a suite per report, a case per statement; only major findings are failures."""

from __future__ import annotations

from kit.audit.diagnostic import AuditResult, Severity
from kit.audit.formats import AuditRun
from kit.output.junit import JUnitCase, JUnitSuite, junit

__all__ = ["render"]


def render(run: AuditRun) -> str:
    """The document."""
    suites = [JUnitSuite(name, name, _cases(name, result)) for name, result in run.results.items()]
    suites += [
        JUnitSuite(name, name, [JUnitCase("readable", "failed", reason, "unreadable", (), name)])
        for name, reason in run.unreadable.items()
    ]
    return junit("kit audit", suites)


def _cases(name: str, result: AuditResult) -> list[JUnitCase]:
    if not result.checked:
        return [JUnitCase("no derived statements")]
    cases = [JUnitCase(f"line {held.line}: {held.kind} {held.stated}") for held in result.verified]
    for one in result.diagnostics:
        title = f"line {one.line}: {one.kind} {one.stated}"
        if one.severity is Severity.MAJOR:
            details = [f"{name}:{one.line}: {one.message}", f"inputs: {one.inputs}"]
            kind = f"{one.rule} {one.name}"
            cases.append(JUnitCase(title, "failed", one.message, kind, details, name, one.line))
        else:
            cases.append(JUnitCase(title, message=f"{one.severity}: {one.message}", file=name, line=one.line))
    return cases
