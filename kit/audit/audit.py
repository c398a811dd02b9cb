"""Audit a report: read its facts once, then apply every rule to them."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import unquote

from kit.audit.diagnostic import AuditResult, Diagnostic, Fix, Kind, Verified
from kit.audit.facts.companions import Companions, companions_of, links_of
from kit.audit.facts.encoding import decode
from kit.audit.facts.facts import Facts, read_facts
from kit.audit.rule import Held, Rule, Unknown, Wrong, rules
from kit.errors import KitError
from kit.storage.inputs import read_input

__all__ = ["audit_file", "audit_text", "read_report"]

#: Folders of result files, and how many files beside a report are read.
_RESULTS = {"results", "result"}
_MOST_FILES = 200
#: Nobody writes a larger report.
MAX_BYTES = 16 << 20


def audit_text(
    text: str,
    path: str = "",
    chosen: Iterable[Rule] | None = None,
    beside: Mapping[str, str] | None = None,
) -> AuditResult:
    """Audit the text of a report.

    ``path`` is its name in the diagnostics, ``chosen`` limits the rules. ``beside`` are the texts of the files in its
    folder, by name, among them the reports that an index links to.
    """
    companions = None
    if beside:
        name = path.rpartition("/")[2] or "README.md"
        companions = companions_of(name, list(beside), beside.get)
        companions = replace(companions, links=links_of(text, beside.get))
    return _audited(text, companions, path, chosen)


def audit_file(path: Path, chosen: Iterable[Rule] | None = None, *, index: bool = False) -> AuditResult:
    """Audit a report in a file, with the files beside it; compare an ``index`` with the reports it links to.

    Raises:
        MissingError: there is no such file.
        InvalidInputError: it is a folder or a device, or not text.
        DamagedError: it is larger than 16 MiB.
        ResourceError: it may not be read.
    """
    text = read_report(path)
    companions = companions_of(path.name, _names(path.parent), partial(_report_text, path.parent))
    if index:
        companions = replace(companions, links=links_of(text, partial(_linked, path.parent)))
    return _audited(text, companions, str(path), chosen)


def _audited(text: str, companions: Companions | None, path: str, chosen: Iterable[Rule] | None) -> AuditResult:
    with _no_collection():
        return run_rules(read_facts(text, companions), path, rules() if chosen is None else chosen)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Facts are many and have no cycles, and looking for cycles would take a fifth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _names(folder: Path) -> list[str]:
    """The files beside a report that may belong to it."""
    try:
        names = [one.name for one in folder.iterdir()]
        results = [f"{name}/{one.name}" for name in names if name in _RESULTS for one in (folder / name).glob("*.json")]
    except OSError:
        return []
    return [*names[:_MOST_FILES], *results[:_MOST_FILES]]


def _report_text(folder: Path, name: str) -> str | None:
    try:
        return read_report(folder / name)
    except KitError:
        return None  # the error is reported when that file itself is audited


def _linked(folder: Path, target: str) -> str | None:
    """The report that a link in an index points to, below the folder of the index; for a folder its README.md."""
    try:
        path = (folder / unquote(target)).resolve()
        if not path.is_relative_to(folder.resolve()):
            return None
        if path.is_dir():
            path /= "README.md"
    except (OSError, ValueError, RuntimeError):  # a name that is too long or has odd characters, or links in a circle
        return None
    return _report_text(path.parent, path.name) if path.suffix.lower() in {".md", ".markdown"} else None


def read_report(path: Path) -> str:
    """The text of a report; raises as :func:`audit_file`."""
    return decode(read_input(path, MAX_BYTES, "report"), str(path))


def run_rules(facts: Facts, path: str, chosen: Iterable[Rule]) -> AuditResult:
    """What the rules find in a report. A statement is reported once, by the rule with the lowest id."""
    wrong: dict[tuple[int, Kind, str], tuple[Rule, Wrong]] = {}
    held: dict[tuple[int, Kind, str, str], Verified] = {}
    unknown: set[tuple[int, Kind, str]] = set()
    for rule in sorted(chosen, key=lambda rule: rule.id):
        for outcome in rule.check(facts):
            match outcome:
                case Wrong():
                    wrong.setdefault((outcome.line, rule.kind, outcome.stated), (rule, outcome))
                case Held(line, stated, recomputed, note):
                    entry = Verified(rule.id, rule.kind, line, stated, recomputed, note)
                    held.setdefault((line, rule.kind, stated, note), entry)
                case Unknown(line, stated):
                    unknown.add((line, rule.kind, stated))
    diagnostics = [_diagnostic(facts, path, rule, finding) for rule, finding in wrong.values()]
    return AuditResult(
        path,
        tuple(sorted(diagnostics, key=_order)),
        tuple(sorted(held.values(), key=_order)),
        len(unknown),
        facts.document.raw,
    )


def _order(one: Diagnostic | Verified) -> tuple[int, str, str]:
    return one.line, one.kind.value, one.stated


def _diagnostic(facts: Facts, path: str, rule: Rule, finding: Wrong) -> Diagnostic:
    document = facts.document
    column, end_column, found = document.columns_of(finding.line, finding.stated, finding.start)
    fix = None
    if found and finding.replacement is not None and finding.replacement != finding.stated:
        old = document.raw[finding.line - 1][column - 1 : end_column - 1]
        fix = Fix(finding.line, column, end_column, old, finding.replacement, finding.safe)
    place = (document.heading(finding.line), finding.subject, finding.stated)
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
        " | ".join(part for part in place if part),
        fix,
    )
