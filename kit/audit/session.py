"""An audit from the command line: settings, reports, fixes, baseline, changed lines, and whether it failed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kit.audit.baseline import load_baseline, only_lines, without_known, write_baseline
from kit.audit.changes import changed_lines
from kit.audit.diagnostic import AuditResult
from kit.audit.fixing import fix_report
from kit.audit.formats import AuditRun, Form, render
from kit.audit.settings import AuditSettings, load_settings
from kit.audit.zoo import Audited, audit_reports, find_reports
from kit.errors import KitError

__all__ = ["AuditOutcome", "Request", "audit"]


@dataclass(frozen=True)
class Request:
    """The options of the command."""

    places: tuple[Path, ...]
    config: Path | None = None
    index: Path | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    baseline: Path | None = None
    write_baseline: Path | None = None
    diff: str | None = None
    fix: bool = False
    unsafe: bool = False
    everything: bool = False
    require_statements: bool = False


@dataclass(frozen=True)
class AuditOutcome:
    """The result. ``failed``: a report has a major finding, or lacks the statements that are required."""

    run: AuditRun
    failed: bool
    errors: tuple[KitError, ...] = ()
    notices: tuple[str, ...] = ()

    def render(self, form: Form) -> str:
        """The findings in a format."""
        return render(self.run, form)


def audit(request: Request, progress: Callable[[int, int], None]) -> AuditOutcome:
    """Audit the reports of a request.

    Raises:
        KitError: the settings, baseline or revision are invalid; unreadable reports are part of the outcome.
    """
    settings, folder = load_settings(request.config, Path.cwd())
    settings = settings.and_also(request.select, request.ignore, request.severity)
    known_file = request.baseline or (folder / settings.baseline if settings.baseline else None)
    known = load_baseline(known_file) if known_file and not request.write_baseline else None
    paths = find_reports(request.places, settings)
    if request.index is not None:
        paths = [request.index, *(path for path in paths if path != request.index)]
    lines = {path: changed_lines(path, request.diff) for path in paths} if request.diff else {}
    audited = audit_reports(paths, settings, progress, request.index)
    notices: list[str] = []
    if request.fix:
        audited = _fixed(audited, settings, request, notices)
    results: dict[str, AuditResult] = {}
    for one in audited:
        if one.result is not None:
            name = str(one.path)
            result = without_known(one.result, name, known) if known else one.result
            results[name] = only_lines(result, lines.get(one.path))
    if request.write_baseline:
        count = write_baseline(request.write_baseline, results)
        notices.append(f"{count} findings are written to {request.write_baseline} as known")
    required = request.require_statements or settings.require_statements
    silent = [name for name, result in results.items() if required and not result.checked]
    notices += [f"{name}: nothing in it was recognised, and statements are required" for name in silent]
    errors = tuple(one.error for one in audited if one.error is not None)
    reasons = {str(one.path): one.error.what for one in audited if one.error is not None}
    return AuditOutcome(
        AuditRun(results, reasons, request.everything),
        failed=bool(silent) or (not request.write_baseline and any(result.major for result in results.values())),
        errors=errors,
        notices=tuple(notices),
    )


def _fixed(audited: list[Audited], settings: AuditSettings, request: Request, notices: list[str]) -> list[Audited]:
    """The reports after fixing, audited again."""
    again = []
    for one in audited:
        made = fix_report(one.path, one.result.diagnostics, unsafe=request.unsafe) if one.result else 0
        if made:
            notices.append(f"{one.path}: {made} fixed")
            again += audit_reports([one.path], settings, index=request.index)
        else:
            again.append(one)
    return again
