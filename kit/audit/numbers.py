"""Printed numbers, and when a printed number says the same as a computed one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "NUMBER",
    "Agreement",
    "Number",
    "agree",
    "find_numbers",
    "number_from",
    "same_number",
    "show",
    "uses_decimal_comma",
]

#: Relative difference up to which a mismatch counts as a slip in the digits rather than another number.
_SLIP: Final = 0.005
#: A result rounded the wrong way is a slip too, as long as it stays this near.
_WRONG_WAY: Final = 0.02

_GROUPED = r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?(?![0-9])"
_PLAIN = r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3}(?![0-9]))?"
#: A number as the family prints it: plain, with exponent, or with thousands separators.
NUMBER: Final = re.compile(rf"(?:{_GROUPED}|{_PLAIN})")
_EUROPEAN: Final = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[0-9]+,[0-9]+|" + _PLAIN + ")")
_SURE_COMMA = re.compile(r"(?<![0-9.,])(?:[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|[0-9]{4,},[0-9]+|0,[0-9]+)(?![0-9.,])")
_SURE_DOT = re.compile(r"(?<![0-9.,])[0-9]+\.[0-9]+(?![0-9.,])")


class Agreement(Enum):
    """How a printed number relates to the value that it should show."""

    SAME = "same"
    SLIP = "slip"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Number:
    """A number as printed: its text, its value and the weight of its last printed digit."""

    text: str
    value: float
    unit: float
    start: int = 0
    end: int = 0

    def as_percent_of_one(self) -> Number:
        """``85.5`` (per cent) as ``0.855``, with the weight of its last digit moved along."""
        return Number(self.text, self.value / 100, self.unit / 100, self.start, self.end)


def number_from(text: str, *, start: int = 0, decimal_comma: bool = False) -> Number | None:
    """The number that ``text`` prints, or None where it is out of range.

    ``text`` has been matched by the pattern of this module; ``start`` is its place in the line.
    """
    plain = text.replace(".", "").replace(",", ".") if decimal_comma and "," in text else text.replace(",", "")
    value = float(plain)
    if not math.isfinite(value):
        return None
    mantissa, _, exponent = plain.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    power = int(exponent or 0) - decimals
    return Number(text, value, 10.0**power if -300 < power < 300 else 0.0, start, start + len(text))


def find_numbers(line: str, *, decimal_comma: bool = False) -> list[Number]:
    """All numbers of a line that stand for themselves: not part of a word, a version or a file name."""
    found = []
    for match in (_EUROPEAN if decimal_comma else NUMBER).finditer(line):
        start, end = match.span()
        before, after = line[start - 1 : start], line[end : end + 2]
        if before and (before in "_." or (before.isascii() and before.isalpha())):
            continue
        if after[:1] == "." and after[1:].isdigit():
            continue
        number = number_from(match[0], start=start, decimal_comma=decimal_comma)
        if number is not None:
            found.append(number)
    return found


def uses_decimal_comma(lines: Iterable[str]) -> bool:
    """Whether a report writes 2712,568 for 2712.568: commas that can be nothing else outnumber decimal points."""
    commas = dots = 0
    for line in lines:
        if "=" in line or "|" in line:
            commas += sum(1 for _ in _SURE_COMMA.finditer(line))
            dots += sum(1 for _ in _SURE_DOT.finditer(line))
    return commas >= 2 and commas > 2 * dots


def agree(stated: Number, value: float) -> Agreement:
    """Compare a printed number with the computed value at its printed digits: rounded and cut off are both right."""
    difference = abs(value - stated.value)
    noise = 1e-9 * abs(value) + 1e-12
    if difference <= stated.unit / 2 + noise:
        return Agreement.SAME
    if value * stated.value >= 0 and 0 <= abs(value) - abs(stated.value) < stated.unit + noise:
        return Agreement.SAME
    relative = difference / max(abs(value), 1e-300)
    if relative <= _SLIP or (difference < stated.unit + noise and relative <= _WRONG_WAY):
        return Agreement.SLIP
    return Agreement.DIFFERENT


def same_number(one: Number, other: Number) -> bool:
    """Whether two printed numbers can be the same quantity: equal at the digits of the one with fewer of them."""
    coarse, fine = (one, other) if one.unit >= other.unit else (other, one)
    return agree(coarse, fine.value) is Agreement.SAME


def show(value: float) -> str:
    """A computed value for people: up to nine significant digits."""
    return f"{value:.9g}"
