"""``kit compare``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kit.cli import options
from kit.cli.usage import argument, option
from kit.errors import CheckFailedError, InvalidInputError

if TYPE_CHECKING:
    from kit.results.comparison import Compared

__all__ = ["command"]


def command(
    one: Annotated[str, argument("A", "Folder, results file, revision of git, or target.")],
    other: Annotated[str, argument("B", "The same, to be compared with A.")],
    recipe: options.RecipePath = Path("kit.yaml"),
    reports: options.Reports = None,
    margin: Annotated[float, option("--margin PERCENT", "Percent of throughput that still count as the same.")] = 5.0,
    points: Annotated[
        float, option("--points POINTS", "Percentage points of accuracy that still count as the same.")
    ] = 0.5,
    accept: Annotated[
        list[str] | None, option("--accept CONDITION", "Compare although this condition differs; several times.")
    ] = None,
    strict: Annotated[bool, option("--strict", "What is not comparable or unstable fails, too.")] = False,
    form: Annotated[Literal["text", "json", "junit"], option("--format", "Text for people, or for machines.")] = "text",
    as_json: options.Json = False,
) -> None:
    """Compare two results, number by number: same, faster, slower, or not comparable, with the interval of the ratio.

    A and B may be folders of two machines, revisions of git, or two targets of one report. A ratio is that of B to A.
    Numbers that were not measured alike are not comparable, unless --accept or the recipe accepts the difference by
    name. Exit code 0: nothing in B is worse; 6: something is.

    \b
    Examples:
      kit compare HEAD~1 reports/digits              what the last commit changed
      kit compare cpu openvino                       two targets of this recipe's report
      kit compare reports/m:310P reports/m:310P-cann9   two toolchains of a card
      kit compare ours/results theirs/results --format junit
      kit compare digits.tar reproduced/digits       an archive, and its reproduction
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.archive.sources import load_pair
    from kit.recipe.schema import load_recipe
    from kit.reports.folder import report_of
    from kit.results.comparison import Margins, compare, pairs
    from kit.results.conditions import CONDITIONS

    accepted = set(accept or ())
    report = Path("reports")
    if not options.unnamed(recipe):
        parsed = load_recipe(recipe)
        report = report_of(parsed, reports)
        accepted |= set(parsed.comparison.accept)
    for name in sorted(accepted - set(CONDITIONS)):
        raise InvalidInputError(f"there is no condition {name!r}", remedy=f"choose among {', '.join(CONDITIONS)}")
    if not (0 < margin < 100 and points >= 0):
        raise InvalidInputError(
            f"{margin:g} % or {points:g} points is not a margin", remedy="give a percentage between 0 and 100"
        )
    rule = Margins(margin, points, frozenset(accepted))
    matched, alone = pairs(*load_pair(one, other, report))
    found = [line for name, first, second in matched for line in compare(name, first, second, rule)]
    if not found:
        raise InvalidInputError(
            "the two have no target in common", remedy="choose one of each with FOLDER:TARGET", where=f"{one}, {other}"
        )
    failed = [line for line in found if line.worse or (strict and (line.outcome == "not comparable" or line.unstable))]
    _PRINT["json" if as_json else form](found, failed, alone)
    if failed:
        first = failed[0]
        raise CheckFailedError(
            f"{len(failed)} of {len(found)} numbers fail, first {first.target} {first.quantity}: {first.outcome}",
            where=other,
            remedy="find out what changed, or measure both again on an idle machine",
        )


def _row(line: Compared) -> tuple[str, ...]:
    ratio = f"{line.ratio:.4g}" if line.ratio is not None else "-"
    interval = f"{line.low:.4g} to {line.high:.4g}" if line.low is not None and line.high is not None else "-"
    values = (f"{value:.4g}" if value is not None else "-" for value in (line.one, line.other))
    verdict = _outcome(line) + " (unstable)" * bool(line.unstable)
    return line.target, line.quantity, *values, line.unit, ratio, interval, verdict


def _outcome(line: Compared) -> str:
    return line.outcome + (f": {'; '.join(line.reasons)}" if line.reasons else "")


def _text(found: list[Compared], _failed: list[Compared], alone: list[str]) -> None:
    rows = [("target", "number", "A", "B", "unit", "B/A", "95 % interval", "verdict"), *map(_row, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        columns = [text.ljust(width) for text, width in zip(row[:-1], widths, strict=True)]
        typer.echo("  ".join([*columns, row[-1]]))
    for name in alone:
        typer.echo(f"{name}: only in one of the two")


def _json(found: list[Compared], _failed: list[Compared], alone: list[str]) -> None:
    tree = {"compared": [line.as_json() for line in found], "only_in_one": alone}
    typer.echo(json.dumps(tree, indent=2, ensure_ascii=False))


def _junit(found: list[Compared], failed: list[Compared], alone: list[str]) -> None:
    from kit.output.junit import JUnitCase, JUnitSuite, junit

    cases = [
        JUnitCase(
            f"{line.target} {line.quantity}",
            "failed" if line in failed else "skipped" if line.outcome == "not comparable" else "passed",
            _outcome(line) + (f" (unstable: {'; '.join(line.unstable)})" if line.unstable else ""),
        )
        for line in found
    ]
    cases += [JUnitCase(name, "skipped", "only in one of the two") for name in alone]
    typer.echo(junit("kit compare", [JUnitSuite("kit compare", "kit.compare", cases)]))


_PRINT = {"text": _text, "json": _json, "junit": _junit}
