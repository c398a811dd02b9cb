"""The result of an audit: diagnostics with their position and fix, and how much was checked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["AuditResult", "Diagnostic", "Fix", "Kind", "Severity", "Verified"]


class Kind(StrEnum):
    """The kind of statement that a rule checks; several rules can share one."""

    ARITHMETIC = "arithmetic"
    RATIO = "ratio"
    LABEL = "label"
    DUPLICATE_HEADER = "duplicate-header"
    BEST_ROW = "best-row"
    CLAIM = "claim"
    UNIT = "unit"
    MISSING = "missing"
    COMMAND = "command"


class Severity(StrEnum):
    """``major`` misleads a reader, ``digits`` is a slip in the last digits, ``optional`` is minor or a consequence."""

    MAJOR = "major"
    DIGITS = "digits"
    OPTIONAL = "optional"


@dataclass(frozen=True, slots=True)
class Fix:
    """Replace the characters ``column`` to ``end_column`` (from 1, the end excluded) of a line by ``new``.

    A fix is applied only if the text there is still ``old``. ``safe`` fixes change last digits, and labels whose
    formula leaves no choice; a person must agree to the others (products, ratios).
    """

    line: int
    column: int
    end_column: int
    old: str
    new: str
    safe: bool


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One wrong statement of a report.

    ``line`` and ``column`` count from 1 in the text as written, in characters; ``end_column`` is excluded. ``stated``
    is what is printed, ``recomputed`` what it should be, ``inputs`` the numbers used, and ``computation`` how ("180.5
    / 60.0 = 3.00833"). ``statement`` identifies it without line numbers, so that it survives moved lines: section,
    row and column, or the words around the number.
    """

    rule: str
    name: str
    kind: Kind
    severity: Severity
    path: str
    line: int
    column: int
    end_column: int
    message: str
    stated: str
    recomputed: str
    inputs: str
    computation: str
    statement: str
    fix: Fix | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """A statement that a rule found right."""

    rule: str
    kind: Kind
    line: int
    stated: str
    recomputed: str
    note: str


@dataclass(frozen=True, slots=True)
class AuditResult:
    """The diagnostics of a report by line, the statements that hold, and how many could not be understood.

    ``text`` has the lines of the report as written.
    """

    path: str
    diagnostics: tuple[Diagnostic, ...]
    verified: tuple[Verified, ...]
    not_checked: int
    text: tuple[str, ...]
    suppressed: int = 0  # diagnostics that the report suppresses

    @property
    def lines(self) -> int:
        """The number of lines."""
        return len(self.text)

    @property
    def checked(self) -> int:
        """How many statements were understood: those that hold and those that do not, suppressed or shown."""
        return len(self.diagnostics) + len(self.verified) + self.suppressed

    @property
    def major(self) -> int:
        """How many diagnostics mislead a reader; any of them fails the audit."""
        return sum(1 for one in self.diagnostics if one.severity is Severity.MAJOR)
