"""Find reports in folders and audit them on all cores; one that cannot be read does not stop the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kit.audit.audit import audit_file
from kit.audit.diagnostic import AuditResult
from kit.audit.settings import AuditSettings
from kit.audit.suppression import apply_suppressions
from kit.errors import KitError, MissingError, ResourceError

__all__ = ["Audited", "audit_reports", "find_reports"]

#: With fewer reports, starting processes takes longer than it saves.
_FEW = 8
_SKIPPED = {"node_modules", "__pycache__"}


@dataclass(frozen=True, slots=True)
class Audited:
    """The result of one report, or the error that prevented its audit."""

    path: Path
    result: AuditResult | None
    error: KitError | None = None


def find_reports(places: Iterable[Path], settings: AuditSettings) -> list[Path]:
    """The reports: the given files, and every Markdown file below the given folders, except hidden folders.

    Raises:
        MissingError: a folder has none.
    """
    found: dict[Path, None] = {}
    for place in places:
        if not place.is_dir():
            found[place] = None
            continue
        below = [path for path in _markdown(place) if not settings.excluded(path)]
        if not below:
            raise MissingError("there is no Markdown file", where=str(place), remedy="give a folder of reports")
        found |= dict.fromkeys(below)
    return list(found)


def _markdown(top: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(top):
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in _SKIPPED)
        yield from (Path(folder) / name for name in sorted(files) if name.lower().endswith((".md", ".markdown")))


def audit_reports(
    paths: Sequence[Path],
    settings: AuditSettings,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    index: Path | None = None,
) -> list[Audited]:
    """Audit the reports in the given order, with the rules and severities of the settings and their own suppressions.

    The ``index`` is also compared with the reports it links to.
    """
    one = partial(_audit, settings, index)
    if len(paths) < _FEW:
        return list(_counted(map(one, paths), len(paths), progress))
    import multiprocessing  # these take as long to import as auditing a report
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    workers = min(len(os.sched_getaffinity(0)), len(paths))
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork")) as pool:
        size = max(1, len(paths) // (workers * 8))
        try:
            return list(_counted(pool.map(one, paths, chunksize=size), len(paths), progress))
        except BrokenProcessPool as error:
            raise ResourceError(
                "a process of the audit was killed, which the kernel does if memory runs out",
                remedy="end other programs, or audit fewer reports at once",
            ) from error


def _counted(found: Iterable[Audited], total: int, progress: Callable[[int, int], None]) -> Iterator[Audited]:
    for done, one in enumerate(found, 1):
        progress(done, total)
        yield one


def _audit(settings: AuditSettings, index: Path | None, path: Path) -> Audited:
    chosen = settings.chosen()
    try:
        result = audit_file(path, chosen, index=path == index)
    except KitError as error:
        return Audited(path, None, error)
    return Audited(path, settings.with_severities(apply_suppressions(result, (rule.id for rule in chosen))))
