"""GitLab's Code Quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format."""

from __future__ import annotations

import json

from kit.audit.baseline import fingerprint
from kit.audit.diagnostic import Severity
from kit.audit.formats import AuditRun
from kit.terminal import visible

__all__ = ["render"]

_LEVELS = {Severity.MAJOR: "major", Severity.DIGITS: "minor", Severity.OPTIONAL: "info"}


def render(run: AuditRun) -> str:
    """A list of issues; the fingerprints of one report differ, also where one statement is wrong twice."""
    issues = []
    seen: dict[str, int] = {}
    for name, result in run.results.items():
        for one in result.diagnostics:
            key = fingerprint(one, name)
            seen[key] = seen.get(key, 0) + 1
            issues.append(
                {
                    "description": visible(one.message),
                    "check_name": f"{one.rule} {one.name}",
                    "fingerprint": key if seen[key] == 1 else f"{key}-{seen[key]}",
                    "severity": _LEVELS[one.severity],
                    "location": {"path": visible(name), "lines": {"begin": one.line}},
                }
            )
    issues += [
        {
            "description": visible(f"not audited: {reason}"),
            "check_name": "unreadable",
            "fingerprint": f"unreadable {visible(name)}",
            "severity": "blocker",
            "location": {"path": visible(name), "lines": {"begin": 1}},
        }
        for name, reason in run.unreadable.items()
    ]
    return json.dumps(issues, ensure_ascii=False, indent=2)
