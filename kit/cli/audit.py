"""``kit audit``: check every derived statement of published reports."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from kit.audit.output import Format, render
from kit.errors import Exit

__all__ = ["command"]


def command(
    reports: Annotated[
        list[Path], typer.Argument(metavar="REPORT.md...", help="Reports to audit.", show_default=False, readable=False)
    ],
    form: Annotated[
        Format,
        typer.Option(
            "--format", envvar="KIT_AUDIT_FORMAT", case_sensitive=False, help="How to print: for people, programs, CI."
        ),
    ] = Format.TEXT,
    everything: Annotated[
        bool, typer.Option("--all", help="Print the statements that hold as well (text and JSON).")
    ] = False,
) -> None:
    """Check every derived statement of published reports: products, ratios, best rows, labels, claims, commands.

    A number is right when it is the computed value rounded or cut off at its printed digits. What cannot be tied to a
    meaning is left alone and counted as not checked. Ends with 0 when no report has a major finding, with 6 otherwise.

    \b
    Examples:
      kit audit README.md
      kit audit --format json reports/*.md > findings.json
      kit audit --format github README.md
      kit audit --all README.md
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.audit import audit_file

    results = {str(path): audit_file(path) for path in reports}
    output = render(results, form, everything=everything)
    if output:
        sys.stdout.write(f"{output}\n")
    if any(result.major for result in results.values()):
        raise typer.Exit(int(Exit.CHECK_FAILED))
