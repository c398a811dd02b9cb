"""``nvidia-smi dmon`` and ``pmon``: a row for every GPU or process and second, in the columns that the heading names.

It is the trace that NVIDIA advises to keep next to a measurement. A minus means that the board does not have the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kit.targets.tensorrt.readers.nvidia_gpus import GpuProcess
from kit.toollogs.numbers import Number, integer, real

__all__ = ["is_process_trace", "is_trace", "process_samples", "samples"]

#: Columns, by the field names of ``--query-gpu``; others keep their own name.
_FIELDS = {
    "gpu": "index", "pwr": "power.draw", "gtemp": "temperature.gpu", "mtemp": "temperature.memory",
    "sm": "utilization.gpu", "mem": "utilization.memory", "enc": "utilization.encoder", "dec": "utilization.decoder",
    "mclk": "clocks.current.memory", "pclk": "clocks.current.sm", "fb": "memory.used",
}  # fmt: skip
_HEADING = re.compile(r"^[ \t]*#[ \t]*((?:(?:Date|Time)[ \t]+)*gpu(?:[ \t]+(?!pid\b)[a-z0-9]+)+)[ \t]*\n", re.MULTILINE)
_PROCESSES = re.compile(
    r"^[ \t]*#[ \t]*((?:(?:Date|Time)[ \t]+)*gpu[ \t]+pid[ \t]+type(?:[ \t]+[a-z0-9]+)*[ \t]+command)[ \t]*\n",
    re.MULTILINE,
)
_OWN = ("Date", "Time", "gpu", "pid", "type", "command")
_WORD = re.compile(r"\d+(?:\.\d+)?\Z")


def is_trace(text: str) -> bool:
    """Whether the text is of ``dmon``; ``pmon`` has a column for processes."""
    return _HEADING.search(text) is not None


def is_process_trace(text: str) -> bool:
    """Whether the text is of ``pmon``."""
    return _PROCESSES.search(text) is not None


def _rows(text: str, heading: re.Pattern[str]) -> Iterator[tuple[list[str], list[str], bool]]:
    """The columns and words of every row below such a heading, and whether its line has an end."""
    columns: list[str] = []
    for raw in text.splitlines(keepends=True):
        if found := heading.match(raw):
            columns = found[1].split()
        words = raw.split()
        if columns and words and words[0][0].isdigit():
            yield columns, words, raw.endswith("\n")


def process_samples(text: str) -> tuple[list[GpuProcess], int]:
    """The processes of every row, and how many rows were left out because they are cut or cannot be read."""
    found: list[GpuProcess] = []
    left_out = 0
    for columns, words, whole in _rows(text, _PROCESSES):
        # The command comes last and may hold blanks.
        words[len(columns) - 1 :] = [" ".join(words[len(columns) - 1 :])]
        row = dict(zip(columns, words, strict=False))
        gpu, pid = integer(row.get("gpu", "")), integer(row.get("pid", ""))
        if len(words) != len(columns) or not whole or gpu is None or (pid is None and row["pid"] != "-"):
            left_out += 1
            continue
        if pid is not None:
            use = {key: real(word) for key, word in row.items() if key not in _OWN and word != "-"}
            stamp = {"timestamp": " ".join(row[key] for key in ("Date", "Time") if key in row)} if "Time" in row else {}
            kind = None if row["type"] == "-" else row["type"]
            found.append(GpuProcess(pid, row["command"], gpu=gpu, type=kind, use={**stamp, **use}))
    return found, left_out


def samples(text: str) -> tuple[list[dict[str, Number | str | None]], int]:
    """The rows in their order, and how many were left out because they are cut or no numbers."""
    found: list[dict[str, Number | str | None]] = []
    left_out = 0
    for columns, words, whole in _rows(text, _HEADING):
        stamps = sum(column in ("Date", "Time") for column in columns)
        numbers = words[stamps:]
        if len(words) != len(columns) or not whole or not all(w == "-" or _WORD.match(w) for w in numbers):
            left_out += 1
            continue
        row: dict[str, Number | str | None] = {"timestamp": " ".join(words[:stamps])} if stamps else {}
        for column, word in zip(columns[stamps:], numbers, strict=True):
            row[_FIELDS.get(column, column)] = None if word == "-" else real(word)
        found.append(row)
    return found, left_out
