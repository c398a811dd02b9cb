"""GitLab's Code Quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from kit.audit.baseline import fingerprint
from kit.audit.diagnostic import Severity
from kit.audit.formats import AuditRun
from kit.terminal import visible

__all__ = ["render"]

_LEVELS = {Severity.MAJOR: "major", Severity.DIGITS: "minor", Severity.OPTIONAL: "info"}


def render(run: AuditRun) -> str:
    """A list of issues; their fingerprints differ even if one statement is wrong twice."""
    issues = []
    seen: Counter[str] = Counter()
    for name, result in run.results.items():
        for one in result.diagnostics:
            key = fingerprint(one, name)
            seen[key] += 1
            unique = key if seen[key] == 1 else f"{key}-{seen[key]}"
            issues.append(_issue(name, one.line, one.message, f"{one.rule} {one.name}", unique, _LEVELS[one.severity]))
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
