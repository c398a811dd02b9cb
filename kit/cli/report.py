"""``kit report``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kit.cli import options
from kit.cli.usage import goes_with, option
from kit.errors import InvalidInputError, MissingError

__all__ = ["command"]


class Language(StrEnum):
    """Languages of a report."""

    ZH = "zh"
    EN = "en"


def command(
    recipe: options.RecipePath = Path("kit.yaml"),
    target: options.Targets = None,
    reports: options.Reports = None,
    language: Annotated[
        list[Language] | None, option("--lang zh|en", "Only this language; by default Chinese and English.")
    ] = None,
    simulated: options.Simulated = False,
    here: options.Here = False,
    index: Annotated[
        bool, option("--index", "Only index.html over all reports of the folder; needs no recipe.")
    ] = False,
    gate: Annotated[
        bool,
        option(
            "--gate",
            "Exit with 6 where a number differs from the published one, an accuracy is below the reference, or"
            " anything is simulated, unproven, edited or incomplete.",
        ),
    ] = False,
    base: options.BaseRevision = None,
    store: options.StorePath = Path(".kit"),
    weights: options.WeightsPath = None,
) -> None:
    """Render the report from stored results and published numbers; measure nothing.

    Reads reports/MODEL/results/TARGET.json and writes README.md, README.en.md, report.html, report.json and the plots
    next to them. A measured value takes the place of the published one, and each number says where it comes from.
    reports/index.html lists all models and targets of the folder; what fails or is stale is marked.

    \b
    Examples:
      kit report                                  the recipe kit.yaml of this folder
      kit report --recipe examples/digits         the bundled example
      kit report --target 310 --target 310P       these targets alone
      kit report --lang en                        English alone
      kit report --index --reports reports        the page over all reports of a folder, and nothing else
      kit report --gate                           in CI: fail where the result is not what was published
      kit report --gate --gate-base origin/main   and where the recipe asks for less than it did there
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.cli.ending import files_written
    from kit.recipe.schema import load_recipe
    from kit.reports import folder as report_folder
    from kit.reports.catalogue import INDEX, write_index
    from kit.results.resultsfile import load_all
    from kit.storage.files import exclusive

    goes_with("--gate-base", base, "--gate", there=gate)
    if index:
        folder = reports or Path("reports")
        if not folder.is_dir():
            raise MissingError("there is no such folder of reports", where=str(folder), remedy="name it with --reports")
        typer.echo(f"index: {folder / INDEX} ({'written' if write_index(folder) else 'nothing changed'})")
        return
    parsed = load_recipe(recipe)
    within = report_folder.reports_folder(parsed, reports)
    folder = report_folder.report_of(parsed, reports, simulated=simulated, here=here)
    with exclusive(folder, within):
        stored = load_all(folder)
        chosen = _chosen(parsed.targets, stored, target)
        files = report_folder.rendered(
            parsed, folder, stored, targets=chosen, languages=[one.value for one in language] if language else None
        )
        changed = report_folder.write(folder, files)
    if not here:
        write_index(within)
    first = "README.md" if "README.md" in files else "README.en.md"
    typer.echo(f"report: {folder / first} ({files_written(changed)})")
    if gate:
        from kit.recipe.revision import recipe_at
        from kit.storage.store import Store
        from kit.verification.gate import check, criteria

        print(f"gate: compared with {criteria(parsed)}", file=sys.stderr)
        check(
            parsed,
            folder,
            stored,
            Store(store),
            chosen,
            base=recipe_at(recipe, base) if base else None,
            weights=weights,
            simulated=simulated,
        )


def _chosen(known: Mapping[str, object], stored: Mapping[str, object], wanted: list[str] | None) -> list[str] | None:
    """The wanted targets, each once.

    Raises:
        InvalidInputError: one is neither in the recipe nor among the results.
    """
    if not wanted:
        return None
    names = list(dict.fromkeys([*known, *stored]))
    for name in wanted:
        if name not in names:
            raise InvalidInputError(
                f"the recipe has no target {name!r}", remedy=f"choose from {', '.join(names)}, or add it to the recipe"
            )
    return list(dict.fromkeys(wanted))
