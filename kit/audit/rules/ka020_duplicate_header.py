"""Two columns of numbers have the same header.

One of them is something else (most often Top5), and the reader has to guess which.
"""

from __future__ import annotations

from kit.audit.facts.printednumber import find_numbers
from kit.audit.facts.tablerows import Table
from kit.audit.rule import Facts, Kind, Outcomes, Rule, Wrong

__all__ = ["RULE"]

#: How many rows decide whether two columns are one.
_ROWS = 20


def _check(facts: Facts) -> Outcomes:
    for table in facts.document.tables:
        header = table.header
        keys = ["".join(cell.lower().split()) for cell in header.cells]
        if len(set(keys)) == len(keys):
            continue
        seen: dict[str, int] = {}
        numeric = _numeric(table)
        for place, key in enumerate(keys):
            if not any(char.isalnum() for char in key):
                continue
            first = seen.setdefault(key, place)
            if first == place or header.spans(first, place):
                continue  # one cell spans both columns
            if first in numeric and place in numeric and not _equal(table, first, place):
                cell, where = header.cells[place], f"columns {first + 1} and {place + 1}"
                message = f"{where} have the same header {cell!r}"
                yield Wrong(header.line, cell, "", where, message, start=header.place(place)[1], subject="header")


def _numeric(table: Table) -> set[int]:
    """The columns that have numbers from their first row on; words there are a second header line."""
    first: dict[int, str] = {}
    for row in table.rows:
        for place, cell in enumerate(row.cells):
            if cell and place not in first:
                first[place] = cell
    return {
        place
        for place, cell in first.items()
        if find_numbers(cell) and not any(char.isalpha() for char in cell.rstrip("fpsFPSm%"))
    }


def _equal(table: Table, one: int, other: int) -> bool:
    """Whether one cell spans both columns in each row."""
    return all(row.spans(one, other) for row in table.rows[:_ROWS])


RULE = Rule(
    kind=Kind.DUPLICATE_HEADER,
    bad="""\
| model | Top1 accuracy | Top1 accuracy |
| --- | --- | --- |
| net | 74.084% | 91.818% |
""",
    corrections={"accuracy | Top1": "accuracy | Top5"},
    check=_check,
)
