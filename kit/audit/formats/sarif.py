"""SARIF 2.1.0, with fingerprints that survive moved lines, and fixes: https://docs.oasis-open.org/sarif/sarif/v2.1.0/."""

from __future__ import annotations

import json
import os
from typing import Any
from urllib.parse import quote

from kit import __version__
from kit.audit.baseline import fingerprint
from kit.audit.diagnostic import Diagnostic, Severity
from kit.audit.formats import AuditRun
from kit.audit.rule import Rule, rules
from kit.audit.suppression import UNUSED
from kit.terminal import visible

__all__ = ["render"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.MAJOR: "error", Severity.DIGITS: "warning", Severity.OPTIONAL: "note"}


def render(run: AuditRun) -> str:
    """One run of one tool; columns count Unicode code points."""
    known = [_rule(rule) for rule in rules()]
    known.append(
        {"id": UNUSED[0], "name": UNUSED[1], "shortDescription": {"text": "A suppression that suppresses nothing"}}
    )
    places = {rule["id"]: index for index, rule in enumerate(known)}
    results = [
        _result(name, one, places[one.rule]) for name, result in run.results.items() for one in result.diagnostics
    ]
    notices = [
        {"level": "error", "message": {"text": visible(f"{name}: not audited: {reason}")}}
        for name, reason in run.unreadable.items()
    ]
    tree = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "kit audit", "version": __version__, "rules": known}},
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": not notices, "toolExecutionNotifications": notices}],
                "results": results,
            }
        ],
    }
    return json.dumps(tree, ensure_ascii=False, indent=2)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.why},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(name: str, one: Diagnostic, place: int) -> dict[str, Any]:
    artifact = {"uri": quote(os.fsencode(name))}
    region = {"startLine": one.line, "startColumn": one.column, "endColumn": one.end_column}
    result: dict[str, Any] = {
        "ruleId": one.rule,
        "ruleIndex": place,
        "level": _LEVELS[one.severity],
        "message": {"text": visible(one.message)},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}],
        "partialFingerprints": {"statement/v1": fingerprint(one, name)},
    }
    if one.fix:
        deleted = {"startLine": one.fix.line, "startColumn": one.fix.column, "endColumn": one.fix.end_column}
        replacement = {"deletedRegion": deleted, "insertedContent": {"text": one.fix.new}}
        change = {"artifactLocation": artifact, "replacements": [replacement]}
        result["fixes"] = [{"description": {"text": f"print {visible(one.fix.new)}"}, "artifactChanges": [change]}]
    return result
