"""Known findings in a file, so that a project can start using the audit and only fix new findings.

A finding is identified by its report, rule and statement, not its line; if a statement is wrong twice, there are two.
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
    """The SHA-256 of report, rule and statement."""
    key = f"{path}\0{one.rule}\0{one.statement}"
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()


def load_baseline(path: Path) -> Counter[str]:
    """How often each known finding occurs, by fingerprint.

    Raises:
        InvalidInputError: it is not a baseline.
    """
    try:
        tree = json.loads(read_input(path, _MAX_BYTES, "baseline"))
        findings = tree["findings"]
        if tree["format"] != 1 or not isinstance(findings, list):
            raise ValueError("unknown format")
        return Counter(str(one["fingerprint"]) for one in findings)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidInputError(
            "this is not a baseline of the audit", where=str(path), remedy="write one with --write-baseline FILE"
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
    write_atomically(path, f"{text}\n".encode("utf-8", "backslashreplace"))  # lone surrogates as JSON escapes them
    return len(findings)


def without_known(result: AuditResult, name: str, known: Counter[str]) -> AuditResult:
    """The result without known findings; each entry of the baseline covers one."""
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
    """The result with the findings of these lines only; None: of all lines."""
    if lines is None:
        return result
    wanted = frozenset(lines)
    return replace(result, diagnostics=tuple(one for one in result.diagnostics if one.line in wanted))
