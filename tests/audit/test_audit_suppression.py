from __future__ import annotations

from pathlib import Path

import pytest

from kit.audit.audit import audit_text
from kit.audit.rule import rules
from kit.audit.suppression import apply_suppressions
from kit.cli import main

TABLE = """|      | 310 | 310P | 310P/310 |
|------|-----|------|----------|
| bs1  | 100.0 | 250.0 | 3.50 |
| bs4  | 200.0 | 300.0 | 2.50 |
"""


def left(text: str) -> list[tuple[str, int]]:
    result = apply_suppressions(audit_text(text, "r.md"), [rule.id for rule in rules()])
    return [(one.rule, one.line) for one in result.diagnostics]


def test_without_a_suppression_both_rows_are_wrong() -> None:
    assert left(TABLE) == [("KA012", 3), ("KA012", 4)]


def test_a_comment_alone_speaks_of_the_block_below() -> None:
    assert left("<!-- kit: ignore[KA012] quoted from elsewhere -->\n" + TABLE) == []
    assert left("<!-- kit: ignore[wrong-ratio] by its name -->\n" + TABLE) == []
    apart = TABLE.replace("| bs4", "\n| bs4")
    assert ("KA012", 3) not in left("<!-- kit: ignore[KA012] only this block -->\n" + apart)


def test_a_comment_in_a_line_speaks_of_that_line() -> None:
    line = TABLE.splitlines()
    line[2] += " <!-- kit: ignore[KA012] known -->"
    assert left("\n".join(line)) == [("KA012", 4)]


def test_a_file_can_be_left_alone() -> None:
    assert left(TABLE + "\n<!-- kit: ignore-file[KA012, KA013] an old page -->\n") == [("KA000", 6)]
    assert left(TABLE + "\n<!-- kit: ignore-file[KA012] an old page -->\n") == []


def test_what_is_suppressed_was_recognised_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = tmp_path / "r.md"
    report.write_text(TABLE + "\n<!-- kit: ignore-file[KA012] an old page -->\n")
    with pytest.raises(SystemExit) as end:
        main(["audit", "--require-statements", str(report)])
    assert end.value.code == 0
    assert "0 statements hold, none wrong, 2 suppressed, 0 not checked" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("<!-- kit: ignore[KA039] no longer -->", "it suppresses nothing: KA039"),
        ("<!-- kit: ignore[KA999] typing error -->", "there is no rule KA999"),
        ("<!-- kit: ignore[KA012] -->", "it gives no reason"),
    ],
)
def test_a_suppression_that_is_wrong_is_told(comment: str, said: str) -> None:
    result = apply_suppressions(audit_text(f"{comment}\n{TABLE}", "r.md"), [rule.id for rule in rules()])
    (own,) = [one for one in result.diagnostics if one.rule == "KA000"]
    assert said in own.message and own.line == 1 and own.severity == "optional"


def test_a_suppression_of_a_rule_that_did_not_run_may_be_needed() -> None:
    result = audit_text("<!-- kit: ignore[KA039] of another run -->\ntext\n", "r.md")
    assert apply_suppressions(result, ["KA012"]).diagnostics == ()


def test_in_a_code_fence_it_is_text() -> None:
    assert left(f"```\n<!-- kit: ignore-file[KA012] shown -->\n```\n\n{TABLE}") == [("KA012", 7), ("KA012", 8)]
