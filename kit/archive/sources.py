"""Where results to compare come from: a folder, a file, a revision of git, or a target of the report at hand."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from kit.archive.replay import archived_results
from kit.errors import InvalidInputError, MissingError
from kit.results.resultsfile import Results, load_all, load_results
from kit.storage.git import git_commit, git_output

__all__ = ["load_pair"]

_FORMS = (
    "give a folder of results, a results file, an archive, a revision of git, or a target; FOLDER:TARGET chooses one of"
    " several"
)


def load_pair(one: str, other: str, report: Path) -> tuple[dict[str, Results], dict[str, Results]]:
    """The results that two words of the command line name, by target.

    Args:
        one: ``reports/digits``, ``results/cpu.json``, ``HEAD~1``, ``cpu``, or one of the first with ``:TARGET``.
        other: the same. A revision given with a folder is that of the folder.
        report: ``reports/<model>`` of the recipe, for a target, and for revisions where no folder is named.

    Raises:
        MissingError: there is nothing of that name, or no results in it.
        DamagedError: results are damaged.
    """
    tracked = _folder_of(one, report) or _folder_of(other, report) or report
    return _load_word(one, report, tracked), _load_word(other, report, tracked)


def _folder_of(word: str, report: Path) -> Path | None:
    """``reports/<model>`` that a word names as a path."""
    for path in (Path(word), Path(word.rpartition(":")[0] or word)):
        if path.is_file():
            return path.parent.parent
        for folder in (path, path.parent if path.name == "results" else path / report.name):
            if (folder / "results").is_dir():
                return folder
    return None


def _load_word(word: str, report: Path, tracked: Path) -> dict[str, Results]:
    place, _, target = word.rpartition(":")
    for where, chosen in ((word, ""), (place, target)):
        found = _load(where, report, tracked) if where else None
        if found is None:
            continue
        if not found:
            raise MissingError("there are no results here", where=where, remedy=_FORMS)
        if chosen and chosen not in found:
            raise MissingError(
                f"there is no target {chosen!r} in these results",
                where=where,
                remedy=f"choose among {', '.join(sorted(found))}",
            )
        return {chosen: found[chosen]} if chosen else found
    rehearsed = report / "simulated"
    if "/" not in word and (rehearsed / "results" / f"{word}.json").is_file():
        raise MissingError(
            f"{word!r} was rehearsed only, its numbers are SIMULATED",
            where=str(rehearsed),
            remedy=f"measure it; or show the numbers as {rehearsed}:{word}, which compare with nothing",
        )
    raise MissingError(f"{word!r} names no results", where=str(report), remedy=_FORMS)


def _load(where: str, report: Path, tracked: Path) -> dict[str, Results] | None:
    path = Path(where)
    if (path.is_file() and path.suffix == ".tar") or (path / "archive.json").is_file():
        return archived_results(path)
    if path.is_file():
        one = load_results(path)
        return {one.target: one}
    if path.is_dir():
        folder = _folder_of(where, report)
        return load_all(folder) if folder else {}
    if (report / "results" / f"{where}.json").is_file() and "/" not in where:
        return {where: load_results(report / "results" / f"{where}.json")}
    return _from_git(where, tracked)


def _from_git(revision: str, report: Path) -> dict[str, Results] | None:
    """The results of a revision; None where git knows no such revision, or there is no git."""
    folder = next((one for one in (report, *report.parents) if one.is_dir()), Path.cwd())
    commit = top = None
    with contextlib.suppress(MissingError, InvalidInputError):
        commit, top = git_commit(folder, revision), git_output(folder, "rev-parse", "--show-toplevel")
    if commit is None or top is None:
        return None
    root = Path(top.decode().strip())
    try:
        inside = report.absolute().resolve().relative_to(root.resolve()).as_posix()
    except ValueError as error:
        raise InvalidInputError(
            "the report is not in this repository of git", where=str(report), remedy="give --reports inside of it"
        ) from error
    listed = git_output(root, "ls-tree", "--name-only", "-z", commit, f"{inside}/results/") or b""
    names = [name for name in listed.decode().split("\0") if name.endswith(".json")]
    with tempfile.TemporaryDirectory() as place:
        target = Path(place) / "results"
        target.mkdir()
        for name in names:
            data = git_output(root, "cat-file", "blob", f"{commit}:{name}")
            if data is not None:
                (target / Path(name).name).write_bytes(data)
        return load_all(Path(place))
