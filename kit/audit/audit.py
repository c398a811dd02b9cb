"""Audit a report: read its facts once, let every rule look at them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.audit.diagnostic import AuditResult, Diagnostic, Fix, Verified
from kit.audit.facts.encoding import decode
from kit.audit.facts.facts import read_facts
from kit.audit.facts.places import column_of, section_of
from kit.audit.rule import Finding, Held, Rule, Unknown, rules
from kit.storage.inputs import read_input

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kit.audit.diagnostic import Kind
    from kit.audit.facts.facts import Facts

__all__ = ["audit_file", "audit_text", "read_report"]

#: A larger file is not a report that somebody wrote.
MAX_BYTES = 16 << 20


def audit_text(text: str, path: str = "", chosen: Iterable[Rule] | None = None) -> AuditResult:
    """Audit the text of a report. ``path`` is its name in the diagnostics, ``chosen`` limits the rules."""
    return judge(read_facts(text), path, rules() if chosen is None else chosen)


def audit_file(path: Path, chosen: Iterable[Rule] | None = None) -> AuditResult:
    """Audit a report in a file.

    Raises:
        MissingError: there is no such file.
        InvalidInputError: it is a folder or a device, or not text.
        DamagedError: it is larger than 16 MiB.
        ResourceError: it may not be read.
    """
    return audit_text(read_report(path), str(path), chosen)


def read_report(path: Path) -> str:
    """The text of a report; raises as :func:`audit_file`."""
    return decode(read_input(path, MAX_BYTES, "report"), str(path))


def judge(facts: Facts, path: str, chosen: Iterable[Rule]) -> AuditResult:
    """What the rules say of a report. The same statement is told once, by the rule with the lowest id."""
    wrong: dict[tuple[int, Kind, str], tuple[Rule, Finding]] = {}
    held: dict[tuple[int, Kind, str, str], Verified] = {}
    unknown: set[tuple[int, Kind, str]] = set()
    for rule in sorted(chosen, key=lambda rule: rule.id):
        for outcome in rule.check(facts):
            match outcome:
                case Finding():
                    wrong.setdefault((outcome.line, rule.kind, outcome.stated), (rule, outcome))
                case Held(line, stated, recomputed, note):
                    entry = Verified(rule.id, rule.kind, line, stated, recomputed, note)
                    held.setdefault((line, rule.kind, stated, note), entry)
                case Unknown(line, stated):
                    unknown.add((line, rule.kind, stated))
    return AuditResult(
        path,
        tuple(
            _diagnostic(facts, path, rule, finding)
            for (_, _, _), (rule, finding) in sorted(
                wrong.items(), key=lambda item: (item[0][0], item[0][1].value, item[0][2])
            )
        ),
        tuple(sorted(held.values(), key=lambda one: (one.line, one.kind.value, one.stated))),
        len(unknown),
        facts.document.raw,
    )


def _diagnostic(facts: Facts, path: str, rule: Rule, finding: Finding) -> Diagnostic:
    column, end_column, found = column_of(facts.document, finding.line, finding.stated, finding.start)
    fix = None
    if found and finding.replacement is not None and finding.replacement != finding.stated:
        old = facts.document.raw[finding.line - 1][column - 1 : end_column - 1]
        fix = Fix(finding.line, column, end_column, old, finding.replacement, finding.safe)
    return Diagnostic(
        rule.id,
        rule.name,
        rule.kind,
        finding.severity,
        path,
        finding.line,
        column,
        end_column,
        finding.message,
        finding.stated,
        finding.recomputed,
        finding.inputs,
        finding.computation,
        " | ".join(
            part for part in (section_of(facts.document, finding.line), finding.subject, finding.stated) if part
        ),
        fix,
    )
