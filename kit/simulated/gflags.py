"""Command lines as gflags 2.2 reads them: ``--f=v``, ``--f v``, ``-f=v``, ``-`` and ``_`` alike, ``--nof``.

Source of the rules: gflags' ParseNewCommandLineFlags. Values are taken first, then all errors are reported together,
sorted by flag name, and the program ends with status 1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

__all__ = ["Flags", "FlagsError", "fail", "parse"]

Value = str | int | bool
TRUE = frozenset({"1", "t", "true", "y", "yes"})
FALSE = frozenset({"0", "f", "false", "n", "no"})


class FlagsError(Exception):
    """What gflags would print to stderr before it exits with 1."""


class Flags(dict[str, Value]):
    """Values by flag name (with ``_``); ``given`` holds the names that stood on the command line."""

    def __init__(self, defaults: Mapping[str, Value]) -> None:
        super().__init__(defaults)
        self.given: set[str] = set()
        self.rest: list[str] = []

    def text(self, name: str) -> str:
        return str(self[name])

    def number(self, name: str) -> int:
        value = self[name]
        if not isinstance(value, int):
            raise TypeError(name)
        return value

    def true(self, name: str) -> bool:
        return bool(self[name])


def integer(text: str) -> int | None:
    """``strtol`` of the whole text: decimal, or hexadecimal after ``0x``; leading blanks are skipped; 32 bits."""
    match = re.fullmatch(r"\s*([+-]?)(0[xX][0-9a-fA-F]+|[0-9]+)", text)
    if not match:
        return None
    digits = match.group(2)
    value = int(digits, 16) if digits[:2] in {"0x", "0X"} else int(digits, 10)
    value = -value if match.group(1) == "-" else value
    return value if -(2**31) <= value < 2**31 else None


def boolean(text: str) -> bool | None:
    low = text.lower()
    return True if low in TRUE else False if low in FALSE else None


def parse(argv: list[str], defaults: Mapping[str, Value]) -> Flags:
    """Read ``argv`` (without the program name).

    Raises:
        FlagsError: with the lines of stderr; the caller prints them and exits with 1.
    """
    flags = Flags(defaults)
    errors: dict[str, str] = {}
    index = 0
    while index < len(argv):
        word = argv[index]
        index += 1
        if not word.startswith("-") or word == "-":
            flags.rest.append(word)
            continue
        if word == "--":
            flags.rest.extend(argv[index:])
            break
        name, equals, value = (word[2:] if word.startswith("--") else word[1:]).partition("=")
        key = name.replace("-", "_")
        if key not in defaults:
            bare = key[2:]
            if key.startswith("no") and isinstance(defaults.get(bare), bool):
                if equals:
                    errors[bare] = f"ERROR: boolean value ({value}) specified for flag '--no{bare}'"
                else:
                    flags[bare] = False
                    flags.given.add(bare)
                continue
            errors[name] = f"ERROR: unknown command line flag '{name}'"
            continue
        kind = type(defaults[key])
        if not equals:
            if kind is bool:
                value = "1"
            elif index < len(argv):
                value = argv[index]
                index += 1
            else:
                errors[key] = f"ERROR: flag '{word}' is missing its argument"
                continue
        taken = boolean(value) if kind is bool else integer(value) if kind is int else value
        if taken is None:
            label = {bool: "bool", int: "int32"}.get(kind, "string")
            errors[key] = f"ERROR: illegal value '{value}' specified for {label} flag '{key}'"
            continue
        flags[key] = taken
        flags.given.add(key)
    if errors:
        raise FlagsError("\n".join(errors[name] for name in sorted(errors)))
    return flags


def fail(error: FlagsError) -> int:
    """Print the errors as gflags does; the exit status."""
    print(error, file=sys.stderr)
    return 1
