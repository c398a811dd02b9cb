"""Results of an audit as text, JSON, JUnit XML and GitHub annotations."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as ET  # only writes; nothing is parsed here

from kit.audit.findings import AuditResult, Severity

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
            (finding.line, f"{name}:{finding.line}: {finding.severity} {finding.kind}: {finding.message}")
            for finding in result.findings
        ]
        if everything:
            entries += [
                (held.line, f"{name}:{held.line}: holds {held.kind}: {held.stated} ({held.note})")
                for held in result.held
            ]
        lines += [text for _, text in sorted(entries)]
        counts = {severity: sum(1 for f in result.findings if f.severity is severity) for severity in Severity}
        wrong = ", ".join(f"{count} {severity}" for severity, count in counts.items() if count) or "none wrong"
        lines.append(f"{name}: {len(result.held)} statements hold, {wrong}, {result.not_checked} not checked")
    return "\n".join(lines)


def _json(results: Mapping[str, AuditResult], everything: bool) -> str:
    report: dict[str, list[dict[str, Any]]] = {}
    for name, result in results.items():
        entries: list[dict[str, Any]] = [dict(finding.record()) for finding in result.findings]
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
                for held in result.held
            ]
        report[name] = sorted(entries, key=lambda entry: (entry["line"], entry["kind"], entry["stated"]))
    return json.dumps(report, ensure_ascii=False, indent=2)


def _junit(results: Mapping[str, AuditResult], everything: bool) -> str:  # noqa: ARG001 - JUnit counts what holds anyway
    root = ET.Element("testsuites", name="kit audit")
    for name, result in results.items():
        failures = result.major
        suite = ET.SubElement(
            root,
            "testsuite",
            name=_printable(name),
            tests=str(max(1, result.checked)),
            failures=str(failures),
            errors="0",
        )
        for held in result.held:
            ET.SubElement(
                suite,
                "testcase",
                classname=_printable(name),
                name=_printable(f"line {held.line}: {held.kind} {held.stated}"),
            )
        for finding in result.findings:
            title = f"line {finding.line}: {finding.kind} {finding.stated}"
            case = ET.SubElement(
                suite,
                "testcase",
                classname=_printable(name),
                name=_printable(title),
                file=_printable(name),
                line=str(finding.line),
            )
            if finding.severity is Severity.MAJOR:
                failure = ET.SubElement(case, "failure", type=finding.kind.value, message=_printable(finding.message))
                failure.text = _printable(f"{name}:{finding.line}: {finding.message}\ninputs: {finding.inputs}")
            else:
                ET.SubElement(case, "system-out").text = _printable(f"{finding.severity}: {finding.message}")
        if not result.checked:
            ET.SubElement(suite, "testcase", classname=_printable(name), name="no derived statements")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False)


def _github(results: Mapping[str, AuditResult], everything: bool) -> str:  # noqa: ARG001 - annotations are for what is wrong
    level = {Severity.MAJOR: "error", Severity.DIGITS: "warning", Severity.OPTIONAL: "notice"}
    return "\n".join(
        f"::{level[finding.severity]} file={_property(name)},line={finding.line}"
        f",title={_property(f'kit audit: {finding.kind}')}"
        f"::{_data(finding.message)}"
        for name, result in results.items()
        for finding in result.findings
    )


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _printable(text: str) -> str:
    """Without the control characters that XML does not allow."""
    return "".join(
        char for char in text if char in "\t\n\r" or (char >= " " and not 0xD800 <= ord(char) <= 0xDFFF and char < "￾")
    )


_RENDERERS: Final[dict[Format, Callable[[Mapping[str, AuditResult], bool], str]]] = {
    Format.TEXT: _text,
    Format.JSON: _json,
    Format.JUNIT: _junit,
    Format.GITHUB: _github,
}
