"""A digest has a digit too many or too few, or differs from another in the report by a digit or two.

Nobody can verify a download with it.
"""

from __future__ import annotations

import re

from kit.audit.rule import Facts, Held, Kind, Outcomes, Rule, Wrong

__all__ = ["RULE"]

_HEX = re.compile(
    r"(?<![0-9a-z])(?=[0-9a-f]{0,140}[0-9])(?=[0-9]{0,140}[a-f])[0-9a-f]{30,132}(?![0-9a-z…]|\.\.)", re.IGNORECASE
)
#: The number of hexadecimal digits of each kind, which the line or the header of the table must name.
_LENGTHS = tuple(
    (length, re.compile(name, re.IGNORECASE))
    for length, name in ((32, "md5"), (40, "sha-?1(?![0-9])"), (64, "sha-?256"), (128, "sha-?512"))
)
#: A digest that is shorter by more was shortened on purpose.
_SLACK = 2
#: Two digests that differ in so few digits were meant to be the same.
_FEW = 2
_PIECES = 4
#: How many different digits tell a digest from an address or a mask.
_VARIED = 10
_NAMED = re.compile(r"md5|sha-?(?:1|256|512)|digest|checksum|摘要|校验", re.IGNORECASE)


def _check(facts: Facts) -> Outcomes:
    headers = {row.line: table.header for table in facts.document.tables for row in table.rows}
    known: dict[tuple[int, int, str], str] = {}
    for line, content in enumerate(facts.document.lines, start=1):
        for match in _HEX.finditer(content):
            digest, size = match[0].lower(), len(match[0])
            names = " ".join(headers[line].cells if line in headers else ()) + content[: match.start()]
            if len(set(digest)) < _VARIED or not _NAMED.search(names):
                continue
            meant = next((one for one, name in _LENGTHS if 0 < abs(one - size) <= _SLACK and name.search(names)), None)
            if meant is not None:
                message = f"a digest of {meant} hexadecimal digits is printed with {size}"
                yield Wrong(line, match[0], f"{meant} digits", str(size), message, start=match.start())
                continue
            step = size // _PIECES
            keys = [(size, place, digest[place * step : (place + 1) * step]) for place in range(_PIECES)]
            other = next((known[key] for key in keys if key in known and _alike(known[key], digest)), None)
            for key in keys:
                known.setdefault(key, digest)
            if other is not None and other != digest:
                message = f"this digest differs in a digit or two from {other}, which is printed before"
                yield Wrong(line, match[0], other, other, message, start=match.start())
            elif other is not None:
                yield Held(line, match[0], other, "as printed before")


def _alike(one: str, other: str) -> bool:
    return sum(left != right for left, right in zip(one, other, strict=True)) <= _FEW


RULE = Rule(
    kind=Kind.CLAIM,
    bad="""\
The SHA-256 of net.onnx is 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08.

| file | sha256 |
| --- | --- |
| net.onnx | 9f86d081884c7d659a2feaa0c55ad051a3bf4f1b2b0b822cd15d6c15b0f00a08 |
""",
    corrections={"55ad051": "55ad015"},
    check=_check,
)
