"""``kit verify``."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kit.cli import options
from kit.errors import CheckFailedError
from kit.terminal import visible

if TYPE_CHECKING:
    from kit.results.verification import Verdict

__all__ = ["command"]


class Format(StrEnum):
    """How the verdicts are printed."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"
    GITHUB = "github"


def command(
    recipe: options.RecipePath = Path("kit.yaml"),
    reports: options.Reports = None,
    store: options.StorePath = Path(".kit"),
    adopt: options.Adopt = False,
    weights: options.WeightsPath = None,
    strict: Annotated[bool, typer.Option("--strict", help="What is not on this machine counts as wrong, too.")] = False,
    form: Annotated[Format, typer.Option("--format", help="Text for people, or for machines.")] = Format.TEXT,
    verbose: options.Verbose = False,
) -> None:
    """Verify a report: digests of weights and artifacts, and that the report is what the results say.

    Hashes every file again, renders the report anew and compares bytes. Exit code 0: nothing is wrong; 6: something is,
    and each thing is named. Artifacts that are not on this machine are told and, without --strict, not counted.

    \b
    Examples:
      kit verify                              the recipe kit.yaml of this folder
      kit verify --recipe examples/digits     the bundled example
      kit verify --format github --strict     in CI
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.recipe.schema import load_recipe
    from kit.reports.folder import reports_folder
    from kit.results.verification import verify
    from kit.storage.store import Store

    parsed = load_recipe(recipe)
    folder = reports_folder(parsed, reports) / parsed.model.name
    verdicts = verify(parsed, folder, Store(store, adopt=adopt), weights=weights)
    wrong = [one for one in verdicts if one.state == "wrong" or (strict and one.state == "absent")]
    {Format.TEXT: _text, Format.JSON: _json, Format.JUNIT: _junit, Format.GITHUB: _github}[form](
        verdicts, wrong, verbose
    )
    if wrong:
        raise CheckFailedError(
            f"{len(wrong)} of {len(verdicts)} things are wrong, first {wrong[0].subject}: {wrong[0].message}",
            where=str(folder),
            remedy="run `kit reproduce` to make them again, or find out who changed them",
        )


def _text(verdicts: list[Verdict], wrong: list[Verdict], verbose: bool) -> None:
    absent = [one for one in verdicts if one.state == "absent"]
    for one in verdicts:
        if verbose or one in wrong:
            state = "WRONG" if one in wrong else one.state
            typer.echo(f"{state:<6} {visible(one.subject)}: {visible(one.message)}")
    good = sum(one.state == "ok" for one in verdicts)
    typer.echo(f"{good} verified, {len(wrong)} wrong, {len(absent)} not on this machine")


def _json(verdicts: list[Verdict], _wrong: list[Verdict], _verbose: bool) -> None:
    typer.echo(json.dumps([vars(one) for one in verdicts], indent=2, ensure_ascii=False))


def _junit(verdicts: list[Verdict], wrong: list[Verdict], _verbose: bool) -> None:
    from kit.output.junit import JUnitCase, JUnitSuite, junit

    cases = []
    for one in verdicts:
        if one in wrong:
            cases.append(JUnitCase(one.subject, "failed", one.message))
        elif one.state == "absent":
            cases.append(JUnitCase(one.subject, "skipped", one.message))
        else:
            cases.append(JUnitCase(one.subject))
    typer.echo(junit("kit verify", [JUnitSuite("kit verify", "kit.verify", cases)]))


def _github(verdicts: list[Verdict], wrong: list[Verdict], _verbose: bool) -> None:
    from kit.output.annotations import annotation

    for one in verdicts:
        if one in wrong or one.state == "absent":
            text = f"{one.subject}: {one.message}"
            typer.echo(annotation("error" if one in wrong else "notice", "kit verify", text))
