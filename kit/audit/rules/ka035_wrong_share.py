"""A percentage is not the share of the total, or of the counts, that are printed beside it.

Such tables show where the time goes; a wrong share sends people to the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from kit.audit.facts.document import Document
from kit.audit.facts.grids import Column, Grid
from kit.audit.facts.printednumber import Agreement, Bounded, agree, exactly, find_numbers, show
from kit.audit.facts.quantities import Quantity
from kit.audit.facts.sums import combined, summary_of
from kit.audit.facts.tablerows import Table
from kit.audit.readings import Candidate, Computed, check_column, derived_columns
from kit.audit.rule import Facts, Kind, Outcomes, Rule
from kit.audit.verdict import compared

__all__ = ["RULE"]

_COUNTS = r"(?<![0-9./,-])(?P<part>[0-9]{1,9})\s?(?:/|\bof\b|\bout of\b)\s?(?P<whole>[0-9]{2,9})(?![0-9./,-])"
_PERCENT = r"(?<![0-9.])(?P<value>[0-9]{1,3}\.[0-9]{1,4})\s?%"
_UNIT = r"(?:\s?(?:correct|passed|images?|samples?|张|个))?"
#: "79.46% (236/297)", "38065/50000 (76.13%)", "38065 of 50000 images are right (76.13 %)"
_OF_COUNTS = (
    re.compile(rf"{_PERCENT}\s?[(（]\s?{_COUNTS}{_UNIT}\s?[)）]", re.IGNORECASE),
    re.compile(rf"{_COUNTS}{_UNIT}(?:\s[a-z ]{{0,30}})?\s?[(（]\s?{_PERCENT}\s?[)）]", re.IGNORECASE),
)
_PAIR = re.compile(r"\W{0,4}([0-9]{1,9})\s?/\s?([0-9]{1,9})\W{0,4}")
_COUNTED = re.compile(r"correct|passed|\bhits?\b|正确|命中|通过", re.IGNORECASE)
#: With fewer samples, "3/12" may be a date or a step.
_SEVERAL = 40
_WIDEST = 64


def _check(facts: Facts) -> Outcomes:
    for grid, column, pool in derived_columns(facts.grids, Quantity.SHARE):
        yield from check_column(grid, column, [one for part in pool for one in _candidates(grid, column, part)])
    for table in facts.document.tables:
        for place in [at for at, title in enumerate(table.header.cells[:_WIDEST]) if _COUNTED.search(title)]:
            yield from _of_counts(facts.document, table, place)
    for line, match, number in facts.claimed(_OF_COUNTS, ("%",)):
        part, whole = int(match["part"]), int(match["whole"])
        if part <= whole >= _SEVERAL:
            note = f"{part} / {whole} x 100"
            yield compared(line, number, exactly(100 * part / whole), inputs=note, note=note, subject=match[0])


def _of_counts(document: Document, table: Table, place: int) -> Outcomes:
    """A column of percentages beside one of counts ("574/1319"), if most of them follow from the counts."""
    rows = [(row, match) for row in table.rows if (match := _PAIR.fullmatch(row.cell(place))) and int(match[2])]
    for column in range(min(len(table.header.cells), _WIDEST)) if len(rows) > 1 else ():
        found = []
        for row, match in rows:
            numbers = find_numbers(row.cell(column)) if row.cell(column).strip(" *").endswith("%") else []
            if len(numbers) == 1:
                line, offset = row.place(column)
                found.append((line, document.located(numbers[0], line, offset), match))
        right = [exactly(100 * int(match[1]) / int(match[2])) for _, _, match in found]
        fits = sum(agree(one[1], value) is Agreement.SAME for one, value in zip(found, right, strict=True))
        if fits and 5 * fits >= 3 * len(found):
            for (line, number, match), value in zip(found, right, strict=True):
                note = f"{match[1]} / {match[2]} x 100"
                yield compared(line, number, value, inputs=note, note=note, subject=match[0].strip())


def _candidates(grid: Grid, column: Column, part: Column) -> Iterator[Candidate]:
    kinds = [summary_of(label) for label in grid.labels]
    total = part.entries[kinds.index("sum")] if "sum" in kinds else None
    if total is not None:
        whole, text = total.number.bounds, total.number.text
    else:
        whole = combined("sum", [one for one, kind in zip(part.entries, kinds, strict=True) if one and kind != "mean"])
        text = f"the sum {show(whole.value)}"
    if whole.value > 0 and whole.low > 0:
        scale = 0.01 if column.scale != 1 or _sums_to_hundred(column, kinds) else 1.0
        yield Candidate(f"the share of {part.title}", _share(part, whole, text), scale=scale)


def _share(part: Column, whole: Bounded, text: str) -> Callable[[int], Computed | None]:
    def compute(row: int) -> Computed | None:
        own = part.entries[row]
        if own is None:
            return None
        return Computed(own.number.bounds / whole, f"{own.number.text} / {text}", own.value == whole.value)

    return compute


def _sums_to_hundred(column: Column, kinds: Sequence[str | None]) -> bool:
    parts = [one.value for one, kind in zip(column.entries, kinds, strict=True) if one and kind != "sum"]
    return 80 < sum(parts) < 120 or any(1.5 < part <= 100 for part in parts)


RULE = Rule(
    kind=Kind.RATIO,
    bad="""\
| layer | time (ms) | share |
| --- | --- | --- |
| conv | 6.0 | 60.0% |
| gemm | 3.0 | 20.0% |
| relu | 0.5 | 5.0% |
| pool | 0.5 | 5.0% |
""",
    corrections={"20.0%": "30.0%"},
    check=_check,
)
