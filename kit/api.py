"""What programs may import: read a log, audit a report, verify a report, as the commands of these names do it.

``docs/api.md`` says what is stable. Everything else in this package may change with any version.
"""

from __future__ import annotations

from pathlib import Path

from kit.audit.diagnostic import AuditResult, Diagnostic
from kit.errors import KitError
from kit.toollogs.output import ToolOutput
from kit.verification.link import Link

__all__ = ["AuditResult", "Diagnostic", "KitError", "Link", "ToolOutput", "audit", "read", "verify"]


def read(log: str | Path, tool: str | None = None) -> ToolOutput:
    """What a vendor's tool printed, as checked values: ``kit read``.

    Args:
        log: the file.
        tool: name of the tool, where the text does not show it.

    Raises:
        KitError: the file is not readable, or no reader knows its text.
    """
    from kit.toollogs.reader import read_file

    return read_file(Path(log), tool)[1]


def audit(report: str | Path) -> AuditResult:
    """The findings of all rules in one published report: ``kit audit``, without settings and baselines.

    Raises:
        KitError: the file is not readable as text.
    """
    from kit.audit.audit import audit_file

    return audit_file(Path(report))


def verify(
    recipe: str | Path,
    reports: str | Path | None = None,
    *,
    store: str | Path = ".kit",
    weights: str | Path | None = None,
) -> list[Link]:
    """Every link from the raw outputs to the report: ``kit verify``. Nothing is wrong where no state is ``wrong``.

    Args:
        recipe: a kit.yaml, or the folder that holds it.
        reports: folder of the reports; by default ``reports/`` of the project.
        store: where raw outputs are, if they are on this machine.
        weights: a local file instead of the recipe's.

    Raises:
        KitError: the recipe is missing or not valid.
    """
    from kit.recipe.schema import load_recipe
    from kit.reports.folder import report_of
    from kit.storage.store import Store
    from kit.verification.verification import verify as verify_report

    parsed = load_recipe(Path(recipe))
    folder = report_of(parsed, Path(reports) if reports else None)
    return verify_report(parsed, folder, Store(Path(store)), weights=Path(weights) if weights else None)
