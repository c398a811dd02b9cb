"""Reports with what lies beside them, as files: an index, two languages, results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.audit import audit_file
from kit.cli import main

TABLE = "| batch | 310P (fps) |\n| --- | --- |\n| 1 | 1743.58 |\n| 4 | 5244.27 |\n| 8 | 7196.11 |\n"
SLIPPED = TABLE.replace("5244.27", "5424.27")


def run(*args: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["audit", *args])
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, rate in (("a", "1743.58"), ("b", "920.15"), ("c", "310.77")):
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        (folder / "README.md").write_text(f"# 性能\n\nbatch1 310P单卡吞吐率：{rate} fps\n", encoding="utf-8")
    return tmp_path


def test_an_index_is_held_against_its_reports(zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = (
        "| [a](models/a) | 1743.58 |\n| [b](./models/b/README.md#top) | 902.15 |\n| [c](models/c/README.md) | 310.8 |\n"
    )
    (zoo / "README.md").write_text(f"| model | 310P (fps) |\n| --- | --- |\n{rows}", encoding="utf-8")
    assert run("--index", "README.md", "models/", "--format", "json") == 6
    found = json.loads(capsys.readouterr().out)
    assert set(found) >= {"README.md"}
    assert "920.15" in json.dumps(found["README.md"], ensure_ascii=False)
    assert [one.line for one in audit_file(zoo / "README.md", index=True).diagnostics] == [4]
    assert audit_file(zoo / "README.md").diagnostics == ()  # without --index nobody follows links


def test_links_out_of_the_folder_are_not_followed(zoo: Path) -> None:
    (zoo / "secret.md").write_text("# 性能\n\nbatch1 310P单卡吞吐率：902.15 fps\n", encoding="utf-8")
    index = zoo / "models" / "README.md"
    rows = "| [a](a/README.md) | 1743.58 |\n| [b](../secret.md) | 555.15 |\n"
    index.write_text(f"| model | 310P (fps) |\n| --- | --- |\n{rows}", encoding="utf-8")
    assert audit_file(index, index=True).diagnostics == ()


@pytest.mark.parametrize("name", ["README.en.md", "README_en.md", "README-zh.md", "README_CN.md"])
def test_two_languages_state_the_same_numbers(name: str, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(SLIPPED, encoding="utf-8")
    (tmp_path / name).write_text(TABLE, encoding="utf-8")
    (found,) = audit_file(tmp_path / "README.md").diagnostics
    assert (found.rule, found.line, found.stated, found.recomputed) == ("KA042", 4, "5424.27", "5244.27")
    (tmp_path / "README.md").write_text(TABLE, encoding="utf-8")
    assert audit_file(tmp_path / "README.md").diagnostics == ()


def test_another_report_of_the_folder_is_no_other_language(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(SLIPPED, encoding="utf-8")
    (tmp_path / "training.md").write_text(TABLE, encoding="utf-8")
    assert audit_file(tmp_path / "README.md").diagnostics == ()


@pytest.mark.parametrize("place", ["results/310P.json", "results.json"])
def test_results_beside_a_report_are_what_was_measured(place: str, tmp_path: Path) -> None:
    rates = [{"batch": batch, "rate": rate} for batch, rate in ((1, 1743.58), (4, 5244.27), (8, 7196.112))]
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"target": "310P", "throughput": rates}), encoding="utf-8")
    report = tmp_path / "README.md"
    report.write_text(SLIPPED, encoding="utf-8")
    (found,) = audit_file(report).diagnostics
    assert (found.rule, found.line) == ("KA043", 4)
    report.write_text(TABLE, encoding="utf-8")
    assert audit_file(report).diagnostics == ()
    path.write_text("{" * 5000, encoding="utf-8")
    assert audit_file(report).diagnostics == ()
