"""Measurements that a comparison repeats: "batch1：91.86x4 > 1000/(2.9/1)", "batch1：89.48fps > 85.85fps"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kit.audit.expressions import comparisons
from kit.audit.findings import Finding, Kind, Severity
from kit.audit.numbers import Number, same_number
from kit.audit.vocabulary import batches_in

if TYPE_CHECKING:
    from kit.audit.context import Context
    from kit.audit.expressions import Comparison, Expression

__all__ = ["check_restated"]


def check_restated(context: Context) -> None:
    """Compare what a line works with with what the statement of the same batch says."""
    measured: dict[tuple[str, int], list[Number]] = {}
    stated_rates: dict[int, dict[str, list[Number]]] = {}
    formulas: dict[int, list[Expression]] = {}
    for statement in context.statements:
        formula, device = statement.formula.formula if statement.formula else None, context.device(statement)
        if device is not None and statement.value is not None:
            values = stated_rates.setdefault(context.batch(statement), {}).setdefault(device, [])
            values += [statement.value] if statement.value not in values else []
        number = _measured(formula) if formula else None
        if formula is None or number is None:
            continue
        if device is None:
            formulas.setdefault(statement.line, []).append(formula)  # in a section that compares devices
        else:
            measured.setdefault((device, context.batch(statement)), []).append(number)
    sizes: dict[tuple[str, float], set[int]] = {}
    for (device, size), numbers in measured.items():
        for number in numbers:
            sizes.setdefault((device, number.value), set()).add(size)
    rates = {block.rate[1].value for block in context.blocks if block.rate is not None}  # quoted from a run
    rates -= {value for _, value in sizes}
    for line, text in enumerate(context.document.lines, start=1):
        batches = set(batches_in(text))
        if len(batches) != 1 or context.document.in_table(line) or context.ledger.flagged(line, Kind.LABEL):
            continue
        batch = next(iter(batches))
        found = comparisons(text, decimal_comma=context.document.decimal_comma)
        sides = [side for one in found for side in (one.left, one.right)]
        for one in found:
            _plain(context, line, one, stated_rates.get(batch, {}), f"batch {batch}")
        for side in [*sides, *(formulas.get(line, []) if found else [])]:
            device, number = _device(side), _measured(side)
            if device is None or number is None or number.value in rates or (device, batch) not in measured:
                continue
            known = measured[device, batch]
            stated = sizes.get((device, number.value), set())
            if len(stated) == 1 and batch not in stated:
                _mislabelled(context, line, number, batch, next(iter(stated)), device)
            else:
                _compare(context, line, number, known, f"{device} batch {batch}")


def _measured(formula: Expression) -> Number | None:
    """The one measured number of a product with four or of 1000 / (mean / batch)."""
    decimals = [operand for operand in formula.operands if operand.unit < 1]
    return decimals[0] if len(decimals) == 1 and len(formula.operands) > 1 else None


def _device(side: Expression) -> str | None:
    """What such a formula is of: four devices make a 310 card, and a time is divided for the GPU."""
    values = [operand.value for operand in side.operands]
    if len(values) == 2 and values[1] == 4 and "/" not in side.text:
        return "310"
    return "T4" if 1000.0 in values and re.search(r"\(\s*[0-9.]+\s*/\s*[0-9]+\s*\)", side.text) else None


def _mislabelled(context: Context, line: int, number: Number, batch: int, right: int, device: str) -> None:
    message = f"the label says batch {batch}, but {number.text} is the measurement of {device} batch {right}"
    stated, meant = f"batch{batch}", f"batch{right}"
    context.ledger.find(Finding(line, Kind.LABEL, stated, meant, number.text, message, Severity.MAJOR))


def _compare(context: Context, line: int, number: Number, known: list[Number], what: str) -> None:
    if any(same_number(number, other) for other in known):
        context.ledger.hold(line, Kind.CLAIM, number.text, known[0].text, f"{what} as stated before")
        return
    message = f"{number.text} is compared, but the measurement of {what} is {known[-1].text}"
    # It may be of another run that the report does not show.
    context.ledger.find(Finding(line, Kind.CLAIM, number.text, known[-1].text, what, message, Severity.OPTIONAL))


def _plain(context: Context, line: int, one: Comparison, rates: dict[str, list[Number]], what: str) -> None:
    """Where one side is the throughput of a device, the other has to be that of the other device."""
    sides = [side.number for side in (one.left, one.right) if side.number is not None]
    fits = [{name for name, known in rates.items() if any(same_number(side, n) for n in known)} for side in sides]
    if len(sides) != 2 or not (fits[0] or fits[1]):
        return
    place = next((place for place, names in enumerate(fits) if not names), None)
    if place is None:
        context.ledger.hold(line, Kind.CLAIM, f"{sides[0].text}, {sides[1].text}", "", f"{what} as stated before")
        return
    others = rates.keys() - fits[1 - place]
    known = rates[next(iter(others))] if len(others) == 1 else []
    if len(known) == 1:
        _compare(context, line, sides[place], known, f"{next(iter(others))} {what}")
