"""Known findings, kept in a file: a project can switch the audit on today and answer for new findings only.

A finding is known by its report, rule and statement, not by its line; where a statement is wrong twice, two are known.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from kit.audit.diagnostic import AuditResult, Diagnostic
from kit.errors import InvalidInputError
from kit.storage.files import write_atomically
from kit.storage.inputs import read_input

__all__ = ["fingerprint", "load_baseline", "without_known", "write_baseline"]

_MAX_BYTES = 64 << 20


def fingerprint(one: Diagnostic, path: str) -> str:
    """SHA-256 of report, rule and statement."""
    key = f"{path}\0{one.rule}\0{one.statement}"
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def load_baseline(path: Path) -> Counter[str]:
    """The known findings: fingerprint -> how often.

    Raises:
        InvalidInputError: not such a file.
    """
    try:
        tree = json.loads(read_input(path, _MAX_BYTES, "baseline"))
        findings = tree["findings"]
        if tree["format"] != 1 or not isinstance(findings, list):
            raise ValueError("of another format")
        return Counter(str(one["fingerprint"]) for one in findings)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidInputError(
            "this is no baseline of the audit", where=str(path), remedy="write one with --write-baseline FILE"
        ) from error


def write_baseline(path: Path, results: Mapping[str, AuditResult]) -> int:
    """Write all findings as known ones; returns how many."""
    findings = [
        {"report": name, "rule": one.rule, "statement": one.statement, "fingerprint": fingerprint(one, name)}
        for name, result in results.items()
        for one in result.diagnostics
    ]
    findings.sort(key=lambda one: (one["report"], one["rule"], one["statement"]))
    text = json.dumps({"format": 1, "findings": findings}, ensure_ascii=False, indent=1, sort_keys=True)
    write_atomically(path, f"{text}\n".encode("utf-8", "backslashreplace"))  # as JSON writes what UTF-8 has no form for
    return len(findings)


def without_known(result: AuditResult, name: str, known: Counter[str]) -> AuditResult:
    """The result without the known findings; each entry of the baseline answers for one."""
    left = Counter(known)
    kept = []
    for one in result.diagnostics:
        key = fingerprint(one, name)
        if left[key]:
            left[key] -= 1
        else:
            kept.append(one)
    return replace(result, diagnostics=tuple(kept))


def only_lines(result: AuditResult, lines: Iterable[int] | None) -> AuditResult:
    """The result with findings of these lines alone; None: of all."""
    if lines is None:
        return result
    wanted = frozenset(lines)
    return replace(result, diagnostics=tuple(one for one in result.diagnostics if one.line in wanted))
