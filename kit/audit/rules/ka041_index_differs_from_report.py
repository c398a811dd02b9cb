"""A row of a summary page has a number that the report it links to does not contain.

People choose a model from the summary page, which is not updated when the report is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import partial
from operator import attrgetter

from kit.audit.crosschecks import CellNumber, differing, numbers_of_row
from kit.audit.facts.companions import ReportLink
from kit.audit.facts.document import Document
from kit.audit.facts.printednumber import Printed, find_numbers
from kit.audit.facts.tablerows import ReportRow
from kit.audit.rule import Facts, Kind, Outcomes, Rule

__all__ = ["RULE"]

#: Numbers with fewer digits are in every report.
_DIGITS = 3
#: How far two numbers can differ, relatively, to be the same with fewer digits; and how many are compared.
_NEAR = 0.02
_MOST = 200
_value = attrgetter("value")


def _check(facts: Facts) -> Outcomes:
    links = facts.companions.links
    numbers = {link.target: _numbers(link.document) for link in links.values()} if links else {}
    for table in facts.document.tables if links else ():
        rows = {id(row): link for row in table.rows if (link := _link(row, links)) is not None}
        if not rows:
            continue
        cells = [
            cell
            for row in table.rows
            if id(row) in rows
            for cell in numbers_of_row(facts.document, row)
            if _telling(cell.number)
        ]
        targets = {link.target for link in rows.values()}
        where = targets.pop() if len(targets) == 1 else "the report that its row links to"
        yield from differing(table, cells, partial(_linked, numbers, rows), where)


def _linked(numbers: dict[str, list[Printed]], rows: dict[int, ReportLink], cell: CellNumber) -> Sequence[Printed]:
    """The numbers of the linked report that are near that of a cell, or else the next larger and smaller."""
    known = numbers[rows[id(cell.row)].target]
    value = cell.number.value
    first = bisect_left(known, value * (1 - _NEAR), key=_value)
    last = bisect_right(known, value * (1 + _NEAR), key=_value)
    return known[first : min(last, first + _MOST)] or known[max(0, first - 1) : first + 1]


def _link(row: ReportRow, links: Mapping[int, ReportLink]) -> ReportLink | None:
    lines = (row.line, *(place[0] for place in row.places))
    return next((links[line] for line in lines if line in links), None)


def _telling(number: Printed) -> bool:
    return len(number.text.replace(".", "").strip("0")) >= _DIGITS


def _numbers(document: Document) -> list[Printed]:
    """The numbers of a report that have enough digits not to be counts, each once."""
    found: dict[str, Printed] = {}
    for text in document.lines:
        for number in find_numbers(text, decimal_comma=document.decimal_comma):
            if _telling(number) and len(found) < 3000:
                found.setdefault(number.text, number)
    return sorted(found.values(), key=_value)


RULE = Rule(
    kind=Kind.CLAIM,
    bad="""\
| model | 310P (fps) |
| --- | --- |
| [net a](models/a.md) | 1743.58 |
| [net b](models/b.md) | 901.25 |
""",
    corrections={"901.25": "920.15"},
    beside={
        "models/a.md": "# 性能\n\nbatch1 310P单卡吞吐率：1743.58 fps\n",
        "models/b.md": "# 性能\n\nbatch1 310P单卡吞吐率：920.15 fps\n",
    },
    check=_check,
)
