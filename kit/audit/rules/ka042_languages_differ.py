"""Two language versions of a report have different numbers in the same cell.

One of the two was not updated, and its readers do not see the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from kit.audit.crosschecks import CellNumber, differing, numbers_of_row, single_number
from kit.audit.facts.document import Document
from kit.audit.facts.printednumber import Printed
from kit.audit.facts.tablerows import Table
from kit.audit.rule import Facts, Kind, Outcomes, Rule

__all__ = ["RULE"]


def _check(facts: Facts) -> Outcomes:
    for name, twin in facts.companions.twins:
        for table, other in _pairs(facts.document, twin):
            cells = [cell for row in table.rows for cell in numbers_of_row(facts.document, row)]
            places = {id(row): place for place, row in enumerate(table.rows)}
            yield from differing(table, cells, partial(_counterpart, other, places), name)


def _counterpart(other: Table, places: dict[int, int], cell: CellNumber) -> Sequence[Printed]:
    """The number in the same cell of the other table."""
    number = single_number(other.rows[places[id(cell.row)]].cells[cell.column])
    return () if number is None else (number,)


def _pairs(document: Document, twin: Document) -> Iterator[tuple[Table, Table]]:
    """Tables of the same shape, in order."""
    waiting: dict[tuple[int, ...], list[Table]] = {}
    for table in reversed(twin.tables):
        waiting.setdefault(_shape(table), []).append(table)
    for table in document.tables:
        if others := waiting.get(_shape(table)):
            yield table, others.pop()


def _shape(table: Table) -> tuple[int, ...]:
    return (len(table.header.cells), *(len(row.cells) for row in table.rows))


RULE = Rule(
    kind=Kind.CLAIM,
    bad="""\
| batch | 310P (fps) |
| --- | --- |
| 1 | 1743.58 |
| 4 | 5244.27 |
| 8 | 7169.11 |
""",
    corrections={"7169.11": "7196.11"},
    beside={
        "README.en.md": "| batch | 310P (fps) |\n| --- | --- |\n| 1 | 1743.58 |\n| 4 | 5244.27 |\n| 8 | 7196.11 |\n",
    },
    check=_check,
)
