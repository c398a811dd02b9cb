"""Numbers with what they belong to, to find those that print the same value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Generic, TypeVar

from kit.audit.facts.printednumber import Printed, same_number

__all__ = ["ValueIndex"]

_Owner = TypeVar("_Owner")
#: How many values near each other are kept; more than any report has.
_ALIKE = 32
#: Numbers that can be the same differ by less than one of these steps in their logarithm.
_STEPS = 50


class ValueIndex(Generic[_Owner]):
    """Numbers by size."""

    def __init__(self) -> None:
        self._alike: dict[int, list[tuple[Printed, _Owner]]] = {}

    def add(self, number: Printed, owner: _Owner) -> None:
        """Add a number."""
        alike = self._alike.setdefault(_step(number.value), [])
        if len(alike) < _ALIKE and (number, owner) not in alike:
            alike.append((number, owner))

    def like(self, number: Printed) -> Iterator[_Owner]:
        """What the numbers belong to that can be the same as this one."""
        step = _step(number.value)
        near = (pair for key in (step - 1, step, step + 1) for pair in self._alike.get(key, ()))
        return (owner for known, owner in near if same_number(number, known))


def _step(value: float) -> int:
    return int(math.log(abs(value)) * _STEPS) if value else -(10**6)
