"""Printed numbers: what is printed, and which values it can stand for.

A printed number is an interval: it was rounded or cut off at its last digit. Whatever is computed from printed numbers
is an interval, too; a printed result is wrong only where it lies outside.
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
    "Interval",
    "Printed",
    "agree",
    "exactly",
    "find_numbers",
    "number_from",
    "same_number",
    "show",
    "uses_decimal_comma",
    "within",
]

#: Relative difference up to which a mismatch counts as a slip in the digits rather than another number.
_SLIP = 0.005
#: A result rounded the wrong way is a slip too, as long as it stays this near.
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
    """How a printed number relates to the value that it should show."""

    SAME = "same"
    SLIP = "slip"
    DIFFERENT = "different"


@dataclass(slots=True)  # made by the million, and frozen ones take three times as long
class Interval:
    """All values between ``low`` and ``high``, with the arithmetic of intervals."""

    low: float
    high: float

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def __sub__(self, other: Interval) -> Interval:
        return Interval(self.low - other.high, self.high - other.low)

    def __mul__(self, other: Interval) -> Interval:
        if self.low >= 0 <= other.low:
            return Interval(self.low * other.low, self.high * other.high)
        ends = (self.low * other.low, self.low * other.high, self.high * other.low, self.high * other.high)
        return Interval(min(ends), max(ends))

    def __truediv__(self, other: Interval) -> Interval:
        if other.low <= 0 <= other.high:
            raise ZeroDivisionError("the divisor can be zero")
        return self * Interval(1 / other.high, 1 / other.low)

    def scaled(self, factor: float) -> Interval:
        """The interval times a positive number."""
        return Interval(self.low * factor, self.high * factor)


class Printed(NamedTuple):
    """A number as printed: its text, its value and the weight of its last printed digit; where it stands in a line."""

    text: str
    value: float
    unit: float
    start: int = 0
    end: int = 0

    def scaled(self, factor: float) -> Printed:
        """The same number in another unit: ``85.5`` (per cent) times 0.01 is 0.855."""
        return Printed(self.text, self.value * factor, self.unit * factor, self.start, self.end)

    @property
    def interval(self) -> Interval:
        """The values that are printed like this, rounded or cut off."""
        if self.value < 0:
            return Interval(self.value - self.unit, self.value + self.unit / 2)
        return Interval(self.value - self.unit / 2, self.value + self.unit)


def exactly(value: float) -> Interval:
    """A number that was not rounded: a count, a batch size."""
    return Interval(value, value)


def number_from(text: str, *, start: int = 0, decimal_comma: bool = False) -> Printed | None:
    """The number that ``text`` prints, or None where it is out of range.

    ``text`` has been matched by the pattern of this module; ``start`` is its place in the line.
    """
    parsed = _parsed(text, decimal_comma=decimal_comma)
    return Printed(text, *parsed, start, start + len(text)) if parsed is not None else None


@lru_cache(maxsize=4096)
def _parsed(text: str, *, decimal_comma: bool) -> tuple[float, float] | None:
    """Value and weight of the last digit."""
    plain = text.replace(".", "").replace(",", ".") if decimal_comma and "," in text else text.replace(",", "")
    value = real(plain)
    if value is None:
        return None
    mantissa, _, exponent = plain.lower().partition("e")
    power = int(exponent or 0) - len(mantissa.partition(".")[2])
    return float(value), 10.0**power if -300 < power < 300 else 0.0


def find_numbers(line: str, *, decimal_comma: bool = False) -> list[Printed]:
    """Numbers of a line that stand alone: not parts of words, versions or names."""
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


def within(stated: Printed, allowed: Interval) -> bool:
    """Whether a printed result can be one of the allowed values, rounded or cut off at its printed digits."""
    noise = _NOISE * max(abs(allowed.low), abs(allowed.high)) + 1e-12
    own = stated.interval
    return own.low <= allowed.high + noise and allowed.low - noise < own.high


def agree(stated: Printed, value: float, allowed: Interval | None = None) -> Agreement:
    """Compare a printed number with the computed value; ``allowed`` is what its printed operands leave open."""
    if within(stated, allowed or exactly(value)):
        return Agreement.SAME
    difference = abs(value - stated.value)
    relative = difference / max(abs(value), 1e-300)
    if relative <= _SLIP or (difference < stated.unit * (1 + _NOISE) and relative <= _WRONG_WAY):
        return Agreement.SLIP
    return Agreement.DIFFERENT


def same_number(one: Printed, other: Printed) -> bool:
    """Whether two printed numbers can be the same quantity: equal at the digits of the one with fewer of them."""
    coarse, fine = (one, other) if one.unit >= other.unit else (other, one)
    return agree(coarse, fine.value) is Agreement.SAME


def show(value: float) -> str:
    """A computed value for people: up to nine significant digits."""
    return f"{value:.9g}"
