"""Command lines as gflags 2.2 reads them: ``--f=v``, ``--f v``, ``-f=v``, and ``-`` and ``_`` alike in a name.

Source of the rules: gflags' ParseNewCommandLineFlags. All values are read first, then all errors are reported together,
sorted by flag name, and the program ends with status 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["Flags", "FlagsError", "parse"]

Value = str | int | bool
_BOOLEANS = {"1": True, "t": True, "true": True, "y": True, "yes": True} | {
    "0": False, "f": False, "false": False, "n": False, "no": False,
}  # fmt: skip


class FlagsError(Exception):
    """The lines that gflags prints to stderr before it exits with 1."""


class Flags(dict[str, Value]):
    """Values by flag name (with ``_``); ``given`` holds the names that were on the command line."""

    def __init__(self, defaults: Mapping[str, Value]) -> None:
        super().__init__(defaults)
        self.given: set[str] = set()

    def text(self, name: str) -> str:
        return str(self[name])

    def number(self, name: str) -> int:
        value = self[name]
        if not isinstance(value, int):
            raise TypeError(name)
        return value


def integer(text: str) -> int | None:
    """A decimal number of 32 bits."""
    match = re.fullmatch(r"\s*[+-]?[0-9]{1,10}", text)
    return int(text) if match and -(2**31) <= int(text) < 2**31 else None


def parse(argv: list[str], defaults: Mapping[str, Value]) -> Flags:
    """Read ``argv`` (without the program name); words that are not flags are ignored.

    Raises:
        FlagsError: the caller prints it and exits with 1.
    """
    flags = Flags(defaults)
    errors: dict[str, str] = {}
    words = iter(argv)
    for word in words:
        if not word.startswith("-") or word == "-":
            continue
        name, equals, text = (word[2:] if word.startswith("--") else word[1:]).partition("=")
        key = name.replace("-", "_")
        if key not in defaults:
            errors[name] = f"ERROR: unknown command line flag '{name}'"
            continue
        kind = type(defaults[key])
        value = text if equals else "1" if kind is bool else next(words, None)
        if value is None:
            errors[key] = f"ERROR: flag '{word}' is missing its argument"
            continue
        taken = _BOOLEANS.get(value.lower()) if kind is bool else integer(value) if kind is int else value
        if taken is None:
            label = "bool" if kind is bool else "int32"
            errors[key] = f"ERROR: illegal value '{value}' specified for {label} flag '{key}'"
            continue
        flags[key] = taken
        flags.given.add(key)
    if errors:
        raise FlagsError("\n".join(errors[name] for name in sorted(errors)))
    return flags
