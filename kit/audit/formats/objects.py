"""JSON: the findings of each report by line, and on request the statements that hold."""

from __future__ import annotations

import json
from typing import Any

from kit.audit.diagnostic import Diagnostic, Verified
from kit.audit.formats import AuditRun

__all__ = ["render"]

_FIELDS = (
    *("rule", "name", "line", "column", "end_column", "kind", "stated", "recomputed"),
    *("inputs", "message", "severity", "computation", "statement"),
)


def render(run: AuditRun) -> str:
    """One object; a report that could not be read has the reason instead of a list."""
    report: dict[str, Any] = {}
    for name, result in run.results.items():
        entries = [_finding(one) for one in result.diagnostics]
        if run.everything:
            entries += [_held(one) for one in result.verified]
        report[name] = sorted(entries, key=lambda entry: (entry["line"], entry["kind"], entry["stated"]))
    report |= {name: {"error": reason} for name, reason in run.unreadable.items()}
    return json.dumps(report, ensure_ascii=False, indent=2)


def _finding(one: Diagnostic) -> dict[str, Any]:
    fix = one.fix and {"old": one.fix.old, "new": one.fix.new, "safe": one.fix.safe}
    return {name: getattr(one, name) for name in _FIELDS} | {"fix": fix}


def _held(one: Verified) -> dict[str, Any]:
    known = {name: getattr(one, name) for name in ("rule", "line", "kind", "stated", "recomputed")}
    return known | {"inputs": "", "message": one.note, "severity": "holds"}
