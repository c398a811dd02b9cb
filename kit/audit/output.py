"""Results of an audit as text, JSON, JUnit XML and GitHub annotations."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from kit.audit.diagnostic import AuditResult, Diagnostic, Severity
from kit.output.annotations import Level, annotation
from kit.output.junit import JUnitCase, JUnitSuite, junit
from kit.terminal import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Format", "render"]


class Format(StrEnum):
    """How to print the findings."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    GITHUB = "github"


def render(results: Mapping[str, AuditResult], form: Format, *, everything: bool = False) -> str:
    """Results by file name in a format. ``everything`` adds the statements that hold (text and JSON)."""
    return _RENDERERS[form](results, everything)


def _text(results: Mapping[str, AuditResult], everything: bool) -> str:
    lines: list[str] = []
    for name, result in results.items():
        entries = [
            (finding.line, f"{finding.severity} {finding.kind}: {finding.message}") for finding in result.diagnostics
        ]
        if everything:
            entries += [(held.line, f"holds {held.kind}: {held.stated} ({held.note})") for held in result.verified]
        lines += [visible(f"{name}:{line}: {text}") for line, text in sorted(entries)]
        counts = {severity: sum(1 for f in result.diagnostics if f.severity is severity) for severity in Severity}
        wrong = ", ".join(f"{count} {severity}" for severity, count in counts.items() if count) or "none wrong"
        lines.append(
            f"{visible(name)}: {len(result.verified)} statements hold, {wrong}, {result.not_checked} not checked"
        )
    return "\n".join(lines)


def _json(results: Mapping[str, AuditResult], everything: bool) -> str:
    report: dict[str, list[dict[str, Any]]] = {}
    for name, result in results.items():
        entries: list[dict[str, Any]] = [_record(finding) for finding in result.diagnostics]
        if everything:
            entries += [
                {
                    "line": held.line,
                    "kind": held.kind.value,
                    "stated": held.stated,
                    "recomputed": held.recomputed,
                    "inputs": "",
                    "message": held.note,
                    "severity": "holds",
                }
                for held in result.verified
            ]
        report[name] = sorted(entries, key=lambda entry: (entry["line"], entry["kind"], entry["stated"]))
    return json.dumps(report, ensure_ascii=False, indent=2)


def _record(finding: Diagnostic) -> dict[str, Any]:
    return {
        "line": finding.line,
        "kind": finding.kind.value,
        "stated": finding.stated,
        "recomputed": finding.recomputed,
        "inputs": finding.inputs,
        "message": finding.message,
        "severity": finding.severity.value,
    }


def _junit(results: Mapping[str, AuditResult], everything: bool) -> str:  # noqa: ARG001 - JUnit counts what holds anyway
    return junit("kit audit", [JUnitSuite(name, name, _cases(name, result)) for name, result in results.items()])


def _cases(name: str, result: AuditResult) -> list[JUnitCase]:
    if not result.checked:
        return [JUnitCase("no derived statements")]
    cases = [JUnitCase(f"line {held.line}: {held.kind} {held.stated}") for held in result.verified]
    for finding in result.diagnostics:
        title = f"line {finding.line}: {finding.kind} {finding.stated}"
        if finding.severity is Severity.MAJOR:
            details = [f"{name}:{finding.line}: {finding.message}", f"inputs: {finding.inputs}"]
            kind = finding.kind.value
            cases.append(JUnitCase(title, "failed", finding.message, kind, details, name, finding.line))
        else:
            noticed = f"{finding.severity}: {finding.message}"
            cases.append(JUnitCase(title, message=noticed, file=name, line=finding.line))
    return cases


def _github(results: Mapping[str, AuditResult], everything: bool) -> str:  # noqa: ARG001 - annotations are for what is wrong
    levels: dict[Severity, Level] = {
        Severity.MAJOR: "error",
        Severity.DIGITS: "warning",
        Severity.OPTIONAL: "notice",
    }
    return "\n".join(
        annotation(
            levels[finding.severity], f"kit audit: {finding.kind}", finding.message, file=name, line=finding.line
        )
        for name, result in results.items()
        for finding in result.diagnostics
    )


_RENDERERS: Final[dict[Format, Callable[[Mapping[str, AuditResult], bool], str]]] = {
    Format.TEXT: _text,
    Format.JSON: _json,
    Format.JUNIT: _junit,
    Format.GITHUB: _github,
}
