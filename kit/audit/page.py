"""One HTML page about all reports of a folder: how many, what was checked, each finding with its line."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kit.audit.diagnostic import AuditResult, Severity
from kit.audit.formats import AuditRun
from kit.audit.rule import rules
from kit.output.fonts import SANS
from kit.resources import resource
from kit.storage.files import write_atomically
from kit.terminal import visible

__all__ = ["overview", "write_page"]

#: How many characters of a line are shown.
_LINE = 300


def write_page(path: Path, run: AuditRun) -> None:
    """Write the page.

    Raises:
        ResourceError: no space, no permission.
    """
    write_atomically(path, overview(run, path.parent).encode())


def overview(run: AuditRun, folder: Path) -> str:
    """The page, with links relative to ``folder``. It needs no server, and shows everything without JavaScript."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(resource("templates") / "html"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    found = [_row(name, one, result, folder) for name, result in run.results.items() for one in result.diagnostics]
    return environment.get_template("audit.html.j2").render(
        font=SANS,
        reports=len(run.results),
        unreadable={visible(name): visible(reason) for name, reason in run.unreadable.items()},
        silent=[visible(name) for name, result in run.results.items() if not result.checked],
        hold=sum(len(result.verified) for result in run.results.values()),
        not_checked=sum(result.not_checked for result in run.results.values()),
        severities={severity.value: sum(row["severity"] == severity for row in found) for severity in Severity},
        by_rule=_by_rule(found),
        by_folder=_by_folder(run.results),
        findings=found,
    )


def _row(name: str, one: Any, result: AuditResult, folder: Path) -> dict[str, Any]:
    text = result.text[one.line - 1]
    start, end = one.column - 1, one.end_column - 1
    first = max(0, start - _LINE // 2) if len(text) > _LINE else 0
    return {
        "report": visible(name),
        "address": quote(os.fsencode(os.path.relpath(name, folder))),
        "folder": visible(Path(name).parent),
        "line": one.line,
        "rule": one.rule,
        "name": one.name,
        "severity": one.severity,
        "message": visible(one.message),
        "computation": visible(one.computation),
        "before": visible(text[first:start]),
        "marked": visible(text[start:end]),
        "after": visible(text[end : first + _LINE]),
        "fix": visible(one.fix.new) if one.fix else "",
    }


def _by_rule(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    counts = Counter((row["rule"], row["name"]) for row in found)
    summaries = {rule.id: rule.summary for rule in rules()}
    return [
        {"rule": rule, "name": name, "summary": summaries.get(rule, ""), "count": count}
        for (rule, name), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def _by_folder(results: Mapping[str, AuditResult]) -> list[dict[str, Any]]:
    folders: dict[str, dict[str, Any]] = {}
    for name, result in results.items():
        row = folders.setdefault(visible(Path(name).parent), {"reports": 0, "checked": 0, "findings": 0, "major": 0})
        row["reports"] += 1
        row["checked"] += result.checked
        row["findings"] += len(result.diagnostics)
        row["major"] += result.major
    ordered = sorted(folders.items(), key=lambda item: (-item[1]["major"], -item[1]["findings"], item[0]))
    return [{"folder": name, **row} for name, row in ordered]
