"""Bytes to lines: encodings, line ends, full-width characters."""

from __future__ import annotations

import re

from kit.errors import InvalidInputError

__all__ = ["MAX_LINE", "decode", "narrowed", "normalise", "split_lines"]

#: Longer lines are data, not prose; only this much of a line is read, to bound the cost per line.
MAX_LINE = 8000

#: Runs of blanks and digits that no report has; they are shortened so that no pattern spends time on them.
_BLANKS = re.compile(r"[ \t]{33,}")
_DIGITS = re.compile(r"[0-9]{41,}")
_WIDE_COMMA_IN_NUMBER = re.compile("(?<=[０-９])，(?=[０-９])")
_ESCAPED = re.compile(r"\\([*_~#$(){}\[\]<>.!+%-])")
_LATEX = re.compile(r"\\(times|div|cdot|approx|left|right|quad|[,;!])(?![A-Za-z])")
_LATEX_SIGNS = {"times": "*", "cdot": "*", "div": "/", "approx": "="}
_FRACTION = re.compile(r"\\[dt]?frac\s?\{([^{}]{1,80})\}\s?\{([^{}]{1,80})\}")
_LATEX_TEXT = re.compile(r"\\(?:text|mathrm|mathbf|mathit|operatorname)\s?\{([^{}]{0,80})\}")
#: Operators spelt out between numbers: "35.9231 乘以 4 等于 143.6924", "254 divided by 141.5 is 1.795".
_SPELT = re.compile(
    r"(?<=[0-9)%])(\s{0,3}(?:fps|ms)?\s{0,3})(?:(乘以?|multiplied by)|(除以|divided by))\s{0,3}(?=[0-9(])",
    re.IGNORECASE,
)
_SPELT_EQUALS = re.compile(
    r"(?<=[0-9)])(\s{0,3}(?:fps|ms)?)\s{0,3}[,，]?\s{0,3}"
    r"(?:约?等于|结果约?[为是]|得到?|约?为|是|equals|(?:is|gives)(?: about)?)\s{0,3}(?=[0-9])",
    re.IGNORECASE,
)


def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    table[ord("，")] = "，"  # it separates numbers ("317.707，317.707x4") that an ASCII comma would join
    table.update(dict.fromkeys(map(ord, "×✕✖∗⨯"), "*"))
    table.update(dict.fromkeys(map(ord, "÷∕"), "/"))
    table.update(dict.fromkeys(map(ord, "–—−‐‑‒―"), "-"))
    table.update(dict.fromkeys(map(ord, "≈≒≃﹦"), "="))
    table.update({ord("﹥"): ">", ord("﹤"): "<", ord("﹪"): "%", ord("∶"): ":", ord("。"): "。"})
    table.update(dict.fromkeys([0x3000, 0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F], " "))
    table.update(dict.fromkeys([0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD, 0], None))
    return table


_WIDTH = _table()
_SAME_LENGTH = {code: text for code, text in _WIDTH.items() if text is not None}


def decode(data: bytes, where: str) -> str:
    """The text of a report in UTF-8 (with or without a byte order mark), UTF-16 with one, or GBK / GB 18030.

    Raises:
        InvalidInputError: the bytes are not text in any of these encodings.
    """
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            text = data[len(mark) :].decode(name, errors="replace")
            if "\0" not in text:  # or it is UTF-32
                return text
            break
    if b"\0" not in data:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            pass
        lenient = data.decode("utf-8", errors="replace")
        broken = lenient.count("�")
        # UTF-8 with a few damaged bytes is still UTF-8; GBK would decode nearly anything, into nonsense.
        if broken * 20 < sum(1 for char in lenient if char > "\x7f"):
            return lenient
        try:
            return data.decode("gb18030")
        except UnicodeDecodeError:
            if broken * 50 < len(lenient):
                return lenient
    raise InvalidInputError(
        "this is not text in UTF-8, UTF-16 or GBK",
        where=where,
        remedy="give the report as a Markdown file, saved as UTF-8",
    )


def split_lines(text: str) -> list[str]:
    """Lines as an editor counts them: split at LF, CRLF or CR only, without their ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def normalise(line: str) -> str:
    """A line with full-width characters as ASCII, one multiplication sign, and no escapes, bold or invisible text."""
    line = line[:MAX_LINE]
    if not line.isascii():
        line = _WIDE_COMMA_IN_NUMBER.sub(",", line).translate(_WIDTH)
    if "\\" in line:
        line = _plain_latex(line)
    if "乘" in line or "除以" in line or " by " in line:
        line, count = _SPELT.subn(lambda found: found[1] + ("*" if found[2] else "/"), line)
        line = _SPELT_EQUALS.sub(r"\1=", line) if count else line
    if "        " in line:
        line = _BLANKS.sub(" " * 32, line)
    if len(line) > 40:
        line = _DIGITS.sub("?", line)
    return line.replace("**", "") if "**" in line else line


def _plain_latex(line: str) -> str:
    """A line without escapes and LaTeX commands: a frac of 254 and 141.5 is (254)/(141.5)."""
    formula = _LATEX.search(line) or "frac" in line
    line = _FRACTION.sub(r"(\1)/(\2)", _LATEX_TEXT.sub(r"\1", line))
    line = _LATEX.sub(lambda found: _LATEX_SIGNS.get(found[1], " "), line)
    return _ESCAPED.sub(r"\1", line.replace("$", " ") if formula else line)


def narrowed(line: str) -> str:
    """A line of the same length with full-width characters as ASCII, so that positions stay the same."""
    return line if line.isascii() else line.translate(_SAME_LENGTH)
