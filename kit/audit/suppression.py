"""``<!-- kit: ignore[KA012] reason -->``: findings that somebody reviewed and accepts.

At the end of a line it applies to that line; alone on a line, to the block that follows, up to the next blank line; as
``ignore-file``, to the whole file. A suppression needs a reason; one that suppresses nothing is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kit.audit.diagnostic import AuditResult, Diagnostic, Kind, Severity
from kit.audit.rule import rule_named

__all__ = ["UNUSED", "Suppression", "apply_suppressions", "find_suppressions"]

#: The id and name under which suppressions are reported; it is not a rule, so it cannot be suppressed.
UNUSED = ("KA000", "unused-suppression")
_OPENING = "<!-- kit:"
_COMMENT = re.compile(r"<!-- kit: (ignore(?:-file)?)\[([^\]<>]{1,200})\]([^<>]{0,500})-->")


@dataclass(frozen=True, slots=True)
class Suppression:
    """The ids of rules to ignore from line ``first`` to ``last``, and the position of the comment."""

    rules: frozenset[str]
    first: int
    last: int
    line: int
    column: int
    end_column: int
    reason: str
    unknown: tuple[str, ...] = ()


def find_suppressions(lines: Sequence[str]) -> list[Suppression]:
    """The suppressions of a report, except in code fences."""
    found = []
    fence = ""
    for number, line in enumerate(lines, 1):
        stripped = line.lstrip()
        if fence:
            fence = "" if stripped.startswith(fence) and not stripped.strip(fence[0]).strip() else fence
            continue
        if stripped.startswith(("```", "~~~")):
            fence = stripped[:3]
            continue
        if _OPENING in line:
            found += [_suppression(match, number, lines) for match in _COMMENT.finditer(line)]
    return found


def _suppression(match: re.Match[str], number: int, lines: Sequence[str]) -> Suppression:
    names = [name.strip() for name in match[2].split(",")]
    known = {name: rule_named(name) for name in names}
    first = last = number
    if match[1] == "ignore-file":
        first, last = 1, len(lines)
    elif not _COMMENT.sub("", lines[number - 1]).strip():
        first = last = number + 1
        while last < len(lines) and lines[last].strip():
            last += 1
    return Suppression(
        rules=frozenset(rule.id for rule in known.values() if rule),
        first=first,
        last=last,
        line=number,
        column=match.start() + 1,
        end_column=match.end() + 1,
        reason=match[3].strip(),
        unknown=tuple(name for name, rule in known.items() if rule is None),
    )


def apply_suppressions(result: AuditResult, ran: Iterable[str]) -> AuditResult:
    """The result without suppressed findings, and with a finding for each wrong suppression.

    Args:
        result: the result of one report.
        ran: ids of the rules that ran; a suppression of another rule may still be needed.
    """
    suppressions = find_suppressions(result.text)
    if not suppressions:
        return result
    ran = frozenset(ran)
    used: set[tuple[int, str]] = set()
    kept = []
    for one in result.diagnostics:
        hits = [
            index
            for index, each in enumerate(suppressions)
            if one.rule in each.rules and each.first <= one.line <= each.last
        ]
        used |= {(index, one.rule) for index in hits}
        if not hits:
            kept.append(one)
    suppressed = len(result.diagnostics) - len(kept)
    for index, each in enumerate(suppressions):
        idle = sorted(rule for rule in each.rules & ran if (index, rule) not in used)
        kept += [_complaint(result, each, f"it suppresses nothing: {rule}") for rule in idle]
        kept += [_complaint(result, each, f"there is no rule {name}") for name in each.unknown]
        if not each.reason:
            kept.append(_complaint(result, each, "it gives no reason"))
    shown = tuple(sorted(kept, key=lambda one: (one.line, one.column, one.rule)))
    return replace(result, diagnostics=shown, suppressed=suppressed)


def _complaint(result: AuditResult, each: Suppression, what: str) -> Diagnostic:
    text = result.text[each.line - 1][each.column - 1 : each.end_column - 1]
    return Diagnostic(
        *UNUSED,
        Kind.COMMAND,
        Severity.OPTIONAL,
        result.path,
        each.line,
        each.column,
        each.end_column,
        message=f"this suppression is wrong: {what}",
        stated=text,
        recomputed="",
        inputs="",
        computation="",
        statement=f"{text} | {what}",
    )
