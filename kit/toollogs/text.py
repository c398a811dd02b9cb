"""The text of a log: bytes to characters, odd characters to plain ones, and numbers that are certainly complete.

Every reader builds on these functions, so that byte-order marks, GBK files, colours and full-width commas are handled
once. A number is used only when it cannot have been cut off: something other than a number must follow it.
"""

from __future__ import annotations

import codecs
import math
import re

from kit.errors import DamagedError

__all__ = ["NUMBER", "clean", "decode", "lines", "narrow", "one_line", "short", "six_digits", "spread", "table_row"]

#: A number as C++ streams, printf and Python print it, as a regular expression without groups. Possessive, so that a
#: longer number is never read as a shorter one. What follows must exist and must not continue a number: neither the end
#: of the text (``4.70`` may have been ``4.70194``), nor a bare exponent (``1.2e+``), a second point, or digits. None of
#: the tools leaves out the zero before a point: ``.5`` has lost its first digit. A comma, blank or apostrophe with
#: digits after it may be a decimal comma (``3,11289``) or part thousands (``1 234.5``), and ``1.2k`` is not 1.2: both
#: are refused. Only ``382.3,382.3x4`` is clear: what has a point and precedes another number with a point is whole.
NUMBER = (
    r"(?<![\w.])[-+]?+(?:\d++\.\d++(?:[eE][-+]?+\d++)?+(?!,\d++(?!\.\d))|\d++(?:[eE][-+]?+\d++)?+(?!,\d))"
    r"(?![\d.]|[eE](?:[-+\s]|\Z)|[ '\u2019_]\d{3}(?!\d)|[kKMG]\b)(?=[\s\S])"
)

# A page or ``cat -v`` may have lost the escape character; no tool prints the rest of the sequence by itself.
_COLOUR = re.compile(r"\^\[\[(?:\d{1,3}(?:;\d{1,3})*)?[mK]|\[\d{1,3}(?:;\d{1,3})*m(?!\])")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_NEWLINE = re.compile(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_DROPPED = dict.fromkeys([0xFEFF, 0x200B, 0x200C, 0x200D, 0x2060, 0x08, 0x07])
# Full-width forms of ASCII, and the blanks and dashes of word processors.
_NARROW = (
    {0xFF01 + i: 0x21 + i for i in range(94)}
    | dict.fromkeys([0x3000, 0x00A0, 0x2002, 0x2003, 0x2009, 0x202F], " ")
    | dict.fromkeys([0x2212], "-")
    | {0x3001: ",", 0x3010: "[", 0x3011: "]"}
)
_CONTROL = re.compile(r"[\x00-\x06\x0e-\x1a\x7f]")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decode(data: bytes, where: str) -> str:
    """The characters of a log: UTF-8, UTF-16 with or without its mark, or GBK.

    Raises:
        DamagedError: the bytes are empty or are not text.
    """
    if not data.strip(b"\x00 \t\r\n"):
        raise DamagedError("the file is empty", where=where, remedy="give the output of the tool: run it again with >")
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _checked(data.removeprefix(mark) if name == "utf-8" else data, name, where)
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        # Logs are nearly all ASCII, so without the mark every other byte is zero.
        if len(data) % 2 == 0 and data[first::2].count(0) * 10 >= len(data[first::2]) * 7:
            return _checked(data, name, where)
    try:
        return _checked(data, "utf-8", where, errors="strict")
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 3:  # a character cut in two by the end of the file
            return _checked(data[: error.start], "utf-8", where)
    return _checked(data, "gb18030", where)


def _checked(data: bytes, name: str, where: str, errors: str = "replace") -> str:
    text = data.decode(name, errors=errors)
    plain = _ANSI.sub("", text)
    if len(_CONTROL.findall(plain)) * 50 > len(plain) or plain.count("\ufffd") * 10 > len(plain):
        raise DamagedError("the file is binary, not a log", where=where, remedy="give the text that the tool printed")
    return text


def clean(text: str) -> str:
    """The text without colours, byte-order marks and carriage returns, otherwise unchanged."""
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    text = _COLOUR.sub("", text)
    return _NEWLINE.sub("\n", text).translate(_DROPPED)


def narrow(text: str) -> str:
    """The same text with full-width letters, digits and punctuation as ASCII; its length does not change."""
    return text if text.isascii() else text.translate(_NARROW)


def lines(text: str) -> list[str]:
    """The lines of :func:`clean` text, each with its line end: a last line without one may be cut."""
    return clean(text).splitlines(keepends=True)


def one_line(text: str, most: int = 2000) -> str:
    """A tool's message as kit quotes it: on one line, without control characters."""
    line = " ".join(_CONTROL.sub(" ", text).split())
    return line if len(line) <= most else line[: most - 1] + "\u2026"


def short(line: str) -> str:
    """A line as messages quote it: stripped, 60 characters at most."""
    return line.strip()[:60]


def table_row(line: str) -> list[str]:
    """The stripped columns of a table row; empty where the line is not a whole row."""
    body = line.strip().lstrip("#>* ")
    return [part.strip() for part in body[1:-1].split("|")] if len(body) > 2 and body[0] == body[-1] == "|" else []


def six_digits(value: float) -> bool:
    """Whether a C++ stream with its default of six significant digits can print this number."""
    return float(f"{value:.6g}") == float(value)


def spread(value: float) -> float:
    """The rounding error of a number printed with six significant digits."""
    return 0.5 * 10.0 ** (math.floor(math.log10(abs(value))) - 5) if value else 0.0
