"""Known messages of tools, as data: what each means for the user, and what to do about it.

A vendor's tool prints ``E10016`` or ``[ERROR] aclrtSetDevice failed!``; a table of :class:`Fault` turns that into one
sentence and one remedy. Each target has its tables in a TOML file; this module only loads and searches them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kit import errors
from kit.errors import KitError

__all__ = ["Fault", "excerpt", "explain", "first_line", "load_faults"]

#: Longest part of a tool's message that is quoted: one sentence stays one sentence.
_LONGEST = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x80-\x9f]+")


@dataclass(frozen=True)
class Fault:
    """A message and its meaning.

    ``pattern`` is a regular expression, searched line by line (``re.MULTILINE``). Its groups, cleaned and shortened,
    fill ``{0}``, ``{1}``, ... of ``what`` and ``remedy``.
    """

    pattern: str
    what: str
    remedy: str
    error: type[KitError]


def load_faults(path: Path) -> dict[str, tuple[Fault, ...]]:
    """The tables of a TOML file, by name.

    An entry has the fields of :class:`Fault`; ``error`` is the name of a class of :mod:`kit.errors`, StepError by
    default, and ``remedy`` may name one of the table ``remedies``. An entry with ``codes`` stands for one fault per
    error code, which replaces ``{code}``; its meaning replaces ``{what}``.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    remedies: dict[str, str] = tables.pop("remedies", {})
    found: dict[str, tuple[Fault, ...]] = {}
    for name, entries in tables.items():
        faults = []
        for entry in entries:
            error = getattr(errors, entry.get("error", "StepError"))
            for code, (what, remedy) in entry.get("codes", {"": ("", entry.get("remedy"))}).items():
                filled = entry["what"].replace("{what}", what).replace("{code}", code)
                pattern = entry["pattern"].replace("{code}", code)
                faults.append(Fault(pattern, filled, remedies.get(remedy, remedy), error))
        found[name] = tuple(faults)
    return found


def explain(faults: Sequence[Fault], *texts: str, where: str | None = None) -> KitError | None:
    """The error of the first fault of the table (the order is the priority) that one of the texts shows."""
    for fault in faults:
        for text in texts:
            match = re.search(fault.pattern, text, re.MULTILINE)
            if match:
                parts = [excerpt(group or "") for group in match.groups()]
                return fault.error(_filled(fault.what, parts), remedy=_filled(fault.remedy, parts), where=where)
    return None


def excerpt(text: str) -> str:
    """``text`` on one line, without control characters, short enough to stand in a sentence."""
    line = _CONTROL.sub(" ", text).strip().rstrip(".")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def first_line(texts: Iterable[str], pattern: str) -> str | None:
    """The first line that holds ``pattern``, cleaned."""
    for text in texts:
        match = re.search(rf"^.*(?:{pattern}).*$", text, re.MULTILINE)
        if match:
            return excerpt(match[0])
    return None


def _filled(text: str, parts: list[str]) -> str:
    # Not str.format: a tool's message may hold braces of its own.
    for number, part in enumerate(parts):
        text = text.replace(f"{{{number}}}", part)
    return text
