from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from kit.cli import main

WRONG = "# 报告\n\nbatch4 310单卡吞吐率：1311.7 * 4=2712.568 fps\n\nbatch8 310单卡吞吐率：1351.14 * 4=5404.56 fps\n"
SLIP = "batch4 310单卡吞吐率：479.134x4=1916.546fps\n"


def run(*args: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["audit", *args])
    code = caught.value.code
    assert isinstance(code, int)
    return code


@pytest.fixture
def wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("wrong.md").write_text(WRONG, encoding="utf-8")
    return "wrong.md"


def test_text_says_line_rule_and_reason_with_a_caret(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(wrong) == 6
    assert capsys.readouterr().out == (
        "wrong.md:3:28: major KA001 wrong-result: 1311.7 * 4 gives 5246.8, but 2712.568 is printed\n"
        "    3 | batch4 310单卡吞吐率：1311.7 * 4=2712.568 fps\n"
        "      |                                  ^^^^^^^^\n"
        "      = fix (--unsafe): 2712.568 -> 5246.800\n"
        "wrong.md: 1 statements hold, 1 major, 0 not checked\n"
    )


def test_all_prints_what_holds_too(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--all", wrong) == 6
    assert "wrong.md:5: holds KA001 arithmetic: 5404.56 (1351.14 * 4 = 5404.56)" in capsys.readouterr().out


def test_json_has_the_documented_form(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--format", "json", wrong) == 6
    (found,) = json.loads(capsys.readouterr().out)["wrong.md"]
    assert found == {
        "rule": "KA001",
        "name": "wrong-result",
        "line": 3,
        "column": 28,
        "end_column": 36,
        "kind": "arithmetic",
        "stated": "2712.568",
        "recomputed": "5246.8",
        "inputs": "1311.7, 4",
        "message": "1311.7 * 4 gives 5246.8, but 2712.568 is printed",
        "severity": "major",
        "computation": found["computation"],
        "statement": found["statement"],
        "fix": {"old": "2712.568", "new": "5246.800", "safe": False},
    }
    assert run("--format", "json", "--all", wrong) == 6
    assert [entry["severity"] for entry in json.loads(capsys.readouterr().out)["wrong.md"]] == ["major", "holds"]


def test_junit_counts_failures(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--format", "junit", wrong) == 6
    suite = ET.fromstring(capsys.readouterr().out).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert len(suite.findall("testcase")) == 2
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "KA001 wrong-result"


def test_github_annotations(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--format", "github", wrong) == 6
    assert capsys.readouterr().out == (
        "::error file=wrong.md,line=3,title=kit audit%3A KA001 wrong-result::"
        "1311.7 * 4 gives 5246.8, but 2712.568 is printed\n"
    )


def test_slips_in_the_digits_do_not_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "slip.md"
    path.write_text(SLIP, encoding="utf-8")
    assert run(str(path)) == 0
    assert "1 digits" in capsys.readouterr().out


def test_several_reports(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("right.md").write_text("nothing is stated here\n", encoding="utf-8")
    assert run("--format", "json", "right.md", wrong) == 6
    assert [len(found) for found in json.loads(capsys.readouterr().out).values()] == [0, 1]
    assert run("--format", "junit", "right.md") == 0
    assert run("--format", "github", "right.md") == 0


@pytest.mark.parametrize(("name", "code"), [("absent.md", 4), ("empty", 4), ("picture.png", 3), ("/dev/zero", 3)])
def test_what_cannot_be_read_ends_with_a_remedy(
    name: str, code: int, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("picture.png").write_bytes(b"\x89PNG\x00\xff\xfe")
    Path("empty").mkdir()
    assert run(wrong, name) == code
    said = capsys.readouterr()
    assert name == "empty" or "wrong.md:3:28: major" in said.out, "the findings of the other report are lost"
    assert "do: " in said.err
    assert "Traceback" not in said.err


_EXOTIC = ("\udcff.md", "\x1b[2J.md", "a\r::error::x\n.md", "::error file=x::y%0Az.md", "<img>.md", "\u202egnp.md")


@pytest.mark.parametrize("form", ["text", "json", "junit", "github", "gitlab", "sarif"])
def test_a_folder_of_strangers_is_audited_whole(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On all cores: names of any bytes, and reports that cannot be read among them."""
    monkeypatch.chdir(tmp_path)
    for name in (*_EXOTIC, "a.md", "b.md"):
        Path(name).write_text(WRONG, encoding="utf-8")
    Path("binary.md").write_bytes(b"\0\1\2")
    assert run("--format", form, "--html", "page.html", "--write-baseline", "known.json", ".") == 3
    out = capsys.readouterr().out
    assert not set(out) & {*map(chr, range(32)), "\u202e"} - {"\n", "\t"}
    if form in ("json", "gitlab", "sarif"):
        json.loads(out)
    assert "\n::error::x" not in out
    assert "<img" not in Path("page.html").read_text(encoding="utf-8")
    assert run("--baseline", "known.json", "a.md", *(f"./{name}" for name in _EXOTIC)) in (0, 6)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.toml", "tool = 3 # kit-audit", "not a mapping"),
        ("a.toml", "[[tool]]\nkit-audit = 5", "not a mapping"),
        ("a.toml", "[tool]\nkit-audit = 5", "not a mapping"),
        ("a.toml", "[tool.kit-audit]\n" + "a." * 100_000 + "b = 1", "more than 500 dots"),
        ("a.toml", "[tool.kit-audit]\nx = " + "[" * 9000, "nested too deep"),
        ("a.yaml", "ignore: [KA001]\nignore: []", "appears twice"),
        ("a.yaml", "select: &a [KA001]\nignore: *a", "aliases are not allowed"),
        ("a.yaml", "<<: {select: []}", "merge keys"),
        ("a.yaml", "exclude: [2022-01-02]", "read as a date"),
        ("a.yaml", "exclude: " + "{a: " * 900, "nested too deep"),
        ("a.yaml", 'baseline: "a\\0b"', "null byte"),
    ],
)
def test_settings_of_strangers_are_refused_in_a_sentence(
    name: str, text: str, words: str, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(name).write_text(text, encoding="utf-8")
    assert run("--config", name, wrong) == 3
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--html", "--write-baseline"])
@pytest.mark.parametrize("kind", ["device", "pipe", "folder", "proc"])
def test_a_device_is_not_replaced(
    option: str, kind: str, wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Root writes where it says: /dev/null would be a file for everybody."""
    place = {"device": tmp_path / "null", "folder": tmp_path, "proc": Path("/proc/self/x")}.get(kind, tmp_path / "pipe")
    if kind == "device":
        place.symlink_to("/dev/null")
    if kind == "pipe":
        os.mkfifo(place)
    before = place.lstat() if kind != "proc" else None
    assert run(option, str(place), wrong) in (3, 10)
    assert capsys.readouterr().err.startswith(f"error: {place}: ")
    if before:
        assert (place.lstat().st_mode, place.lstat().st_ino) == (before.st_mode, before.st_ino)


def test_an_index_with_odd_links(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("index.md").write_text(
        f"| model | 310 |\n|---|---|\n| [a](%00.md) | 1 |\n| [b]({'b' * 9000}.md) | 2 |\n| [c](../../x.md) | 3 |\n"
    )
    assert run("--index", "index.md", wrong) == 6
    assert "index.md: " in capsys.readouterr().out
