"""A ratio is not the quotient of the two columns that its header names.

Ratios are compared across models, and nobody divides again.
"""

from __future__ import annotations

from kit.audit.facts.fineroperands import FinerOperands
from kit.audit.facts.printednumber import Agreement, agree, show
from kit.audit.facts.ratioreading import Quotient, RatioColumn, RatioReading, quotient
from kit.audit.facts.views import NumberCell, RowRecord, View
from kit.audit.rule import Facts, Kind, Outcome, Outcomes, Rule, Severity, Unknown
from kit.audit.verdict import compared, misprinted

__all__ = ["RULE"]


def _check(facts: Facts) -> Outcomes:
    finer = FinerOperands(facts)
    for column in facts.ratios:
        for record in column.records:
            cell = record.cells[column.place]
            if cell is None:
                continue
            found = quotient(column.reading, record) if column.reading is not None else None
            if column.reading is None or found is None:
                yield Unknown(cell.line, cell.number.text)
            else:
                found = finer.quotient(column, column.reading, record, found) or found
                yield _compared(column, column.reading, record, cell, found)


def _compared(
    column: RatioColumn, reading: RatioReading, record: RowRecord, cell: NumberCell, found: Quotient
) -> Outcome:
    header = column.view.series[column.place].header
    top, bottom = found.top.number.text, found.bottom.number.text
    subject = f"{record.label or 'row'} | {header}"
    note, inputs = f"{subject} = {top} / {bottom}", f"{top}, {bottom}"
    factor = 0.01 if cell.unit == "percent" else 1.0
    number = cell.number.scaled(factor)
    wrong = agree(number, found.right) is not Agreement.SAME
    consequence = ""
    if column.other is not None and wrong:
        consequence = "the whole column is something other than its header says"
    elif record.best and wrong:
        best = _best_quotient(column.view, reading)
        if best is not None and agree(number, best) is Agreement.SAME:
            consequence = f"{cell.number.text} is the quotient of the true best values"
    if not consequence:
        return compared(cell.line, number, found.right, inputs=inputs, note=note, subject=subject, factor=factor)
    value = show(found.right.value)
    how, message = f"{top} / {bottom} = {value}", f"{note} gives {value}; {consequence}"
    return misprinted(cell.line, cell.number, value, inputs, message, Severity.OPTIONAL, how=how, subject=subject)


def _best_quotient(view: View, reading: RatioReading) -> float | None:
    top, bottom = view.greatest[reading.top], view.greatest[reading.bottom]
    if not top or not bottom:
        return None
    return bottom / top if reading.way == "inverse" else top / bottom


RULE = Rule(
    kind=Kind.RATIO,
    bad="""\
| batch | 310P | T4 | 310P/T4 |
| --- | --- | --- | --- |
| 1 | 100.0 | 50.0 | 3.00 |
""",
    corrections={"3.00": "2.00"},
    check=_check,
)
