"""Formats of CI systems: annotations of GitHub, issues of GitLab's Code Quality report, cases of JUnit XML.

GitLab: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from kit.audit.baseline import fingerprint
from kit.audit.diagnostic import AuditResult, Severity
from kit.audit.formats import AuditRun
from kit.output.annotations import Level, annotation
from kit.output.junit import JUnitCase, JUnitSuite, junit
from kit.terminal import visible

__all__ = ["github", "gitlab", "junit_xml"]

_GITHUB: dict[Severity, Level] = {Severity.MAJOR: "error", Severity.DIGITS: "warning", Severity.OPTIONAL: "notice"}
_GITLAB = {Severity.MAJOR: "major", Severity.DIGITS: "minor", Severity.OPTIONAL: "info"}


def github(run: AuditRun) -> str:
    """One annotation per finding."""
    lines = [
        annotation(_GITHUB[one.severity], f"kit audit: {one.rule} {one.name}", one.message, file=name, line=one.line)
        for name, result in run.results.items()
        for one in result.diagnostics
    ]
    unreadable = run.unreadable.items()
    lines += [annotation("error", "kit audit", f"not audited: {reason}", file=name) for name, reason in unreadable]
    return "\n".join(lines)


def gitlab(run: AuditRun) -> str:
    """A list of issues; their fingerprints differ even if one statement is wrong twice."""
    issues = []
    seen: Counter[str] = Counter()
    for name, result in run.results.items():
        for one in result.diagnostics:
            key = fingerprint(one, name)
            seen[key] += 1
            unique = key if seen[key] == 1 else f"{key}-{seen[key]}"
            issues.append(_issue(name, one.line, one.message, f"{one.rule} {one.name}", unique, _GITLAB[one.severity]))
    for name, reason in run.unreadable.items():
        issues.append(_issue(name, 1, f"not audited: {reason}", "unreadable", f"unreadable {visible(name)}", "blocker"))
    return json.dumps(issues, ensure_ascii=False, indent=2)


def _issue(name: str, line: int, message: str, check: str, key: str, severity: str) -> dict[str, Any]:
    return {
        "description": visible(message),
        "check_name": check,
        "fingerprint": key,
        "severity": severity,
        "location": {"path": visible(name), "lines": {"begin": line}},
    }


def junit_xml(run: AuditRun) -> str:
    """A suite per report with a case per statement; only major findings are failures."""
    suites = [JUnitSuite(name, name, _cases(name, result)) for name, result in run.results.items()]
    for name, reason in run.unreadable.items():
        suites.append(JUnitSuite(name, name, [JUnitCase("readable", "failed", reason, "unreadable", (), name)]))
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
