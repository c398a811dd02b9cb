"""Audit a report: read its facts once, let every rule look at them."""

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
from kit.audit.facts.positions import column_of, section_of
from kit.audit.rule import Held, Rule, Unknown, Wrong, rules
from kit.errors import KitError
from kit.storage.inputs import read_input

__all__ = ["audit_file", "audit_text", "read_report"]

#: Folders of result files, and how many files beside a report are looked at.
_RESULTS = {"results", "result"}
_MOST_FILES = 200
#: A larger file is not a report that somebody wrote.
MAX_BYTES = 16 << 20


def audit_text(
    text: str,
    path: str = "",
    chosen: Iterable[Rule] | None = None,
    beside: Mapping[str, str] | None = None,
) -> AuditResult:
    """Audit the text of a report.

    ``path`` is its name in the diagnostics, ``chosen`` limits the rules. ``beside`` are the texts of files in its
    folder, by name; reports among them are also those that an index links to.
    """
    companions = None
    if beside:
        name = path.rpartition("/")[2] or "README.md"
        companions = companions_of(name, list(beside), beside.get)
        companions = replace(companions, links=links_of(text, beside.get))
    return _audited(text, companions, path, chosen)


def audit_file(path: Path, chosen: Iterable[Rule] | None = None, *, index: bool = False) -> AuditResult:
    """Audit a report in a file, with what lies beside it; an ``index`` also against the reports that it links to.

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
    """Facts hold no cycles, and are many: the search for cycles would take a fifth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _names(folder: Path) -> list[str]:
    """The files beside a report that can have to do with it."""
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
        return None  # it is a report or a result of its own, and says so when it is audited


def _linked(folder: Path, target: str) -> str | None:
    """The report that a link of an index means: below the folder of the index, a folder by its README.md."""
    try:
        path = (folder / unquote(target)).resolve()
        if not path.is_relative_to(folder.resolve()):
            return None
        if path.is_dir():
            path /= "README.md"
    except (OSError, ValueError, RuntimeError):  # a name of any length and with any character, links in a circle
        return None
    return _report_text(path.parent, path.name) if path.suffix.lower() in {".md", ".markdown"} else None


def read_report(path: Path) -> str:
    """The text of a report; raises as :func:`audit_file`."""
    return decode(read_input(path, MAX_BYTES, "report"), str(path))


def run_rules(facts: Facts, path: str, chosen: Iterable[Rule]) -> AuditResult:
    """What the rules say of a report. The same statement is told once, by the rule with the lowest id."""
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
    return AuditResult(
        path,
        tuple(
            _diagnostic(facts, path, rule, finding)
            for (_, _, _), (rule, finding) in sorted(
                wrong.items(), key=lambda item: (item[0][0], item[0][1].value, item[0][2])
            )
        ),
        tuple(sorted(held.values(), key=lambda one: (one.line, one.kind.value, one.stated))),
        len(unknown),
        facts.document.raw,
    )


def _diagnostic(facts: Facts, path: str, rule: Rule, finding: Wrong) -> Diagnostic:
    column, end_column, found = column_of(facts.document, finding.line, finding.stated, finding.start)
    fix = None
    if found and finding.replacement is not None and finding.replacement != finding.stated:
        old = facts.document.raw[finding.line - 1][column - 1 : end_column - 1]
        fix = Fix(finding.line, column, end_column, old, finding.replacement, finding.safe)
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
        " | ".join(
            part for part in (section_of(facts.document, finding.line), finding.subject, finding.stated) if part
        ),
        fix,
    )
