"""Apply fixes to a report, if its text is still what the diagnostic saw."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from kit.audit.diagnostic import Diagnostic, Fix
from kit.errors import InvalidInputError
from kit.storage.files import write_atomically
from kit.storage.inputs import read_input

__all__ = ["applicable", "fix_report", "fixed_text"]

_MAX_BYTES = 64 << 20
_MARK = b"\xef\xbb\xbf"
#: A line with its end, counted as the audit counts lines: LF, CRLF or CR.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")


def applicable(diagnostics: Iterable[Diagnostic], *, unsafe: bool) -> list[Fix]:
    """The fixes to apply; of two that overlap, the first."""
    fixes = sorted(
        (one.fix for one in diagnostics if one.fix and (unsafe or one.fix.safe)), key=lambda fix: (fix.line, fix.column)
    )
    taken: list[Fix] = []
    for fix in fixes:
        if not taken or taken[-1].line != fix.line or taken[-1].end_column <= fix.column:
            taken.append(fix)
    return taken


def fixed_text(text: str, fixes: Iterable[Fix]) -> tuple[str, int]:
    """The text with the fixes, and how many were applied; line ends do not change."""
    lines = _LINE.findall(text)
    made = 0
    for fix in sorted(fixes, key=lambda fix: (fix.line, fix.column), reverse=True):
        line = lines[fix.line - 1] if fix.line <= len(lines) else ""
        if line[fix.column - 1 : fix.end_column - 1] == fix.old:
            lines[fix.line - 1] = line[: fix.column - 1] + fix.new + line[fix.end_column - 1 :]
            made += 1
    return "".join(lines), made


def fix_report(path: Path, diagnostics: Iterable[Diagnostic], *, unsafe: bool) -> int:
    """Fix a report in place, atomically; returns how many fixes were applied.

    Raises:
        InvalidInputError: it is not UTF-8, and what is not read exactly cannot be written back.
        KitError: it cannot be read or written.
    """
    fixes = applicable(diagnostics, unsafe=unsafe)
    if not fixes:
        return 0
    data = read_input(path, _MAX_BYTES, "report")
    mark = _MARK if data.startswith(_MARK) else b""
    try:
        text = data[len(mark) :].decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            "the report is not UTF-8, so it is not fixed", where=str(path), remedy="convert it to UTF-8 first"
        ) from error
    text, made = fixed_text(text, fixes)
    if made:
        write_atomically(path, mark + text.encode("utf-8"))
    return made
