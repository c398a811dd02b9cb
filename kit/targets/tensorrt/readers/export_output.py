"""``trtexec --exportOutput``: the output tensors of the last enqueue, six significant digits per value.

trtexec writes ``nan`` and ``inf`` as C++ prints them, which is no JSON, and does not escape names.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from kit.toollogs.reader import Row, Status, status_of
from kit.toollogs.text import clean

__all__ = ["ExportOutputReading", "OutputTensor", "read", "sniff"]

_TENSOR = re.compile(
    r"\{\s*\"name\"\s*:\s*\"(?P<name>[^\n]{0,512}?)\"\s*,\s*\"dimensions\"\s*:\s*\"(?P<dims>[^\"\n]{0,200})\"\s*,\s*\"values\"\s*:\s*"
    r"\[(?P<values>[^\]]*)(?P<end>\]\s*\})?"
)

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?\Z")


@dataclass(slots=True)
class OutputTensor:
    """One output: ``values`` flattened in row-major order, None where the value is not finite."""

    name: str
    dimensions: tuple[int, ...]
    values: list[float | None]
    whole: bool

    @property
    def not_finite(self) -> int:
        """Values that are nan or infinite."""
        return sum(value is None for value in self.values)

    def rows_of(self) -> list[list[float | None]]:
        """The values by the first dimension: one list for each sample of the batch."""
        count = self.dimensions[0] if self.dimensions else 1
        step = len(self.values) // count if count else 0
        return [self.values[i * step : (i + 1) * step] for i in range(count)]


@dataclass(slots=True)
class ExportOutputReading:
    """The outputs in their order."""

    outputs: list[OutputTensor]
    status: Status
    problems: list[str]

    def as_json(self) -> dict[str, Any]:
        """What ``kit read --json`` prints: shapes and ranges, not the values."""
        found: dict[str, Any] = {"family": "export_output", "outputs": []}
        for output in self.outputs:
            finite = [value for value in output.values if value is not None]
            item: dict[str, Any] = {
                "name": output.name,
                "dimensions": list(output.dimensions),
                "count": len(output.values),
            }
            if finite:
                item |= {"min": min(finite), "max": max(finite)}
            if output.not_finite:
                item["not_finite"] = output.not_finite
            found["outputs"].append(item)
        found["status"] = self.status
        return found | ({"problems": list(self.problems)} if self.problems else {})

    def rows(self) -> list[Row]:
        """The table for people."""
        return [
            Row(output.name, "x".join(map(str, output.dimensions)), f"{len(output.values)} values")
            for output in self.outputs
        ]


def sniff(text: str) -> float:
    """How surely the text is an output export."""
    return 1.0 if re.search(r"\"dimensions\"\s*:\s*\"[^\"\n]*\"\s*,\s*\"values\"\s*:\s*\[", text) else 0.0


def read(text: str) -> ExportOutputReading:
    """The tensors; of a cut file, the values that are whole."""
    text = clean(text)
    outputs: list[OutputTensor] = []
    problems: list[str] = []
    missing = odd = False
    for found in _TENSOR.finditer(text):
        name, whole = found["name"], found["end"] is not None
        dims = found["dims"].split("x") if found["dims"] else []
        if not all(dim.isdecimal() and len(dim) < 10 for dim in dims):
            problems.append(f"{name}: {found['dims'][:30]!r} is no shape")
            missing = True
            continue
        words = [word.strip() for word in found["values"].split(",")]
        if not whole:
            words = words[:-1]  # what stands before the cut may be part of a number
        values = [_value(word) for word in words if word]
        output = OutputTensor(name, tuple(int(dim) for dim in dims), values, whole)
        outputs.append(output)
        wanted = math.prod(output.dimensions)
        if not whole:
            problems.append(f"{name}: cut off after {len(values)} of {wanted} values")
            missing = True
        elif len(values) != wanted:
            problems.append(f"{name}: {len(values)} values for the shape {found['dims']}, which has {wanted}")
            odd = True
        if output.not_finite:
            problems.append(f"{name}: {output.not_finite} values are not finite numbers")
            odd = True
    names = [output.name for output in outputs]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems += [f"{name}: the output is there twice" for name in twice]
    odd = odd or bool(twice)
    usable = any(output.values for output in outputs)
    if outputs and not re.search(r"\]\s*\}\s*\]", text) and not missing:
        problems.append("the list is cut off: other outputs may be missing")
        missing = True
    if not usable and not problems:
        problems.append("there is no output tensor in this text")
    return ExportOutputReading(outputs, status_of(usable=usable, missing=missing, odd=odd), problems)


def _value(word: str) -> float | None:
    if not _NUMBER.match(word):
        return None
    value = float(word)
    return value if math.isfinite(value) else None
