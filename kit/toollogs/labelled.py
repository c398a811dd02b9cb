"""Output of tools that print one value a line, such as ``Throughput:   3039.52 FPS``: label, number, unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from kit.toollogs.numbers import Number, integer, real
from kit.toollogs.output import Findings
from kit.toollogs.text import NUMBER, one_line, short

__all__ = ["Label", "LabelTable", "LabelledLine", "LabelledRun"]

_VALUE = re.compile(rf"[ \t]*+(?P<value>{NUMBER})[ \t]*+(?P<unit>%|[A-Za-z\u00b5\u03bc]*+)(?P<rest>[^\n]*+)")
_NUMERIC = re.compile(r"[ \t]*+(?:[-+.\d]|nan\b|inf\b)", re.IGNORECASE)


class Label(NamedTuple):
    """What a line says before its number, as a regular expression with the separator, and the units it may have.

    ``units``: as printed, in small letters -> the power of ten that makes the unit of the reader; empty text stands for
    no unit. ``whole``: whether the number counts something.
    """

    pattern: str
    units: Mapping[str, int]
    whole: bool = False
    zero: bool = False  # whether 0 is a value: a short time is printed so


class LabelledLine(NamedTuple):
    """A line with a label. ``value`` is None where the number is not certain; ``said`` is whether there is one."""

    key: str
    value: Number | None
    said: bool
    plain: bool  # whether nothing else stands on the line
    label: re.Match[str]

    def checked(self, raw: str, findings: Findings) -> Number | None:
        """The number; where it is not certain, or the line is odd, the findings say so."""
        if self.value is None:
            findings.refused += [f"{short(raw)!r} is not surely a value"] if self.said else []
        elif not self.plain:
            findings.odd_lines.append(raw)
        return self.value


class LabelTable:
    """The labels of a tool.

    Args:
        labels: key -> label.
        prefix: what the tool itself prints before a label; at the start of a line or after a bracket.
    """

    def __init__(self, labels: Mapping[str, Label], prefix: str = "") -> None:
        self._labels = labels
        names = "|".join(rf"(?P<{key}>{label.pattern})" for key, label in labels.items())
        self._line = re.compile(rf"(?:^|(?<=\]))[ \t>]*+(?:{names})")
        self._plain = re.compile(rf"[ \t>]*+(?:{prefix})?[ \t]*+")

    def find(self, line: str) -> LabelledLine | None:
        """The label of a line, and its number in the unit of the reader."""
        found = self._line.search(line)
        if found is None or found.lastgroup is None:
            return None
        key = found.lastgroup
        label, tail = self._labels[key], _VALUE.match(line, found.end())
        if tail is None:
            return LabelledLine(key, None, _NUMERIC.match(line, found.end()) is not None, plain=False, label=found)
        value = _scaled(tail["value"], label.units.get(tail["unit"].lower()), whole=label.whole)
        if value is not None and (value < 0 or (value == 0 and not label.zero)):
            value = None
        start = self._plain.match(line)
        plain = not tail["rest"].strip() and start is not None and start.end() >= found.start(key)
        return LabelledLine(key, value, said=True, plain=plain, label=found)


def _scaled(text: str, power: int | None, *, whole: bool) -> Number | None:
    """The number of a text times a power of ten, with the digits that are printed; None for another unit."""
    if power is None:
        return None
    if whole:
        return integer(text)
    value = real(text)
    return value if value is None or power == 0 else real(f"{Decimal(text).scaleb(power):f}")


@dataclass(slots=True)
class LabelledRun:
    """One run: its numbers by key, and the line that printed each. A point in a key stands for a level of the JSON."""

    values: dict[str, Number] = field(default_factory=dict)
    lines: dict[str, str] = field(default_factory=dict)
    stated: list[str] = field(default_factory=list)  # numbers that are stated twice, and not alike
    errors: list[str] = field(default_factory=list)
    mixed: bool = False  # whether its lines and those of another run cannot be told apart

    def take(self, key: str, value: Number, line: str) -> None:
        """Keep a number."""
        self.values[key] = value
        self.lines[key] = one_line(line, 200)

    def drop(self, findings: Findings) -> None:
        """Give the numbers of a mixed run up."""
        self.values.clear()
        self.lines.clear()
        findings.missing.append("lines of concurrent runs are mixed: no value can be assigned to this one")

    def entangled(self, before: LabelledRun, key: str, last: str) -> bool:
        """Whether lines of two runs come in turns: this one has ``key`` without its ``last``, the one before has not.

        Asked where another line with ``key`` comes.
        """
        return key in self.values and last not in self.values and key not in before.values

    def part(self, name: str) -> dict[str, Number]:
        """The numbers of a level."""
        return {key.partition(".")[2]: value for key, value in self.values.items() if key.startswith(f"{name}.")}

    def numbers(self) -> dict[str, Any]:
        """The numbers as JSON."""
        found: dict[str, Any] = {}
        for key, value in self.values.items():
            name, _, rest = key.partition(".")
            if rest:
                found.setdefault(name, {})[rest] = value
            else:
                found[name] = value
        return found
