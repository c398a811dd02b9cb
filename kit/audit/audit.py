"""Audit a report: parse it once, run every check over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.audit.accuracy import check_accuracy
from kit.audit.beside import check_beside
from kit.audit.best import check_best_rows
from kit.audit.bestclaims import check_best_batches
from kit.audit.blocks import check_blocks
from kit.audit.cards import check_cards
from kit.audit.claims import check_claims
from kit.audit.commands import check_commands
from kit.audit.context import Context
from kit.audit.crosscheck import check_prose_against_tables
from kit.audit.document import parse
from kit.audit.findings import AuditResult, Ledger
from kit.audit.gpurates import check_gpu_rates
from kit.audit.headers import check_headers
from kit.audit.labels import check_labels
from kit.audit.operands import check_operands
from kit.audit.products import check_products
from kit.audit.quotes import check_quotes
from kit.audit.ratios import check_ratios
from kit.audit.restated import check_restated
from kit.audit.sources import check_sources
from kit.audit.statements import read_marks, read_statements
from kit.audit.text import decode
from kit.audit.toolblocks import find_blocks
from kit.audit.units import check_units
from kit.audit.views import read_views
from kit.errors import DamagedError, InvalidInputError, MissingError

if TYPE_CHECKING:
    from pathlib import Path

    from kit.audit.statements import Statement
    from kit.audit.views import View

__all__ = ["audit_file", "audit_text"]

#: In this order: labels first, because later checks use the corrected ones.
_CHECKS = (
    check_products,
    check_labels,
    check_sources,
    check_gpu_rates,
    check_quotes,
    check_beside,
    check_restated,
    check_cards,
    check_ratios,
    check_best_rows,
    check_prose_against_tables,
    check_claims,
    check_operands,
    check_best_batches,
    check_accuracy,
    check_headers,
    check_units,
    check_blocks,
    check_commands,
)


def audit_text(text: str) -> AuditResult:
    """Audit the text of a report."""
    document = parse(text)
    marks = read_marks(document)
    statements = read_statements(document, marks)
    views = read_views(document)
    npu = _npu(statements, views)
    context = Context(
        document,
        read_views(document, npu=npu) if npu else views,
        statements,
        marks,
        find_blocks(document),
        Ledger(),
        npu=npu,
    )
    for check in _CHECKS:
        check(context)
    return context.ledger.result(len(document.lines))


def _npu(statements: list[Statement], views: list[View]) -> str | None:
    """The device that a plain "NPU" means: the only one of its kind in prose and tables."""
    measured = {statement.target for statement in statements} | {one.device for view in views for one in view.series}
    named = measured & {"310", "310P"}
    return named.pop() if len(named) == 1 else None


def audit_file(path: Path) -> AuditResult:
    """Audit a report in a file.

    Raises:
        MissingError: there is no such file.
        InvalidInputError: it is a folder, or not text.
        DamagedError: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise MissingError("no such report", where=str(path), remedy="give the path of a Markdown report") from error
    except IsADirectoryError as error:
        raise InvalidInputError(
            "this is a folder", where=str(path), remedy="give the Markdown files in it, e.g. with a shell pattern"
        ) from error
    except OSError as error:
        raise DamagedError(
            f"cannot be read: {error.strerror}", where=str(path), remedy="check the file's permissions and its disk"
        ) from error
    return audit_text(decode(data, str(path)))
