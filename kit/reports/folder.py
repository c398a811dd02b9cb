"""A report's folder, ``reports/<model>``: what is read from it, and how the rendered files get into it."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from kit.errors import InvalidInputError
from kit.recipe.schema import Recipe
from kit.reports import deviations
from kit.reports.render import LANGUAGES, render
from kit.results.kept import SUFFIX
from kit.results.reportparts import HERE, is_tracked, part
from kit.results.resultsfile import Results, load_all, results_text
from kit.storage.files import exclusive, os_errors
from kit.storage.root import Root

__all__ = ["rendered", "report_of", "reports_folder", "update_index", "update_report", "write"]

#: What a rendering can make: nothing else is ever removed.
_OURS = re.compile(r"(?:README|DEVIATIONS)(?:\.en)?\.md|report\.(?:html|json)|plots/[A-Za-z0-9._-]+\.svg")


def reports_folder(recipe: Recipe, given: Path | None) -> Path:
    """Where reports go: the given folder, or ``reports/`` of the project that holds the recipe.

    The project is the nearest folder upwards that has ``reports/``; without one, the current folder.

    Raises:
        InvalidInputError: what was found is a link, which a cloned project may hold; the given one is not a folder.
    """
    if given is not None:
        if not given.is_dir() and (given.exists() or given.is_symlink()):  # refused now, not after hours of measuring
            raise InvalidInputError("this is not a folder", where=str(given), remedy="name a folder with --reports")
        return given
    for folder in (recipe.folder, *recipe.folder.parents):
        if (folder / "reports").is_symlink():
            raise InvalidInputError(
                "the folder of the reports is a link",
                where=str(folder / "reports"),
                remedy="if it leads where the reports belong, name that folder with --reports",
            )
        if (folder / "reports").is_dir() or (folder / ".git").exists():
            return folder / "reports"
    return Path.cwd() / "reports"


def report_of(recipe: Recipe, reports: Path | None, *, simulated: bool = False, here: bool = False) -> Path:
    """The folder of the recipe's report below :func:`reports_folder`: the tracked one, or the part asked for."""
    return part(reports_folder(recipe, reports) / recipe.model.name, simulated=simulated, here=here)


def update_report(
    recipe: Recipe,
    folder: Path,
    results: Mapping[str, Results],
    archives: Mapping[str, bytes],
    *,
    simulated: bool = False,
) -> tuple[str, ...]:
    """Write the results of a run, the archives that prove them, and the report over all results of the folder.

    Returns:
        what changed.

    One kit at a time: a report that another one renders at the same time would lack what this one measured.

    Raises:
        InvalidInputError: a folder on the way is a link.
        ResourceError: no space, no permission.
    """
    changed = []
    root, held = Root(folder), folder.parent if simulated else folder
    with exclusive(held, held.parent), os_errors(folder):
        for name, one in results.items():
            files = {f"{name}.json": results_text(one).encode(), f"{name}{SUFFIX}": archives[name]}
            changed += [f"results/{file}" for file, data in files.items() if root.write("results", file, data=data)]
        changed += write(folder, rendered(recipe, folder, load_all(folder)))
    return tuple(changed)


def update_index(reports: Path, folder: Path, *, update: bool = False) -> None:
    """After a run that wrote ``folder``: the page over all reports, but one that git tracks only where asked to."""
    from kit.reports.catalogue import INDEX, write_index

    if folder.name != HERE and (update or not is_tracked(reports, INDEX)):
        write_index(reports)


def rendered(
    recipe: Recipe,
    folder: Path,
    results: Mapping[str, Results] | None = None,
    *,
    targets: Sequence[str] | None = None,
    languages: Sequence[str] | None = None,
) -> dict[str, bytes]:
    """The files that belong into ``folder``: from its results and deviations, for the targets that it reports.

    Args:
        recipe: the recipe.
        folder: ``reports/<model>``.
        results: instead of those in the folder.
        targets: otherwise those of the last report, where it was one of chosen targets.
        languages: otherwise those of the last report.

    Raises:
        DamagedError: results are damaged.
        InvalidInputError: the deviations are not of their form, or a target is unknown.
    """
    stored = load_all(folder) if results is None else dict(results)
    last = _last(folder)
    if targets is None and last.chosen:
        targets = [name for name in last.targets if name in recipe.targets or name in stored]
    return render(
        recipe,
        stored,
        targets or None,
        deviations=deviations.load(folder / "deviations.yaml"),
        languages=languages or [one for one in LANGUAGES if one in last.languages] or LANGUAGES,
    )


class _Rendering(BaseModel):
    """What ``report.json`` says of the last rendering."""

    chosen: bool = False
    targets: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def _last(folder: Path) -> _Rendering:
    """The last rendering; an empty one where nothing can be trusted."""
    try:
        return _Rendering.model_validate_json((folder / "report.json").read_bytes())
    except (OSError, ValueError):
        return _Rendering()


def write(folder: Path, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Write each file atomically, remove those that only the last rendering had; returns what changed.

    Raises:
        InvalidInputError: a folder on the way is a link.
        ResourceError: no space, no permission.
    """
    before = _last(folder).files
    root = Root(folder)
    with os_errors(folder):
        changed = [name for name, data in files.items() if root.write(*name.split("/"), data=data)]
        for name in before:
            ours = name not in files and _OURS.fullmatch(name)
            if ours and stat.S_ISREG(root.mode(*name.split("/")) or 0):
                root.remove(*name.split("/"))
                changed.append(name)
    return tuple(changed)
