"""A quotient of two devices uses a number that was measured on neither.

The arithmetic is right, yet it says nothing about the devices.
"""

from __future__ import annotations

import re

from kit.audit.facts.printednumber import Printed, number_from, same_number
from kit.audit.facts.vocabulary import batches_in, devices_in
from kit.audit.rule import Facts, Held, Kind, Outcomes, Rule
from kit.audit.verdict import misprinted

__all__ = ["RULE"]

_DEVICE = r"(310p?\d?|710|t4|gpu)"
_VALUE = r"(?<![0-9.])(?<![0-9],)([0-9]+\.[0-9]+)(?![0-9.])\s{0,9}(?:fps)?"
_QUOTIENT = re.compile(
    rf"(?<![0-9a-z/])(?:ascend\s?)?{_DEVICE}[^0-9a-z/]{{0,6}}/\s{{0,9}}{_DEVICE}\s{{0,9}}\)?\s{{0,9}}(?:[:=]|为)"
    rf"\s{{0,9}}\(?\s{{0,9}}{_VALUE}\s{{0,9}}/\s{{0,9}}{_VALUE}",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"(?<![0-9.])[0-9]+\.[0-9]+")
#: How many measurements of a device are compared.
_MOST = 200


def _check(facts: Facts) -> Outcomes:
    known: dict[str, list[Printed]] = {}
    lines: dict[str, set[int]] | None = None
    for line, text in facts.document.prose():
        if "/" not in text:
            continue
        for match in _QUOTIENT.finditer(text):
            names = [device.name for part in match.groups()[:2] for device in devices_in(part)]
            numbers = [
                number
                for group in (3, 4)
                if (number := number_from(match[group], start=match.start(group))) is not None
            ]
            if not len(set(names)) == len(numbers) == len(names) == 2:
                continue
            for name in names:
                if name not in known:
                    known[name] = _measurements(facts, name)
            if lines is None:
                lines = _lines_of_numbers(facts)
            found = list(_compared(line, names, numbers, known, lines))
            yield from found
            if len(found) == 2 and not batches_in(text) and all(isinstance(one, Held) for one in found):
                yield from _of_one_row(facts, line, names, numbers)


def _compared(
    line: int,
    names: list[str],
    numbers: list[Printed],
    known: dict[str, list[Printed]],
    lines: dict[str, set[int]],
) -> Outcomes:
    fits = [any(same_number(number, one) for one in known[name]) for name, number in zip(names, numbers, strict=True)]
    for place, number in enumerate(numbers):
        name = names[place]
        if fits[place]:
            yield Held(line, number.text, number.text, f"a measurement of {name}")
        elif known[name] and fits[1 - place] and lines.get(number.text, set()) <= {line}:
            nearest = min(known[name], key=lambda one: abs(one.value - number.value))
            message = f"{number.text} was not measured on {name}; the nearest measurement is {nearest.text}"
            yield misprinted(line, number, nearest.text, name, message, subject=name)


def _of_one_row(facts: Facts, line: int, names: list[str], numbers: list[Printed]) -> Outcomes:
    """Two numbers of different rows are compared only if both are the best of their device."""
    columns = [facts.column(name) for name in names]
    if None in columns:
        return
    places = [
        [batch for batch, cell in (column or {}).items() if same_number(cell, one)]
        for column, one in zip(columns, numbers, strict=True)
    ]
    bests = [max((column or {}).values(), key=lambda cell: cell.value) for column in columns]
    late = [place for place in (0, 1) if not same_number(bests[place], numbers[place])]
    if not all(places) or set(places[0]) & set(places[1]) or len(late) != 1:
        return
    number, best, batch = numbers[late[0]], bests[late[0]], places[late[0]][0]
    message = f"{number.text} was measured at batch {batch}; beside the best of the other device stands {best.text}"
    yield misprinted(line, number, best.text, best.text, message, subject=names[late[0]])


def _measurements(facts: Facts, name: str) -> list[Printed]:
    found = [cell.number for _, cell in facts.all_cells(name)]
    found += [one.value for one in facts.near.statements if facts.labels.device(one) == name and one.value is not None]
    return found[:_MOST]


def _lines_of_numbers(facts: Facts) -> dict[str, set[int]]:
    """The lines that contain each number with decimals; on other lines it may mean something else."""
    lines: dict[str, set[int]] = {}
    for line, text in enumerate(facts.document.lines, start=1):
        for match in _TOKEN.finditer(text):
            lines.setdefault(match[0], set()).add(line)
    return lines


RULE = Rule(
    kind=Kind.CLAIM,
    bad="""\
# 性能

| batch | 310P | T4 |
| --- | --- | --- |
| 1 | 37.13 | 14.29 |

310P/T4 : 39.13/14.29 > 1.6
""",
    corrections={"39.13/14.29": "37.13/14.29"},
    check=_check,
)
