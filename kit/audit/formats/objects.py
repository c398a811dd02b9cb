"""JSON: report -> list of findings by line; with everything, also the statements that hold."""

from __future__ import annotations

import json
from typing import Any

from kit.audit.diagnostic import Diagnostic, Verified
from kit.audit.formats import AuditRun

__all__ = ["render"]


def render(run: AuditRun) -> str:
    """One object; a report that could not be read has the reason in place of its list."""
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
    return {
        "rule": one.rule,
        "name": one.name,
        "line": one.line,
        "column": one.column,
        "end_column": one.end_column,
        "kind": one.kind.value,
        "stated": one.stated,
        "recomputed": one.recomputed,
        "inputs": one.inputs,
        "message": one.message,
        "severity": one.severity.value,
        "computation": one.computation,
        "statement": one.statement,
        "fix": fix,
    }


def _held(one: Verified) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "line": one.line,
        "kind": one.kind.value,
        "stated": one.stated,
        "recomputed": one.recomputed,
        "inputs": "",
        "message": one.note,
        "severity": "holds",
    }
