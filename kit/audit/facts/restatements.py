"""Measurements repeated in a comparison: "batch1：91.86x4 > 1000/(2.9/1)", "batch1：89.48fps > 85.85fps"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kit.audit.facts.expressions import Expression, Inequality
from kit.audit.facts.facts import Facts
from kit.audit.facts.printednumber import Printed, same_number
from kit.audit.facts.statements import DIVISION
from kit.audit.facts.vocabulary import batches_in

__all__ = ["Restatement", "restatements"]

#: How many values of one device and batch size are kept.
_MOST = 16


@dataclass(frozen=True, slots=True)
class Restatement:
    """A measurement that is used again: its line, the number, and the batch size that the line names.

    ``known`` are the values stated before, empty if both sides of a comparison are as stated. ``meant`` is the batch
    size that the number was measured at, if that is another one.
    """

    line: int
    number: Printed
    batch: int
    device: str
    known: tuple[Printed, ...]
    meant: int | None = None


def restatements(facts: Facts) -> Iterator[Restatement]:
    """All measurements repeated on lines with one batch size."""
    stated = _Stated(facts)
    for line, found in facts.comparisons.items():
        batches = set(batches_in(facts.document.lines[line - 1]))
        if len(batches) != 1 or line in facts.labels.faulty:
            continue
        batch = batches.pop()
        for one in found:
            yield from stated.rates_of(line, one, batch)
        operands = [side for one in found for side in (one.left, one.right)]
        for side in [*operands, *stated.formulas.get(line, [])]:
            yield from stated.measurement_of(line, side, batch)


class _Stated:
    """The rates and measured operands in a report by device and batch size."""

    def __init__(self, facts: Facts) -> None:
        self.formulas: dict[int, list[Expression]] = {}
        self._measured: dict[tuple[str, int], list[Printed]] = {}
        self._rates: dict[int, dict[str, list[Printed]]] = {}
        self._batches: dict[tuple[str, float], set[int]] = {}
        for statement in facts.near.statements:
            formula = statement.formula.formula if statement.formula else None
            device, batch = facts.labels.device(statement), facts.labels.batch(statement)
            if device is not None and statement.value is not None:
                _add(self._rates.setdefault(batch, {}).setdefault(device, []), statement.value)
            number = _measured(formula) if formula else None
            if formula is None or number is None:
                continue
            if device is None:
                self.formulas.setdefault(statement.line, []).append(formula)  # in a section that compares devices
            else:
                _add(self._measured.setdefault((device, batch), []), number)
                self._batches.setdefault((device, number.value), set()).add(batch)
        quoted = {rate[1].value for run in facts.near.runs if (rate := run.rate) is not None}
        self._quoted = quoted - {value for _, value in self._batches}

    def measurement_of(self, line: int, side: Expression, batch: int) -> Iterator[Restatement]:
        """The measured operand on one side of a comparison."""
        device, number = _device(side), _measured(side)
        if device is None or number is None or number.value in self._quoted or (device, batch) not in self._measured:
            return
        sizes = self._batches.get((device, number.value), set())
        meant = next(iter(sizes)) if len(sizes) == 1 and batch not in sizes else None
        yield Restatement(line, number, batch, device, tuple(self._measured[device, batch]), meant)

    def rates_of(self, line: int, one: Inequality, batch: int) -> Iterator[Restatement]:
        """If one side is the throughput of a device, the other must be that of the other device."""
        rates = self._rates.get(batch, {})
        sides = [side.number for side in (one.left, one.right) if side.number is not None]
        fits = [{name for name, known in rates.items() if any(same_number(side, n) for n in known)} for side in sides]
        if len(sides) != 2 or not (fits[0] or fits[1]):
            return
        place = next((place for place, names in enumerate(fits) if not names), None)
        if place is None:
            yield Restatement(line, sides[0], batch, "", ())
            return
        others = rates.keys() - fits[1 - place]
        if len(others) == 1:
            device = next(iter(others))
            if len(rates[device]) == 1:
                yield Restatement(line, sides[place], batch, device, tuple(rates[device]))


def _add(numbers: list[Printed], number: Printed) -> None:
    if len(numbers) < _MOST and number not in numbers:
        numbers.append(number)


def _measured(formula: Expression) -> Printed | None:
    """The only measured number in a product with four or in 1000 / (mean / batch)."""
    decimals = [operand for operand in formula.operands if operand.unit < 1]
    return decimals[0] if len(decimals) == 1 and len(formula.operands) > 1 else None


def _device(side: Expression) -> str | None:
    """The device of such a formula: a 310 card has four devices, and 1000 / time is for the GPU."""
    values = [operand.value for operand in side.operands]
    if len(values) == 2 and values[1] == 4 and "/" not in side.text:
        return "310"
    return "T4" if 1000.0 in values and DIVISION.search(side.text) else None
