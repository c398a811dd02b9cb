"""Makes untrusted text safe to print: on a line of its own, on a terminal, in JSON and XML.

File names, reports, logs and messages of tools may hold anything. :func:`visible` keeps one value on one line,
:func:`visible_lines` keeps its lines, and :func:`guarded_streams` is the last line of defence: whatever a command
prints, no control character but line ends and tabs reaches the terminal.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

__all__ = ["guarded_streams", "shortened", "unguarded", "visible", "visible_lines"]

#: Control characters (C0, DEL, C1) without tab and line feed; line separators; characters that change the direction of
#: text, so that a line looks different from what it is; halves of surrogate pairs and the two non-characters, which XML
#: forbids and no encoding can print.
_CONTROLS = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff"
)
_UNSAFE = re.compile(f"[{_CONTROLS}]")
_UNSAFE_IN_LINE = re.compile(f"[\t\n{_CONTROLS}]")


def visible(value: object) -> str:
    r"""``value`` on one line: line ends, tabs, terminal codes and the like as ``\n``, ``\t``, ``\x1b``."""
    return _UNSAFE_IN_LINE.sub(lambda match: repr(match[0])[1:-1], str(value))


def visible_lines(value: object) -> str:
    """``value`` with its line ends and tabs; everything else as :func:`visible` shows it."""
    return _UNSAFE.sub(lambda match: repr(match[0])[1:-1], str(value))


def shortened(value: object, most: int = 60) -> str:
    """``value`` as text of at most ``most`` characters, the end cut off with three dots."""
    text = str(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."


class _GuardedStream:
    """A text stream that makes control characters visible; everything else is the stream's own.

    Where the reader is gone (``kit explain | head``) the rest is dropped and the command ends as usual: its exit code
    does not depend on who reads.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        # The form of JSON: a value that json.dumps left as it is stays the same value, and the text stays JSON.
        safe = _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
        try:
            self.stream.write(safe)
        except BrokenPipeError:
            self._drop()
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except BrokenPipeError:
            self._drop()

    def _drop(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextlib.contextmanager
def guarded_streams() -> Iterator[None]:
    """Standard output and error that print no control character but line ends and tabs, while this lasts."""
    before = sys.stdout, sys.stderr
    for stream in before:
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")  # a Chinese report on a Latin-1 terminal is not a defect
    sys.stdout, sys.stderr = (_guarded(stream) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def _guarded(stream: Any) -> Any:
    """The stream with a guard, unless it has one already."""
    return stream if isinstance(stream, _GuardedStream) else _GuardedStream(stream)


def unguarded(stream: TextIO) -> TextIO:
    """The stream below the guard, for a display that draws with terminal codes of its own."""
    return stream.stream if isinstance(stream, _GuardedStream) else stream
