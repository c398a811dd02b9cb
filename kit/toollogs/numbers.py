"""Numbers from text: bounded, ASCII, finite.

Logs and reports come from strangers. Python's own ``int`` and ``float`` take superscript and full-width digits,
underscores, ``inf`` and ``1e400``, and take quadratic time in the number of digits. What is refused here is None, so a
caller must handle it.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, TypeGuard

__all__ = ["LARGEST", "MOST_DIGITS", "SMALLEST", "Number", "decimal", "finite", "integer", "load_json", "real"]

Number = int | float

#: Most digits of a whole number: what fits into 64 bits.
MOST_DIGITS = 18
#: Bounds of the magnitude. No rate, time or score comes near them, and the product of three numbers stays finite.
SMALLEST, LARGEST = 1e-100, 1e100

_INTEGER = re.compile(rf"[-+]?[0-9]{{1,{MOST_DIGITS}}}\Z")
_REAL = re.compile(r"[-+]?(?:[0-9]{1,200}(?:\.[0-9]{0,200})?|\.[0-9]{1,200})(?:[eE][-+]?[0-9]{1,5})?\Z")


def integer(text: str) -> int | None:
    """The whole number that ``text`` is: ASCII digits with an optional sign, at most :data:`MOST_DIGITS` of them."""
    return int(text) if _INTEGER.match(text) else None


def finite(value: object) -> TypeGuard[Number]:
    """Whether ``value`` is a number (not a bool) that is 0, or between :data:`SMALLEST` and :data:`LARGEST`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value == 0 or SMALLEST <= abs(value) <= LARGEST


def real(text: str) -> Number | None:
    """The number that ``text`` is: an int where it has digits alone, else a float; None where it is not finite."""
    if not _REAL.match(text):
        return None
    whole = integer(text)
    if whole is not None:
        return whole
    value = float(text)
    return value if finite(value) else None


def decimal(text: str) -> Decimal | None:
    """The same number with exactly the digits of the text."""
    return Decimal(text) if real(text) is not None else None


def load_json(text: str) -> Any:
    """The value of an untrusted JSON text.

    Raises:
        ValueError: it is not JSON, is nested too deep, or holds a number that :func:`real` refuses.
    """
    try:
        return json.loads(text, parse_int=_believed, parse_float=_believed, parse_constant=_believed)
    except RecursionError:
        raise ValueError("the JSON is nested too deep") from None


def _believed(token: str) -> Number:
    value = real(token)
    if value is None:
        raise ValueError(f"{token[:30]!r} is not a finite number of usual size")
    return value
