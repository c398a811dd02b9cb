"""The batch size in a cell of the best row is not the one that reached the value.

The batch size in the best row is the one people deploy with.
"""

from __future__ import annotations

import re

from kit.audit.facts.views import RowRecord, View
from kit.audit.rule import Facts, Held, Kind, Outcomes, Rule, Wrong

__all__ = ["RULE"]

_LEAD = re.compile(
    r"^\W*(?:bs|batch)?\s?([0-9]{1,4})\s{0,9}:\s{0,9}[0-9]|^\W*(?:bs|batch)\s?([0-9]{1,4})\s{1,9}[0-9]", re.IGNORECASE
)


def _check(facts: Facts) -> Outcomes:
    for view in facts.views:
        if not view.performance or not any(one.best for one in view.records):
            continue
        values: dict[tuple[int, float], set[int | None]] = {}
        batches = {record.batch for record in view.records}
        for record in view.records:
            for place, cell in enumerate(record.cells):
                if cell is not None and not record.best:
                    values.setdefault((place, cell.number.value), set()).add(record.batch)
        for record in view.records:
            if record.best and not record.accuracy:
                yield from _row(view, record, values, batches)


def _row(
    view: View, record: RowRecord, values: dict[tuple[int, float], set[int | None]], batches: set[int | None]
) -> Outcomes:
    for place, series in enumerate(view.series):
        cell, lead = record.cells[place], _LEAD.match(record.texts[place].strip("*` "))
        if cell is None or lead is None or series.operands is not None:
            continue
        batch = int(lead[1] or lead[2])
        same = values.get((place, cell.number.value), set())
        right = next(iter(same)) if len(same) == 1 else None
        if right is None or batch not in batches:
            continue
        what = f"{cell.number.text} of {series.header}"
        if right == batch:
            yield Held(cell.line, f"bs{batch}", f"bs{right}", what)
            continue
        message = f"{what}: bs{batch} is printed, but the table has it at bs{right}"
        yield Wrong(cell.line, f"bs{batch}", f"bs{right}", what, message, subject=f"{record.label} | {series.header}")


RULE = Rule(
    kind=Kind.LABEL,
    bad="""\
# 性能

| batch | 310P | T4 |
| --- | --- | --- |
| 1 | 100.5 | 50.5 |
| 4 | 150.5 | 80.5 |
| 8 | 120.5 | 60.5 |
| 最优batch | bs8 150.5fps | bs4 80.5fps |
""",
    corrections={"bs8": "bs4"},
    check=_check,
)
