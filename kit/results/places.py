"""Places in outputs: finding a value's place when it is read, and reading the value again at that place.

``json`` takes a key such as ``repeats[0].rate``, or the number of values at a key, ``len(repeats)``; ``text`` takes
``line 4, columns 32-38``; ``csv`` takes ``line 1, field 10``; ``record`` a key of the step's record. Any other name is
that of a reader of ``kit read``, which has its own function for what it computes from a whole file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from kit.errors import DamagedError
from kit.results.evidence import Evidence, field_parts

__all__ = ["context_of", "find", "read_again", "same"]

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_COLUMNS = re.compile(r"line (\d{1,9}), columns (\d{1,9})-(\d{1,9})")
_FIELD = re.compile(r"line (\d{1,9}), field (\d{1,9})")
_COUNTED = re.compile(r"len\((.+)\)")
_SHOWN = 300


def read_again(data: bytes, evidence: Evidence) -> Any:
    """The raw value at the place that the evidence names, in the bytes of its file: a number, or the text of one.

    Raises:
        DamagedError: there is no such place in these bytes, or the reader is not known.
    """
    try:
        return _reader(evidence.reader)(data, evidence.place)
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise DamagedError(
            f"there is no {evidence.place or 'place'} for reader {evidence.reader}",
            where=f"{evidence.step}/{evidence.file}",
            remedy="run `kit reproduce` again",
        ) from error


def _reader(name: str) -> Callable[[bytes, str], Any]:
    known: dict[str, Callable[[bytes, str], Any]] = {"json": _json, "record": _json, "text": _text, "csv": _csv}
    if name in known:
        return known[name]
    from kit.toollogs.reader import readers

    for reader in readers():
        if reader.family == name and reader.again is not None:
            again = reader.again
            return lambda data, place: again(data.decode("utf-8", "replace"), place)
    raise ValueError(f"no reader {name}")


@lru_cache(maxsize=8)
def _tree(data: bytes) -> Any:
    """Parsed once for the hundreds of values that one file holds; a record's last line is its own digest."""
    return json.loads(data.split(b"\nsha256 ")[0])


def _json(data: bytes, place: str) -> Any:
    tree = _tree(data)
    counted = _COUNTED.fullmatch(place)
    if not place:
        raise ValueError(place)
    for part in field_parts(counted[1] if counted else place):
        tree = tree[part]
    return len(tree) if counted else tree


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")


def _text(data: bytes, place: str) -> str:
    match = _COLUMNS.fullmatch(place)
    if match is None:
        raise ValueError(place)
    line, first, last = (int(number) for number in match.groups())
    if not 0 < first <= last:
        raise ValueError(place)
    return _lines(data)[line - 1][first - 1 : last]


def _csv(data: bytes, place: str) -> str:
    match = _FIELD.fullmatch(place)
    if match is None:
        raise ValueError(place)
    return _lines(data)[int(match[1]) - 1].split(",")[int(match[2]) - 1].strip()


def find(text: str, value: object, *words: str, start: int = 0) -> str:
    """The place of a value in a text: ``line L, columns A-B``, both counted from 1.

    Args:
        text: the text.
        value: a number, or the very characters.
        words: what comes before it in its line, in this order.
        start: lines to skip.

    Returns:
        the place in the first line that has the words and then the value; empty where no line has them.
    """
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n")[start:], start + 1):
        end = 0
        for word in words:
            at = line.find(word, end)
            if at < 0:
                break
            end = at + len(word)
        else:
            span = _span(line, value, end)
            if span:
                return f"line {number}, columns {span[0] + 1}-{span[1]}"
    return ""


def _span(line: str, value: object, start: int) -> tuple[int, int] | None:
    if isinstance(value, str):
        at = line.find(value, start)
        return (at, at + len(value)) if at >= 0 and value else None
    for match in _NUMBER.finditer(line, start):
        if same(value, match[0]):
            return match.span()
    return None


def same(value: object, again: object) -> bool:
    """Whether what was read again is the value: the same number, or the same text."""
    if isinstance(value, bool) or isinstance(again, bool) or value is None:
        return value is again
    try:
        return float(value) == float(again)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return str(value) == str(again)


def context_of(data: bytes, evidence: Evidence) -> str:
    """What a person sees at the place: the line, or the key with its value."""
    match = re.match(r"line (\d{1,9})\b", evidence.place)
    if match and evidence.reader in {"text", "csv"}:
        lines = _lines(data)
        line = lines[int(match[1]) - 1] if int(match[1]) <= len(lines) else ""
        return line.strip()[:_SHOWN]
    return f"{evidence.place}: {json.dumps(read_again(data, evidence), ensure_ascii=False)}"[:_SHOWN]
