"""What an audit says: findings, and how many statements were looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypedDict

from kit.audit.diagnostic import Kind, Severity

__all__ = ["AuditResult", "Finding", "FindingRecord", "Held", "Kind", "Ledger", "Severity"]


class FindingRecord(TypedDict):
    """A finding as JSON."""

    line: int
    kind: str
    stated: str
    recomputed: str
    inputs: str
    message: str
    severity: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One wrong statement: where, what is printed, what it should be, from which inputs, and why in one sentence."""

    line: int
    kind: Kind
    stated: str
    recomputed: str
    inputs: str
    message: str
    severity: Severity = Severity.MAJOR

    def record(self) -> FindingRecord:
        """The finding as it stands in the JSON output."""
        return {
            "line": self.line,
            "kind": self.kind.value,
            "stated": self.stated,
            "recomputed": self.recomputed,
            "inputs": self.inputs,
            "message": self.message,
            "severity": self.severity.value,
        }


@dataclass(frozen=True, slots=True)
class Held:
    """A derived statement that was checked and is right."""

    line: int
    kind: Kind
    stated: str
    recomputed: str
    note: str


@dataclass(frozen=True, slots=True)
class AuditResult:
    """All findings of a report by line, the statements that hold, and how many could not be tied to a meaning."""

    findings: tuple[Finding, ...]
    held: tuple[Held, ...]
    not_checked: int
    lines: int

    @property
    def checked(self) -> int:
        """Statements that were tied to a meaning: those that hold and those that do not."""
        return len(self.findings) + len(self.held)

    @property
    def major(self) -> int:
        """Findings that mislead a reader; more than none fails the audit."""
        return sum(1 for finding in self.findings if finding.severity is Severity.MAJOR)


@dataclass(slots=True)
class Ledger:
    """Where the checks write down what they saw. A statement is entered once: the first entry stands."""

    _findings: dict[tuple[int, Kind, str], Finding] = field(default_factory=dict)
    _held: dict[tuple[int, Kind, str, str], Held] = field(default_factory=dict)
    _skipped: set[tuple[int, Kind, str]] = field(default_factory=set)

    def find(self, finding: Finding) -> None:
        """Enter a wrong statement."""
        self._findings.setdefault((finding.line, finding.kind, finding.stated), finding)

    def hold(self, line: int, kind: Kind, stated: str, recomputed: str, note: str) -> None:
        """Enter a statement that is right."""
        self._held.setdefault((line, kind, stated, note), Held(line, kind, stated, recomputed, note))

    def skip(self, line: int, kind: Kind, stated: str) -> None:
        """Enter a statement whose meaning is not known."""
        self._skipped.add((line, kind, stated))

    def flagged(self, line: int, kind: Kind) -> bool:
        """Whether the line has a finding of this kind already."""
        return any(key[0] == line and key[1] is kind for key in self._findings)

    def result(self, lines: int) -> AuditResult:
        """Close the ledger of a report of ``lines`` lines."""
        findings = sorted(self._findings.values(), key=lambda f: (f.line, f.kind.value, f.stated))
        held = sorted(self._held.values(), key=lambda h: (h.line, h.kind.value, h.stated))
        return AuditResult(tuple(findings), tuple(held), len(self._skipped), lines)
