"""A throughput differs from the result file next to the report.

The result file is what was measured; a report that says something else was edited or is out of date.
"""

from __future__ import annotations

from collections.abc import Sequence

from kit.audit.crosschecks import CellNumber, differing, numbers_of_row
from kit.audit.facts.companions import MeasuredRate
from kit.audit.facts.printednumber import Printed
from kit.audit.facts.quantities import Quantity, quantity_of, unit_of
from kit.audit.facts.tablerows import Table
from kit.audit.facts.vocabulary import devices_in, label_batches, only
from kit.audit.rule import Facts, Kind, Outcomes, Rule

__all__ = ["RULE"]


def _check(facts: Facts) -> Outcomes:
    rates = facts.companions.rates
    if not rates:
        return
    for table in facts.document.tables:
        columns = {
            place: known for place, title in enumerate(table.header.cells) if (known := _of_column(title, rates))
        }
        cells = [cell for row in table.rows for cell in numbers_of_row(facts.document, row) if cell.column in columns]
        yield from _compared(table, cells, columns)


def _compared(table: Table, cells: list[CellNumber], columns: dict[int, list[MeasuredRate]]) -> Outcomes:
    def expected(cell: CellNumber) -> Sequence[Printed]:
        batch = _batch(cell.row.cells[0], table.header.cells[0])
        found = [rate for rate in columns[cell.column] if rate.batch == batch] if cell.column else []
        return [_rounded_like(cell.number, value) for rate in found for value in rate.values]

    files = sorted({rate.file for known in columns.values() for rate in known})
    yield from differing(table, cells, expected, ", ".join(files[:3]))


def _of_column(title: str, rates: Sequence[MeasuredRate]) -> list[MeasuredRate]:
    """The measured rates that a column can state: those of its device, or all if only one device was measured."""
    if any(sign in title for sign in "/÷"):
        return []
    device = only(devices_in(title))
    plain = title.strip(" *`").lower()
    own = [
        rate
        for rate in rates
        if rate.device.lower() == plain or (device is not None and only(devices_in(rate.device)) == device)
    ]
    if own or device is not None or len({rate.device for rate in rates}) != 1:
        return own
    return list(rates) if quantity_of(title, unit_of(title), "") is Quantity.RATE else []


def _batch(label: str, header: str) -> int | None:
    sizes = set(label_batches(label))
    if len(sizes) == 1:
        return sizes.pop()
    plain = label.strip(" *")
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 5 and "b" in header.lower() else None


def _rounded_like(stated: Printed, value: float) -> Printed:
    """The measured value, rounded to tens or hundreds if that gives the whole number that the report prints."""
    nearest = round(value, -stated.trailing_zeros)
    value = nearest if stated.trailing_zeros and nearest == stated.value else value
    text = f"{value:.12g}"
    return Printed(text, value, 10.0 ** -len(text.partition(".")[2]))


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
        "results/310P.json": '{"target": "310P", "throughput": [{"batch": 1, "rate": 1743.58},'
        ' {"batch": 4, "rate": 5244.27}, {"batch": 8, "rate": 7196.11}]}',
    },
    check=_check,
)
