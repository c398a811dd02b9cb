"""Headers in which the same column stands twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kit.audit.diagnostic import Kind
from kit.audit.facts.printed import find_numbers
from kit.audit.rule import Finding, Outcome, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kit.audit.facts.facts import Facts
    from kit.audit.facts.tablerows import Table

__all__ = ["RULE"]


def _check(facts: Facts) -> Iterator[Outcome]:
    for table in facts.document.tables:
        seen: dict[str, int] = {}
        header = table.header
        for place, cell in enumerate(header.cells):
            key = "".join(cell.lower().split())
            if not any(char.isalnum() for char in key):
                continue
            first = seen.setdefault(key, place)
            if first == place or header.spans(first, place):
                continue  # one cell over several columns names them all
            if _numeric(table, first) and _numeric(table, place) and not _equal(table, first, place):
                where = f"columns {first + 1} and {place + 1}"
                message = f"the header {cell!r} stands over {where}"
                yield Finding(header.line, cell, "", where, message, start=header.place(place)[1], subject="header")


def _numeric(table: Table, place: int) -> bool:
    """Whether the column holds numbers from its first row on; words there are a second header line."""
    first = next((row.cells[place] for row in table.rows if place < len(row.cells) and row.cells[place]), "")
    return bool(find_numbers(first)) and not any(char.isalpha() for char in first.rstrip("fpsFPSm%"))


def _equal(table: Table, one: int, other: int) -> bool:
    """Whether one cell of each row spans both columns."""
    return all(row.spans(one, other) for row in table.rows)


RULE = Rule(
    id="KA020",
    name="duplicate-header",
    kind=Kind.DUPLICATE_HEADER,
    summary="The same header stands over two columns of numbers.",
    why="One of the columns is something else (most often Top5), and the reader has to guess which.",
    bad="""\
| model | Top1 accuracy | Top1 accuracy |
| --- | --- | --- |
| net | 74.084% | 91.818% |
""",
    good="""\
| model | Top1 accuracy | Top5 accuracy |
| --- | --- | --- |
| net | 74.084% | 91.818% |
""",
    check=_check,
)
