"""Section 7.4: throughput of all targets by batch, and the ratios of one of them to the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from kit.recipe.schema import Recipe
from kit.reports.figures import Figures, NumberIndex
from kit.reports.reportnumber import ReportNumber, ratio_number
from kit.results.differences import Difference, differences
from kit.results.measurements import plain

__all__ = ["Accepted", "Claim", "Refusal", "ReportTable", "TableRow", "table"]


@dataclass(frozen=True)
class TableRow:
    """A row of the comparison: one batch, or the best of each column (``batch`` is None)."""

    batch: int | None
    cells: tuple[ReportNumber | Refusal | None, ...]


@dataclass(frozen=True)
class Refusal:
    """Two throughputs that are not divided, because they were not measured alike."""

    subject: str
    other: str
    batch: int | None
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Accepted:
    """A difference that the recipe accepts by name, and the pair of targets that has it."""

    subject: str
    other: str
    difference: Difference


@dataclass(frozen=True)
class Claim:
    """The sentence on the best ratio: the subject's best against another target's best."""

    subject: str
    other: str
    ratio: ReportNumber
    times: ReportNumber


@dataclass(frozen=True)
class ReportTable:
    """Section 7.4: throughput of all targets by batch, and the ratios of the subject to the others."""

    simulated: bool
    targets: tuple[str, ...]
    ratios: tuple[tuple[str, str], ...]
    rows: tuple[TableRow, ...]
    claims: tuple[Claim, ...]
    accepted: tuple[Accepted, ...]

    @property
    def sources(self) -> set[str]:
        return {cell.source for row in self.rows for cell in row.cells if isinstance(cell, ReportNumber)}

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        return tuple(cell for row in self.rows for cell in row.cells if isinstance(cell, Refusal))

    @property
    def intervals(self) -> bool:
        """Whether any of the ratios has an interval."""
        first = len(self.targets)
        return any(
            isinstance(cell, ReportNumber) and cell.half_width for row in self.rows for cell in row.cells[first:]
        )


def table(
    recipe: Recipe, given: Sequence[tuple[str, Figures | None]], numbers: NumberIndex, prefix: str
) -> ReportTable | None:
    """The table over those of the targets that have throughputs; None where none has."""
    present = {name: figures for name, figures in given if figures and figures.numbers}
    if not present:
        return None
    bests = {name: figures.best for name, figures in present.items() if figures.best}
    subject = recipe.subject if recipe.subject in present else None
    if subject is None:
        subject = max(bests, key=lambda name: bests[name].value)  # the first of equals
    pairs = tuple((subject, name) for name in present if name != subject)
    accepted: dict[Accepted, None] = {}

    def divide(
        pair: tuple[str, str], batch: int | None, one: ReportNumber | None, other: ReportNumber | None
    ) -> ReportNumber | Refusal | None:
        if one is None or other is None:
            return None
        refused = []
        for difference in differences(one.measured, other.measured) if one.measured and other.measured else ():
            if difference.name in recipe.comparison.accept:
                accepted[Accepted(*pair, difference)] = None
            else:
                refused.append(difference)
        if refused:
            return Refusal(*pair, batch, tuple(refused))
        place = "best" if batch is None else f"bs{batch}"
        return numbers.keep(ratio_number(f"{prefix}{pair[0]}/{pair[1]}@{place}", one, other))

    rows = []
    for batch in sorted({batch for figures in present.values() for batch in figures.numbers}):
        row: list[ReportNumber | Refusal | None] = [figures.numbers.get(batch) for figures in present.values()]
        row += [divide(pair, batch, *(present[name].numbers.get(batch) for name in pair)) for pair in pairs]
        rows.append(TableRow(batch, tuple(row)))
    quotients = [divide(pair, None, bests[pair[0]], bests[pair[1]]) for pair in pairs]
    rows.append(TableRow(None, (*bests.values(), *quotients)))
    claims = [
        Claim(*pair, quotient, numbers.keep(_times(quotient)))
        for pair, quotient in zip(pairs, quotients, strict=True)
        if isinstance(quotient, ReportNumber)
    ]
    return ReportTable(bool(prefix), tuple(present), pairs, tuple(rows), tuple(claims), tuple(accepted))


def _times(quotient: ReportNumber) -> ReportNumber:
    """The ratio as the sentence prints it: three decimals."""
    text = plain(quotient.value, 3) if quotient.value >= Decimal("0.1") else f"{quotient.value:.3g}"
    if quotient.half_width is not None:
        text = quotient.text  # no more digits than the interval justifies
    return replace(
        quotient, id=f"{quotient.id}/times", text=text, formula=f"{quotient.formula}, printed as {text}",
        inputs=(quotient.id,), batch=None, half_width=None,
    )  # fmt: skip
