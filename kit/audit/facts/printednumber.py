"""Printed numbers: the text, and the values it can stand for.

A printed number was rounded or cut off at its last digit, so it stands for a range of values, and so does whatever is
computed from it. A printed result is wrong only if it lies outside that range.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from kit.toollogs.numbers import real

__all__ = [
    "NUMBER",
    "Agreement",
    "Bounded",
    "Printed",
    "agree",
    "exactly",
    "find_numbers",
    "number_from",
    "same_number",
    "show",
    "uses_decimal_comma",
]

#: Relative difference up to which a mismatch is a slip in the last digits rather than another number.
_SLIP = 0.005
#: A result rounded the wrong way is a slip too, up to this relative difference.
_WRONG_WAY = 0.02
#: Relative error of the arithmetic itself.
_NOISE = 1e-9

_GROUPED = r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?(?![0-9])"
_PLAIN = r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3}(?![0-9]))?"
#: A number as reports print it: plain, with exponent, or with thousands separators.
NUMBER = re.compile(rf"(?:{_GROUPED}|{_PLAIN})")
_EUROPEAN = re.compile(r"(?:[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[0-9]+,[0-9]+|" + _PLAIN + ")")
_SURE_COMMA = re.compile(r"(?<![0-9.,])(?:[0-9]+,(?:[0-9]{1,2}|[0-9]{4,})|[0-9]{4,},[0-9]+|0,[0-9]+)(?![0-9.,])")
_SURE_DOT = re.compile(r"(?<![0-9.,])[0-9]+\.[0-9]+(?![0-9.,])")


class Agreement(Enum):
    """How a printed number compares with the value it should show."""

    SAME = "same"
    SLIP = "slip"
    DIFFERENT = "different"


@dataclass(slots=True)  # not frozen: that takes three times as long, and reports need millions
class Bounded:
    """A value with the lowest and highest value it can stand for, and interval arithmetic."""

    value: float
    low: float
    high: float

    def __add__(self, other: Bounded) -> Bounded:
        return Bounded(self.value + other.value, self.low + other.low, self.high + other.high)

    def __sub__(self, other: Bounded) -> Bounded:
        return Bounded(self.value - other.value, self.low - other.high, self.high - other.low)

    def __mul__(self, other: Bounded) -> Bounded:
        value = self.value * other.value
        if self.low >= 0 <= other.low:
            return Bounded(value, self.low * other.low, self.high * other.high)
        ends = (self.low * other.low, self.low * other.high, self.high * other.low, self.high * other.high)
        return Bounded(value, min(ends), max(ends))

    def __truediv__(self, other: Bounded) -> Bounded:
        if other.low <= 0 <= other.high:
            raise ZeroDivisionError("the divisor can be zero")
        ends = self * Bounded(1, 1 / other.high, 1 / other.low)
        return Bounded(self.value / other.value, ends.low, ends.high)

    def scaled(self, factor: float) -> Bounded:
        """The value and bounds times a positive number."""
        return Bounded(self.value * factor, self.low * factor, self.high * factor)


class Printed(NamedTuple):
    """A number as printed: text, value, weight of the last digit, and position in the line (-1 if unknown)."""

    text: str
    value: float
    unit: float
    start: int = 0
    end: int = 0

    def scaled(self, factor: float) -> Printed:
        """The same number in another unit: ``85.5`` (per cent) times 0.01 is 0.855."""
        return Printed(self.text, self.value * factor, self.unit * abs(factor), self.start, self.end)

    @property
    def bounds(self) -> Bounded:
        """The values that print like this when rounded or cut off."""
        if self.value < 0:
            return Bounded(self.value, self.value - self.unit, self.value + self.unit / 2)
        return Bounded(self.value, self.value - self.unit / 2, self.value + self.unit)

    @property
    def trailing_zeros(self) -> int:
        """How many zeros a whole number ends with."""
        digits = self.text.replace(",", "")
        return len(digits) - len(digits.rstrip("0")) if digits.isdecimal() else 0


def exactly(value: float) -> Bounded:
    """A number that was not rounded: a count, a batch size."""
    return Bounded(value, value, value)


def number_from(text: str, *, start: int = 0, decimal_comma: bool = False) -> Printed | None:
    """The number that ``text``, a match of :data:`NUMBER`, prints at ``start``; None if it is out of range."""
    parsed = _parsed(text, decimal_comma=decimal_comma)
    return Printed(text, *parsed, start, start + len(text)) if parsed is not None else None


@lru_cache(maxsize=4096)
def _parsed(text: str, *, decimal_comma: bool) -> tuple[float, float] | None:
    """The value and the weight of the last digit."""
    plain = text.replace(".", "").replace(",", ".") if decimal_comma and "," in text else text.replace(",", "")
    value = real(plain)
    if value is None:
        return None
    mantissa, _, exponent = plain.lower().partition("e")
    power = int(exponent or 0) - len(mantissa.partition(".")[2])
    return float(value), 10.0**power if -300 < power < 300 else 0.0


def find_numbers(line: str, *, decimal_comma: bool = False) -> list[Printed]:
    """The numbers of a line that are not part of a word, version or name."""
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
    """Whether a report writes 2712,568 for 2712.568: unambiguous decimal commas outnumber decimal points."""
    commas = dots = 0
    for line in lines:
        if "=" in line or "|" in line:
            commas += sum(1 for _ in _SURE_COMMA.finditer(line))
            dots += sum(1 for _ in _SURE_DOT.finditer(line))
    return commas >= 2 and commas > 2 * dots


def agree(stated: Printed, right: Bounded | float) -> Agreement:
    """Compare a printed number with the value it should show, rounded or cut off at the printed digits."""
    right = right if isinstance(right, Bounded) else exactly(right)
    noise = _NOISE * max(abs(right.low), abs(right.high)) + 1e-12
    own = stated.bounds
    if own.low <= right.high + noise and right.low - noise < own.high:
        return Agreement.SAME
    difference = abs(right.value - stated.value)
    relative = difference / max(abs(right.value), 1e-300)
    if relative <= _SLIP or (difference < stated.unit * (1 + _NOISE) and relative <= _WRONG_WAY):
        return Agreement.SLIP
    return Agreement.DIFFERENT


def same_number(one: Printed, other: Printed) -> bool:
    """Whether two printed numbers can be the same: equal at the digits of the one with fewer."""
    coarse, fine = (one, other) if one.unit >= other.unit else (other, one)
    return agree(coarse, fine.value) is Agreement.SAME


def show(value: float) -> str:
    """A computed value as text: up to nine significant digits."""
    return f"{value:.9g}"
