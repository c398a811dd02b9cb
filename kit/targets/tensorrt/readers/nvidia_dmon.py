"""``nvidia-smi dmon``: a row for every GPU and second, in the columns that its heading names.

It is the trace that NVIDIA advises to keep beside a measurement. A minus stands for what the board does not have.
"""

from __future__ import annotations

import re

from kit.toollogs.numbers import Number, real

__all__ = ["is_trace", "samples"]

#: Columns, by the field names of ``--query-gpu``; others keep their own name.
_FIELDS = {
    "gpu": "index", "pwr": "power.draw", "gtemp": "temperature.gpu", "mtemp": "temperature.memory",
    "sm": "utilization.gpu", "mem": "utilization.memory", "enc": "utilization.encoder", "dec": "utilization.decoder",
    "mclk": "clocks.current.memory", "pclk": "clocks.current.sm", "fb": "memory.used",
}  # fmt: skip
_HEADING = re.compile(r"^[ \t]*#[ \t]*((?:(?:Date|Time)[ \t]+)*gpu(?:[ \t]+(?!pid\b)[a-z0-9]+)+)[ \t]*\n", re.MULTILINE)
_WORD = re.compile(r"\d+(?:\.\d+)?\Z")


def is_trace(text: str) -> bool:
    """Whether the text is of ``dmon``; ``pmon`` has a column for processes."""
    return _HEADING.search(text) is not None


def samples(text: str) -> tuple[list[dict[str, Number | str | None]], int]:
    """The rows in their order, and how many were left out because they are cut or no numbers."""
    columns: list[str] = []
    found: list[dict[str, Number | str | None]] = []
    left_out = 0
    for raw in text.splitlines(keepends=True):
        if heading := _HEADING.match(raw):
            columns = heading[1].split()
        words = raw.split()
        if not columns or not words or raw.lstrip().startswith("#") or not words[0][0].isdigit():
            continue
        stamps = sum(column in ("Date", "Time") for column in columns)
        numbers = words[stamps:]
        if len(words) != len(columns) or not raw.endswith("\n") or not all(w == "-" or _WORD.match(w) for w in numbers):
            left_out += 1
            continue
        row: dict[str, Number | str | None] = {"timestamp": " ".join(words[:stamps])} if stamps else {}
        for column, word in zip(columns[stamps:], numbers, strict=True):
            row[_FIELDS.get(column, column)] = None if word == "-" else real(word)
        found.append(row)
    return found, left_out
