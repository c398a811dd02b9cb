from __future__ import annotations

import pytest

from kit.audit import audit_text
from kit.audit.facts.encoding import MAX_LINE, decode, normalise, split_lines
from kit.errors import InvalidInputError

REPORT = "## 7 性能对比\n\nbatch4 310单卡吞吐率：1311.7 * 4=2712.568 fps\n"


@pytest.mark.parametrize(
    "data",
    [
        REPORT.encode(),
        b"\xef\xbb\xbf" + REPORT.encode(),
        REPORT.encode("gbk"),
        REPORT.encode("gb18030"),
        REPORT.replace("\n", "\r\n").encode(),
        REPORT.replace("\n", "\r").encode(),
        REPORT.encode("utf-16"),
        b"\xfe\xff" + REPORT.encode("utf-16-be"),
        REPORT.encode() + "说明".encode() * 30 + b"\xff" + "尾".encode()[:2],  # damaged, but still UTF-8
    ],
    ids=["utf-8", "bom", "gbk", "gb18030", "crlf", "cr", "utf-16-le", "utf-16-be", "damaged"],
)
def test_encodings_and_line_ends_lead_to_the_same_finding(data: bytes) -> None:
    (finding,) = audit_text(decode(data, "report.md")).diagnostics
    assert (finding.line, finding.kind, finding.stated, finding.recomputed) == (3, "arithmetic", "2712.568", "5246.8")


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02PNG\x00",
        b"\x89PNG\r\n\x1a\n\xff\xff\xff\x81\x00",
        b"\x80\xff\x80\xff" * 50,
        REPORT.encode("utf-32"),
    ],
)
def test_what_is_no_text_is_refused_with_a_remedy(data: bytes) -> None:
    with pytest.raises(InvalidInputError) as caught:
        decode(data, "picture.png")
    assert caught.value.where == "picture.png"
    assert "UTF-8" in caught.value.remedy


def test_lines_are_those_of_an_editor() -> None:
    assert split_lines("a\x0cb\u2028c\r\nd\re") == ["a\x0cb\u2028c", "d", "e"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("１３１１．７ × ４＝５２４６．８", "1311.7 * 4=5246.8"),
        ("１，０８３．８４８", "1,083.848"),
        ("317.707，317.707x4", "317.707，317.707x4"),
        ("a\u200bb\u00a0c\u3000d", "ab c d"),
        (r"678.142 \* 4 \| 1", r"678.142 * 4 \| 1"),
    ],
)
def test_width_and_escapes(written: str, read: str) -> None:
    assert normalise(written) == read


def test_endless_lines_are_cut() -> None:
    assert len(normalise("x" * 10_000_000)) == MAX_LINE
