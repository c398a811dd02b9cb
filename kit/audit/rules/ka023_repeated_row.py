"""Two rows of a table have the same batch size, and one of the series is missing.

The values of the missing batch size are read as those of another.
"""

from __future__ import annotations

from kit.audit.facts.labelling import missing_of_series
from kit.audit.rule import Facts, Kind, Outcomes, Rule, Wrong

__all__ = ["RULE"]


def _check(facts: Facts) -> Outcomes:
    for view in facts.views:
        rows = [record for record in view.records if not record.best and not record.accuracy and record.batch]
        fixed = missing_of_series([record.batch or 0 for record in rows])
        if fixed is None or view.transposed:
            continue
        place, _, batch = fixed
        label = rows[place].label
        message = f"two rows are labelled {label}, and no row has batch {batch}"
        yield Wrong(
            rows[place].line, label, f"bs{batch}", ", ".join(record.label for record in rows), message, subject="row"
        )


RULE = Rule(
    kind=Kind.LABEL,
    bad="""\
| batch | 310P | T4 |
| --- | --- | --- |
| bs1 | 100.5 | 50.5 |
| bs4 | 150.5 | 60.5 |
| bs4 | 190.5 | 80.5 |
| bs16 | 195.5 | 85.5 |
""",
    corrections={"| bs4 | 190.5": "| bs8 | 190.5"},
    check=_check,
)
