"""The values of a ratio column divide other columns than its header names.

Every value in the column is misread, most often as its inverse.
"""

from __future__ import annotations

from kit.audit.rule import Facts, Kind, Outcomes, Rule, Wrong

__all__ = ["RULE"]


def _check(facts: Facts) -> Outcomes:
    for column in facts.ratios:
        if column.other is None:
            continue
        series = column.view.series[column.place]
        top, bottom = (column.view.series[place].header for place in (column.other.top, column.other.bottom))
        meaning = {
            "inverse": f"{bottom} / {top}",
            "per device": f"{top} / (4 x {bottom})",
            "per card": f"4 x {top} / {bottom}",
        }.get(column.other.way, f"{top} / {bottom}")
        message = f"the header says {series.header}, but the values below are {meaning}"
        yield Wrong(series.line, series.header, meaning, f"{top}, {bottom}", message, subject="header")


RULE = Rule(
    kind=Kind.LABEL,
    bad="""\
# 吞吐率

| batch | 310P | 310 | T4 | 310P/T4 |
| --- | --- | --- | --- | --- |
| 1 | 100.0 | 40.0 | 50.0 | 2.50 |
| 4 | 120.0 | 40.0 | 30.0 | 3.00 |
| 8 | 90.0 | 20.0 | 60.0 | 4.50 |
""",
    corrections={"310P/T4": "310P/310"},
    check=_check,
)
