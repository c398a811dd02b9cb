"""Text of users in Markdown stays text."""

from __future__ import annotations

import pytest

from kit.reports.escaping import escape, fence, link, slug


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("spnasnet_100", "spnasnet_100"),
        ("a_ _b", "a\\_ \\_b"),
        ("a|b", "a\\|b"),
        ("<b>", "\\<b>"),
        ("- item", "\\- item"),
        ("12. item", "12\\. item"),
        ("3.7", "3.7"),
        ("# x", "\\# x"),
        ("a\r\nb", "a b"),
        ("&amp;", "\\&amp;"),
        ("AT&T 5", "AT\\&T 5"),
    ],
)
def test_escape(text: str, wanted: str) -> None:
    assert escape(text) == wanted


def test_links_and_fences() -> None:
    assert link("a]b", "https://h/(x) y") == "[a\\]b](https://h/%28x%29%20y)"
    assert link("a", "javascript:x") == "a (`javascript:x`)"
    assert link("a", None) == "a"
    assert fence(["a", "```", "b"]) == "````\na\n```\nb\n````"
    assert slug("6.1 310离线推理TopN精度统计") == "61-310离线推理topn精度统计"
    taken: dict[str, int] = {}
    assert [slug("A b", taken), slug("a B", taken)] == ["a-b", "a-b-1"]
