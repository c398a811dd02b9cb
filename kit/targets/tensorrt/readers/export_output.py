"""``trtexec --exportOutput``: the output tensors of the last enqueue, six significant digits per value.

trtexec writes ``nan`` and ``inf`` as C++ prints them, which is not JSON, and does not escape names.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar

from kit.toollogs.numbers import integer, real
from kit.toollogs.output import Findings, Row, ToolOutput, present
from kit.toollogs.text import clean

__all__ = ["ExportOutputReading", "OutputTensor", "read", "sniff"]

_TENSOR = re.compile(
    r"\{\s*\"name\"\s*:\s*\"(?P<name>[^\n]{0,512}?)\"\s*,\s*\"dimensions\"\s*:\s*\"(?P<dims>[^\"\n]{0,200})\"\s*,\s*\"values\"\s*:\s*"
    r"\[(?P<values>[^\]]*)(?P<end>\]\s*\})?"
)


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

    @property
    def range(self) -> tuple[float, float] | None:
        """The smallest and the largest finite value."""
        finite = [value for value in self.values if value is not None]
        return (min(finite), max(finite)) if finite else None

    def rows_of(self) -> list[list[float | None]]:
        """The values by the first dimension: one list for each sample of the batch."""
        count = self.dimensions[0] if self.dimensions else 1
        step = len(self.values) // count if count else 0
        return [self.values[i * step : (i + 1) * step] for i in range(count)]


@dataclass
class ExportOutputReading(ToolOutput):
    """The outputs in their order."""

    family: ClassVar[str] = "export_output"

    outputs: list[OutputTensor]

    def values(self) -> dict[str, Any]:
        """Shapes and ranges, not the values."""
        found = []
        for output in self.outputs:
            low, high = output.range or (None, None)
            shape = {"name": output.name, "dimensions": list(output.dimensions), "count": len(output.values)}
            found.append(shape | present(min=low, max=high, not_finite=output.not_finite or None))
        return {"outputs": found}

    def rows(self) -> list[Row]:
        return [
            Row(
                output.name,
                "x".join(map(str, output.dimensions)),
                f"{len(output.values)} values"
                + ("" if output.range is None else f", {output.range[0]} to {output.range[1]}"),
            )
            for output in self.outputs
        ]


def sniff(text: str) -> float:
    """How likely the text is to be an output export."""
    return 1.0 if re.search(r"\"dimensions\"\s*:\s*\"[^\"\n]*\"\s*,\s*\"values\"\s*:\s*\[", text) else 0.0


def read(text: str) -> ExportOutputReading:
    """The tensors; of a cut file, the values that are whole."""
    text = clean(text)
    outputs: list[OutputTensor] = []
    findings = Findings()
    for found in _TENSOR.finditer(text):
        output = _tensor(found)
        if output is None:
            findings.missing.append(f"{found['name']}: {found['dims'][:30]!r} is not a shape")
            continue
        outputs.append(output)
        wanted = math.prod(output.dimensions)
        if not output.whole:
            findings.missing.append(f"{output.name}: cut off after {len(output.values)} of {wanted} values")
        elif len(output.values) != wanted:
            findings.contradictions.append(
                f"{output.name}: {len(output.values)} values for the shape {found['dims']}, which has {wanted}"
            )
        if output.not_finite:
            findings.contradictions.append(f"{output.name}: {output.not_finite} values are not finite numbers")
    names = Counter(output.name for output in outputs)
    findings.contradictions += [f"{name}: the output appears twice" for name in sorted(names) if names[name] > 1]
    usable = any(output.values for output in outputs)
    if outputs and not re.search(r"\]\s*\}\s*\]", text) and not findings.missing:
        findings.missing.append("the list is cut off: other outputs may be missing")
    outcome = findings.outcome(usable=usable, nothing="there is no output tensor in this text")
    return ExportOutputReading(*outcome, outputs)


def _tensor(found: re.Match[str]) -> OutputTensor | None:
    dims = [integer(dim) for dim in found["dims"].split("x")] if found["dims"] else []
    shape = tuple(dim for dim in dims if dim is not None and 0 <= dim < 10**9)
    if len(shape) != len(dims):
        return None
    whole = found["end"] is not None
    words = [word.strip() for word in found["values"].split(",")]
    if not whole:
        words = words[:-1]  # what comes before the cut may be part of a number
    return OutputTensor(found["name"], shape, [_value(word) for word in words if word], whole)


def _value(word: str) -> float | None:
    value = real(word)
    return None if value is None else float(value)
