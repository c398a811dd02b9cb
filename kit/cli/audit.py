"""``kit audit``: check every derived statement of published reports."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kit.audit.formats import Form
from kit.cli.usage import argument, option
from kit.errors import Exit, InvalidInputError

__all__ = ["command"]


def command(
    reports: Annotated[list[Path] | None, argument("REPORT.md|DIR...", "Reports, or folders of reports.")] = None,
    form: Annotated[
        Form,
        option("--format", "How to print: for people, programs, CI.", env="KIT_AUDIT_FORMAT", case_sensitive=False),
    ] = Form.TEXT,
    everything: Annotated[bool, option("--all", "Print the statements that hold as well (text and JSON).")] = False,
    select: Annotated[list[str] | None, option("--select RULE", "Only this rule; may be given several times.")] = None,
    ignore: Annotated[list[str] | None, option("--ignore RULE", "Not this rule; may be given several times.")] = None,
    severity: Annotated[
        list[str] | None, option("--severity RULE=LEVEL", "major, digits, optional or off, for one rule.")
    ] = None,
    config: Annotated[
        Path | None, option("--config FILE", "Settings; default: .kit-audit.yaml or pyproject.toml, here or above.")
    ] = None,
    fix: Annotated[bool, option("--fix", "Correct last digits, and labels whose formula leaves no choice.")] = False,
    unsafe: Annotated[bool, option("--unsafe", "With --fix: also correct products and ratios; never claims.")] = False,
    baseline: Annotated[Path | None, option("--baseline FILE", "Known findings: only new ones are reported.")] = None,
    write_baseline: Annotated[
        Path | None, option("--write-baseline FILE", "Write all current findings as known ones.")
    ] = None,
    diff: Annotated[str | None, option("--diff REV", "Only findings on lines that differ from this revision.")] = None,
    require: Annotated[bool, option("--require-statements", "Fail if a report has no recognised statement.")] = False,
    html: Annotated[Path | None, option("--html FILE", "Write one page about all reports to this file.")] = None,
    index: Annotated[
        Path | None, option("--index README.md", "A summary page; compare its rows with the reports they link to.")
    ] = None,
    explain: Annotated[str | None, option("--explain RULE", "Explain a rule; 'all' lists them.")] = None,
) -> None:
    """Check every derived statement of published reports: products, ratios, best rows, labels, claims, commands.

    A number is right if it is the computed value, rounded or cut off at its printed digits, or within what the printed
    operands allow. A statement whose meaning is unclear is counted as not checked. Exits with 0 if no report has a
    major finding, with 6 otherwise, and with 4 if a report cannot be read.

    \b
    Examples:
      kit audit README.md
      kit audit --format sarif models > findings.sarif
      kit audit --diff origin/main --format github models
      kit audit --fix README.md
      kit audit models --html audit.html
      kit audit --index README.md models
      kit audit --explain KA012
    """  # noqa: D301 - \b keeps the lines of the examples apart
    if explain:
        from kit.audit.rulepages import explained

        typer.echo(explained(explain))
        return
    if not reports and not index:
        raise InvalidInputError("no report is given", remedy="give Markdown files or folders")
    if unsafe and not fix:
        raise InvalidInputError("--unsafe goes with --fix", remedy="give both, or neither")
    from kit.audit.session import Request, audit

    request = Request(
        places=tuple(reports or ()),
        index=index,
        config=config,
        select=tuple(select or ()),
        ignore=tuple(ignore or ()),
        severity=tuple(severity or ()),
        baseline=baseline,
        write_baseline=write_baseline,
        diff=diff,
        fix=fix,
        unsafe=unsafe,
        everything=everything,
        require_statements=require,
    )
    outcome = audit(request, _progress)
    if html:
        from kit.audit.page import write_page

        write_page(html, outcome.run)
    output = outcome.render(form)
    if output:
        sys.stdout.write(f"{output}\n")
    for notice in outcome.notices:
        typer.echo(f"note: {notice}", err=True)
    if outcome.errors:
        for error in outcome.errors:
            typer.echo(f"error: {error}\n  do: {error.remedy}", err=True)
        raise typer.Exit(int(outcome.errors[0].exit_code))
    if outcome.failed:
        raise typer.Exit(int(Exit.CHECK_FAILED))


def _progress(done: int, total: int) -> None:
    """Progress, where a person watches and has to wait."""
    if total > 20 and sys.stderr.isatty():
        end = "\n" if done == total else ""
        sys.stderr.write(f"\raudited {done} of {total} reports{end}")
        sys.stderr.flush()
