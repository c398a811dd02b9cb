"""A ratio is missing although both of its operands are there.

The reader cannot tell whether the value is missing or was left out on purpose.
"""

from __future__ import annotations

from kit.audit.facts.printednumber import show
from kit.audit.facts.ratioreading import quotient
from kit.audit.rule import Facts, Kind, Outcomes, Rule, Severity, Wrong

__all__ = ["RULE"]


def _check(facts: Facts) -> Outcomes:
    for column in facts.ratios:
        view, series = column.view, column.view.series[column.place]
        if column.reading is None or sum(1 for one in view.records if one.cells[column.place] is not None) < 2:
            continue
        for record in view.records:
            if record.texts[column.place] or record.accuracy:
                continue
            found = quotient(column.reading, record)
            if found is None:
                continue
            subject = f"{record.label or 'row'} | {series.header}"
            line, value = series.line if view.transposed else record.line, show(found.right.value)
            how = f"{found.top.number.text} / {found.bottom.number.text} = {value}"
            message = f"{subject} is empty although both values are there"
            yield Wrong(line, "", value, series.header, message, Severity.OPTIONAL, computation=how, subject=subject)


RULE = Rule(
    kind=Kind.MISSING,
    bad="""\
| batch | 310P | T4 | 310P/T4 |
| --- | --- | --- | --- |
| 1 | 100.0 | 50.0 | 2.00 |
| 4 | 150.0 | 50.0 | 3.00 |
| 8 | 200.0 | 50.0 |  |
""",
    corrections={"200.0 | 50.0 | ": "200.0 | 50.0 | 4.00"},
    check=_check,
    severity=Severity.OPTIONAL,
)
