"""Numbers of a report compared with numbers of another file, cell by cell.

A column is taken to repeat the other file if most of its numbers do; a number that differs is then wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from kit.audit.facts.document import Document
from kit.audit.facts.printednumber import Printed, find_numbers, same_number
from kit.audit.facts.tablerows import ReportRow, Table
from kit.audit.rule import Held, Outcomes, Severity, Wrong
from kit.audit.verdict import misprinted

__all__ = ["CellNumber", "differing", "numbers_of_row", "single_number"]


@dataclass(frozen=True, slots=True)
class CellNumber:
    """The only number of a cell: its row and column, its line, and the number."""

    row: ReportRow
    column: int
    line: int
    number: Printed


def single_number(text: str, *, decimal_comma: bool = False) -> Printed | None:
    """The number of a cell that has only one."""
    numbers = find_numbers(text, decimal_comma=decimal_comma) if len(text) < 80 else []
    return numbers[0] if len(numbers) == 1 else None


def numbers_of_row(document: Document, row: ReportRow) -> Iterator[CellNumber]:
    """The cells of a row that have one number."""
    for column, cell in enumerate(row.cells):
        number = single_number(cell, decimal_comma=document.decimal_comma)
        if number is not None:
            line, offset = row.place(column)
            yield CellNumber(row, column, line, document.located(number, line, offset))


def differing(
    table: Table, cells: Sequence[CellNumber], expected: Callable[[CellNumber], Sequence[Printed]], where: str
) -> Outcomes:
    """The outcome for each number for which ``expected`` gives the numbers that it can be."""
    columns: dict[int, list[tuple[CellNumber, Sequence[Printed], bool]]] = {}
    for cell in cells:
        known = expected(cell)
        if known:
            right = any(same_number(cell.number, one) for one in known)
            columns.setdefault(cell.column, []).append((cell, known, right))
    for column, found in columns.items():
        agreeing = sum(1 for _, _, right in found if right)
        title = table.header.cells[column] if column < len(table.header.cells) else ""
        for cell, known, right in found:
            if right:
                yield Held(cell.line, cell.number.text, cell.number.text, f"{title} as in {where}")
            elif agreeing and 2 * agreeing >= len(found):
                yield _wrong(cell, known, title, where)


def _wrong(cell: CellNumber, known: Sequence[Printed], title: str, where: str) -> Wrong:
    nearest = min(known, key=lambda one: abs(one.value - cell.number.value))
    # A copied number can differ in its last digit only.
    slip = abs(nearest.value - cell.number.value) < 1.5 * max(cell.number.unit, nearest.unit)
    severity = Severity.DIGITS if slip else Severity.MAJOR
    subject, how = f"{cell.row.cells[0] or 'row'} | {title}", f"{where}: {nearest.text}"
    message = f"{subject} is {cell.number.text} here, but {nearest.text} in {where}"
    return misprinted(cell.line, cell.number, nearest.text, where, message, severity, how=how, subject=subject)
