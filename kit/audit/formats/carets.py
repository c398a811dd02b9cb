"""Text for people: the line, a caret under the number, the computation and the fix."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator

from kit.audit.diagnostic import AuditResult, Diagnostic, Severity
from kit.audit.formats import AuditRun
from kit.terminal import visible

__all__ = ["render"]

#: Columns of a quoted line; of a longer one, the part around the number is shown.
_WIDTH = 110


def render(run: AuditRun) -> str:
    """The findings by report and line, with a line of counts after each report."""
    lines: list[str] = []
    for name, result in run.results.items():
        entries = [(one.line, list(_finding(name, result, one))) for one in result.diagnostics]
        if run.everything:
            entries += [
                (one.line, [visible(f"{name}:{one.line}: holds {one.rule} {one.kind}: {one.stated} ({one.note})")])
                for one in result.verified
            ]
        lines += [line for _, block in sorted(entries, key=lambda entry: entry[0]) for line in block]
        lines.append(_counts(name, result))
    lines += [visible(f"{name}: not audited: {reason}") for name, reason in run.unreadable.items()]
    if len(run.results) > 1:
        lines.append(_total(run))
    return "\n".join(lines)


def _finding(name: str, result: AuditResult, one: Diagnostic) -> Iterator[str]:
    yield visible(f"{name}:{one.line}:{one.column}: {one.severity} {one.rule} {one.name}: {one.message}")
    text, shift = _window(result.text[one.line - 1], one.column - 1, one.end_column - 1)
    if text:
        number = f"{one.line:>5} | "
        before, marked = text[: one.column - 1 - shift], text[one.column - 1 - shift : one.end_column - 1 - shift]
        yield number + visible(text)
        yield " " * 5 + " | " + " " * _columns(visible(before)) + "^" * max(1, _columns(visible(marked)))
    if one.computation and one.computation.partition(" = ")[0] not in one.message:
        yield f"      = computed: {visible(one.computation)}"
    if one.fix:
        kind = "fix" if one.fix.safe else "fix (--unsafe)"
        yield f"      = {kind}: {visible(one.fix.old)} -> {visible(one.fix.new)}"


def _window(line: str, start: int, end: int) -> tuple[str, int]:
    """The part of a line that is shown, and how many characters before it are left out."""
    if len(line) <= _WIDTH:
        return line, 0
    first = max(0, min(start - _WIDTH // 3, len(line) - _WIDTH))
    return line[first : max(first + _WIDTH, min(end, start + _WIDTH))], first


def _columns(text: str) -> int:
    """Columns on a terminal, where Chinese characters take two."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def _counts(name: str, result: AuditResult) -> str:
    counts = Counter(one.severity for one in result.diagnostics)
    wrong = ", ".join(f"{counts[severity]} {severity}" for severity in Severity if counts[severity]) or "none wrong"
    if not result.checked and not result.not_checked:
        return f"{visible(name)}: no derived statement was recognised in {result.lines} lines"
    if result.suppressed:
        wrong += f", {result.suppressed} suppressed"
    return f"{visible(name)}: {len(result.verified)} statements hold, {wrong}, {result.not_checked} not checked"


def _total(run: AuditRun) -> str:
    found = run.results.values()
    wrong = sum(len(result.diagnostics) for result in found)
    bad = sum(1 for result in found if result.diagnostics)
    silent = sum(1 for result in found if not result.checked)
    hold = sum(len(result.verified) for result in found)
    return (
        f"{len(run.results)} reports: {hold} statements hold, {wrong} findings in {bad} reports, {silent} without any"
    )
