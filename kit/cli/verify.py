"""``kit verify``."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kit.cli import options
from kit.cli.usage import argument, goes_with, option
from kit.errors import CheckFailedError
from kit.terminal import visible

if TYPE_CHECKING:
    from kit.verification.link import Link

__all__ = ["command"]


#: States as the text says them.
_WORDS = {"ok": "ok", "absent": "absent", "unproven": "not proven", "wrong": "WRONG"}


def command(
    context: typer.Context,
    archive: Annotated[Path | None, argument("ARCHIVE", "What `kit archive` made, instead of a report.")] = None,
    recipe: options.RecipePath = Path("kit.yaml"),
    reports: options.Reports = None,
    store: options.StorePath = Path(".kit"),
    adopt: options.Adopt = False,
    weights: options.WeightsPath = None,
    trust: Annotated[
        list[Path] | None, option("--trust KEY", "With ARCHIVE: a public key that must have signed.")
    ] = None,
    strict: Annotated[bool, option("--strict", "What is not proven counts as wrong, too.")] = False,
    form: Annotated[
        Literal["text", "json", "junit", "github"], option("--format", "Text for people, or for machines.")
    ] = "text",
    verbose: options.Verbose = False,
) -> None:
    """Verify a report from its raw outputs forward: records, readers, results, report.

    Hashes weights and outputs, computes fingerprints and results again, renders the report anew and compares bytes.
    Exit code 0: nothing is wrong; 6: something is, and each thing is named, first the first link that breaks.

    Raw outputs are taken from the store or, where it has none, from results/TARGET.evidence.tar.xz. Numbers whose raw
    outputs are not on this machine are not proven: kit says so and, with --strict, counts them as wrong.

    \b
    Examples:
      kit verify                              the recipe kit.yaml of this folder
      kit verify --recipe examples/digits     the bundled example
      kit verify --format github --strict     in CI
      kit verify digits.tar                   an archive, on any machine, without network
      kit verify digits.tar --trust release.key.pub            and who must have signed it
      kit verify digits.tar --recipe mine/kit.yaml             the policy of this recipe counts
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.recipe.schema import load_recipe
    from kit.reports.folder import report_of
    from kit.storage.store import Store
    from kit.verification.verification import verify

    goes_with("--trust", trust, "ARCHIVE", there=archive is not None)
    if archive is not None:
        from kit.archive.checking import verify_archive
        from kit.archive.signers import Trust
        from kit.archive.signing import public_key

        own = getattr(context.get_parameter_source("recipe"), "name", "") == "COMMANDLINE"
        keys = frozenset(public_key(path).keyid for path in trust or ())
        place, links = archive, verify_archive(archive, Trust(keys, load_recipe(recipe).signatures if own else None))
    else:
        parsed = load_recipe(recipe)
        place = report_of(parsed, reports)
        links = verify(parsed, place, Store(store, adopt=adopt), weights=weights)
    wrong = [one for one in links if one.state == "wrong" or (strict and one.state == "unproven")]
    {"text": _text, "json": _json, "junit": _junit, "github": _github}[form](links, wrong, verbose)
    if wrong:
        raise CheckFailedError(
            f"{len(wrong)} of {len(links)} links are broken, first {wrong[0].subject}: {wrong[0].message}",
            where=str(place),
            remedy="get the archive again, or find out who changed it"
            if archive
            else "run `kit reproduce` to make them again, or find out who changed them",
        )


def _text(links: list[Link], wrong: list[Link], verbose: bool) -> None:
    for one in links:
        if verbose or one in wrong or one.state == "unproven":
            state = "WRONG" if one in wrong else _WORDS[one.state]
            typer.echo(f"{state:<6} {visible(one.subject)}: {visible(one.message)}")
    count = Counter(one.state for one in links if one not in wrong)
    typer.echo(
        f"{count['ok']} verified, {len(wrong)} wrong, {count['absent']} not on this machine,"
        f" {count['unproven']} not proven"
    )


def _json(links: list[Link], _wrong: list[Link], _verbose: bool) -> None:
    typer.echo(json.dumps([vars(one) for one in links], indent=2, ensure_ascii=False))


def _junit(links: list[Link], wrong: list[Link], _verbose: bool) -> None:
    from kit.output.junit import JUnitCase, JUnitSuite, junit

    cases = []
    for one in links:
        if one in wrong:
            cases.append(JUnitCase(one.subject, "failed", one.message))
        elif one.state in {"absent", "unproven"}:
            cases.append(JUnitCase(one.subject, "skipped", one.message))
        else:
            cases.append(JUnitCase(one.subject))
    typer.echo(junit("kit verify", [JUnitSuite("kit verify", "kit.verify", cases)]))


def _github(links: list[Link], wrong: list[Link], _verbose: bool) -> None:
    from kit.output.annotations import annotation

    for one in links:
        if one in wrong or one.state in {"absent", "unproven"}:
            text = f"{one.subject}: {one.message}"
            typer.echo(annotation("error" if one in wrong else "notice", "kit verify", text))
