"""The two values of a quotient that names its devices: "310P/T4 : 37.13/14.29 > 1.6" works with what was measured."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kit.audit.findings import Finding, Kind, Severity
from kit.audit.numbers import Number, number_from, same_number
from kit.audit.vocabulary import devices_in

if TYPE_CHECKING:
    from kit.audit.context import Context

__all__ = ["check_operands"]

_DEVICE: Final = r"(310p?\d?|710|t4|gpu)"
_VALUE: Final = r"(?<![0-9.])(?<![0-9],)([0-9]+\.[0-9]+)(?![0-9.])\s*(?:fps)?"
_QUOTIENT: Final = re.compile(
    rf"(?<![0-9a-z/])(?:ascend\s?)?{_DEVICE}[^0-9a-z/]{{0,6}}/\s*{_DEVICE}\s*\)?\s*(?:[:=]|为)\s*\(?\s*{_VALUE}\s*/\s*{_VALUE}",
    re.IGNORECASE,
)


def check_operands(context: Context) -> None:
    """Look for an operand that is no measurement of its device, while the other is one of its own."""
    for line, text in enumerate(context.document.lines, start=1):
        if "/" not in text or context.document.in_table(line):
            continue
        for match in _QUOTIENT.finditer(text):
            names = [device.name for part in match.groups()[:2] for device in devices_in(part)]
            numbers = [number for part in match.groups()[2:] if (number := number_from(part)) is not None]
            if len(set(names)) == len(numbers) == len(names) == 2:
                _check(context, line, names, numbers)


def _check(context: Context, line: int, names: list[str], numbers: list[Number]) -> None:
    known = [_known(context, name) for name in names]
    fits = [any(same_number(number, one) for one in values) for number, values in zip(numbers, known, strict=True)]
    for place, number in enumerate(numbers):
        if fits[place]:
            context.ledger.hold(line, Kind.CLAIM, number.text, number.text, f"a measurement of {names[place]}")
        elif known[place] and fits[1 - place] and not _elsewhere(context, line, number):
            nearest = min(known[place], key=lambda one: abs(one.value - number.value))
            message = f"{number.text} is no measurement of {names[place]}; the nearest is {nearest.text}"
            context.ledger.find(
                Finding(line, Kind.CLAIM, number.text, nearest.text, names[place], message, Severity.MAJOR)
            )


def _known(context: Context, name: str) -> list[Number]:
    stated = [one.value for one in context.statements if context.device(one) == name and one.value is not None]
    return [cell.number for _, cell in context.cells(name)] + stated


def _elsewhere(context: Context, line: int, number: Number) -> bool:
    """Whether the report has the number in another place, where it may be read as something else."""
    digits = re.compile(rf"(?<![0-9.]){re.escape(number.text)}")
    return any(digits.search(text) for place, text in enumerate(context.document.lines, start=1) if place != line)
