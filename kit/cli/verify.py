"""``kit verify``."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kit.cli import options
from kit.errors import CheckFailedError

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
    from kit.execution.session import reports_folder
    from kit.recipe.schema import load_recipe
    from kit.results.verification import verify
    from kit.storage.store import Store

    parsed = load_recipe(recipe)
    folder = reports_folder(parsed, reports) / parsed.model.name
    verdicts = verify(parsed, folder, Store(store), weights=weights)
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
            typer.echo(f"{'WRONG' if one in wrong else one.state:<6} {one.subject}: {one.message}")
    good = sum(one.state == "ok" for one in verdicts)
    typer.echo(f"{good} verified, {len(wrong)} wrong, {len(absent)} not on this machine")


def _json(verdicts: list[Verdict], _wrong: list[Verdict], _verbose: bool) -> None:
    typer.echo(json.dumps([vars(one) for one in verdicts], indent=2, ensure_ascii=False))


def _junit(verdicts: list[Verdict], wrong: list[Verdict], _verbose: bool) -> None:
    from xml.etree import ElementTree as ET

    suite = ET.Element(
        "testsuite",
        name="kit verify",
        tests=str(len(verdicts)),
        failures=str(len(wrong)),
        skipped=str(sum(one.state == "absent" and one not in wrong for one in verdicts)),
    )
    for one in verdicts:
        case = ET.SubElement(suite, "testcase", classname="kit.verify", name=one.subject)
        if one in wrong:
            ET.SubElement(case, "failure", message=one.message)
        elif one.state == "absent":
            ET.SubElement(case, "skipped", message=one.message)
    typer.echo('<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, encoding="unicode"))


def _github(verdicts: list[Verdict], wrong: list[Verdict], _verbose: bool) -> None:
    def escape(text: str) -> str:
        return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")

    for one in verdicts:
        if one in wrong:
            typer.echo(f"::error title=kit verify::{escape(one.subject)}: {escape(one.message)}")
        elif one.state == "absent":
            typer.echo(f"::notice title=kit verify::{escape(one.subject)}: {escape(one.message)}")
