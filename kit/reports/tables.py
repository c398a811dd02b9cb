"""Section 7.4: throughput of all targets by batch, and the ratios of one of them to the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kit.recipe.schema import Recipe
from kit.reports.cells import Cell, mixed, ratio_cell
from kit.reports.sides import Cells, Side
from kit.results.measurements import plain

__all__ = ["Claim", "Row", "Table", "table"]


@dataclass(frozen=True)
class Row:
    """A row of the comparison: one batch, or the best of each column (``batch`` is None)."""

    batch: int | None
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Claim:
    """The sentence on the best ratio: the subject's best against another target's best."""

    subject: str
    other: str
    ratio: Cell
    times: Cell


@dataclass(frozen=True)
class Table:
    """Section 7.4: throughput of all targets by batch, and the ratios of the subject to the others."""

    simulated: bool
    targets: tuple[str, ...]
    ratios: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]
    claims: tuple[Claim, ...]
    modes: Mapping[str, str | None]

    @property
    def sources(self) -> set[str]:
        return {cell.source for row in self.rows for cell in row.cells if cell}


def table(recipe: Recipe, sides: Sequence[tuple[str, Side | None]], cells: Cells, prefix: str) -> Table | None:
    """The table over those of the targets that have a side with throughputs; None where none has."""
    present = {name: side for name, side in sides if side and side.cells}
    if not present:
        return None
    bests = {name: side.best for name, side in present.items() if side.best}
    subject = recipe.subject if recipe.subject in present else None
    if subject is None:
        subject = max(bests, key=lambda name: bests[name].value)  # the first of equals
    pairs = tuple((subject, name) for name in present if name != subject)
    rows = []
    for batch in sorted({batch for side in present.values() for batch in side.cells}):
        row: list[Cell | None] = [side.cells.get(batch) for side in present.values()]
        for one, other in pairs:
            numerator, denominator = present[one].cells.get(batch), present[other].cells.get(batch)
            row.append(
                cells.keep(ratio_cell(f"{prefix}{one}/{other}@bs{batch}", numerator, denominator))
                if numerator and denominator
                else None
            )
        rows.append(Row(batch, tuple(row)))
    claims = []
    last: list[Cell | None] = list(bests.values())
    for one, other in pairs:
        quotient = cells.keep(ratio_cell(f"{prefix}{one}/{other}@best", bests[one], bests[other]))
        last.append(quotient)
        claims.append(Claim(one, other, quotient, cells.keep(_times(quotient))))
    rows.append(Row(None, tuple(last)))
    modes = {name: side.mode for name, side in present.items()}
    return Table(bool(prefix), tuple(present), pairs, tuple(rows), tuple(claims), modes)


def _times(quotient: Cell) -> Cell:
    """The ratio as the sentence prints it: three decimals."""
    text = plain(quotient.value, 3) if quotient.value >= Decimal("0.1") else f"{quotient.value:.3g}"
    return Cell(
        id=f"{quotient.id}/times", value=quotient.value, text=text, unit="", source=mixed((quotient.source,)),
        formula=f"{quotient.formula}, printed as {text}", inputs=(quotient.id,), exact=False,
    )  # fmt: skip
