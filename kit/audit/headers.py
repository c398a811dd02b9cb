"""Headers in which the same column stands twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.audit.findings import Finding, Kind, Severity
from kit.audit.numbers import find_numbers

if TYPE_CHECKING:
    from kit.audit.context import Context
    from kit.audit.tables import Table

__all__ = ["check_headers"]


def check_headers(context: Context) -> None:
    """Find columns of numbers under the same header, where no second header line tells them apart."""
    for table in context.document.tables:
        seen: dict[str, int] = {}
        for place, cell in enumerate(table.header.cells):
            key = "".join(cell.lower().split())
            if not key or not any(char.isalnum() for char in key):
                continue
            if key in seen and _numeric(table, seen[key]) and _numeric(table, place):
                context.ledger.find(
                    Finding(
                        table.header.line,
                        Kind.DUPLICATE_HEADER,
                        cell,
                        "",
                        f"columns {seen[key] + 1} and {place + 1}",
                        f"the header {cell!r} stands over columns {seen[key] + 1} and {place + 1}",
                        Severity.MAJOR,
                    )
                )
            seen.setdefault(key, place)


def _numeric(table: Table, place: int) -> bool:
    """Whether the column holds numbers from its first row on; words there are a second header line."""
    cells = [row.cells[place] for row in table.rows if place < len(row.cells)]
    filled = [cell for cell in cells if cell]
    return (
        bool(filled)
        and bool(find_numbers(filled[0]))
        and not any(char.isalpha() for char in filled[0].rstrip("fpsFPSm%"))
    )
