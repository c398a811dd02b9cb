"""What the audit gives to people, programs and CI, on reports whose texts and names are hostile."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from kit.cli import main

REPORT = """# Net

|      | 310 | 310P | 310P/310 |
|------|-----|------|----------|
| bs1  | 100.0 | 249.0 | 2.50 |
| bs4  | 200.0 | 300.0 | 2.50 |
"""


def run(*args: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["audit", *args])
    code = caught.value.code
    assert isinstance(code, int)
    return code


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders with a wrong report each, and a right one."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("a/README.md", REPORT), ("b/README.md", REPORT), ("c.md", "nothing is stated\n")):
        path = tmp_path / "models" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def out(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_folder_is_audited_whole(zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (zoo / "models" / ".hidden").mkdir()
    (zoo / "models" / ".hidden" / "x.md").write_text(REPORT)
    assert run("--format", "json", "models") == 6
    assert {name: len(found) for name, found in out(capsys).items()} == {
        "models/c.md": 0, "models/a/README.md": 2, "models/b/README.md": 2,
    }  # fmt: skip


def test_rules_are_selected_ignored_and_graded(zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--select", "KA039", "models") == 0
    assert run("--ignore", "wrong-ratio", "models") == 0
    assert run("--severity", "KA012=optional", "models") == 0
    assert run("--severity", "KA012=off", "models") == 0
    capsys.readouterr()
    for words, said in (
        (("--select", "KA999"), "there is no rule 'KA999'"),
        (("--severity", "KA012"), "is not RULE=SEVERITY"),
        (("--severity", "KA012=awful"), "severity -> KA012"),
        (("--unsafe",), "--unsafe goes with --fix"),
        (("--baseline", "absent.json"), "no such"),
        (("--config", "absent.yaml"), "no such"),
    ):
        assert run(*words, "models") in {3, 4}
        shown = capsys.readouterr().err
        assert said in shown and "do: " in shown and "Traceback" not in shown


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".kit-audit.yaml", "ignore: [KA012]\n"),
        (".kit-audit.yaml", "severity: {wrong-ratio: 'off'}\n"),
        (".kit-audit.yaml", "exclude: ['*/README.md']\n"),
        ("pyproject.toml", "[tool.kit-audit]\nignore = ['KA012']\n"),
    ],
)
def test_settings_of_the_project(zoo: Path, name: str, text: str) -> None:
    (zoo / name).write_text(text)
    assert run("models") == 0


@pytest.mark.parametrize(
    "text", ["ignore: KA012", "ignore: [KA999]", "nothing: 1", "- 1", "a: [", "severity: {KA012: bad}"]
)
def test_wrong_settings_name_their_place(zoo: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    (zoo / ".kit-audit.yaml").write_text(text)
    assert run("models") == 3
    assert ".kit-audit.yaml" in capsys.readouterr().err


def test_a_baseline_answers_for_what_is_known(zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--write-baseline", "known.json", "models") == 0
    assert run("--baseline", "known.json", "models") == 0
    path = zoo / "models" / "a" / "README.md"
    path.write_text("Words above move all lines.\n\n" + REPORT, encoding="utf-8")
    assert run("--baseline", "known.json", "models") == 0
    path.write_text(REPORT + "| bs8  | 100.0 | 300.0 | 9.00 |\n", encoding="utf-8")
    capsys.readouterr()
    assert run("--baseline", "known.json", "--format", "json", "models") == 6
    assert [one["stated"] for one in out(capsys)["models/a/README.md"]] == ["9.00"]
    (zoo / "known.json").write_text("[]")
    assert run("--baseline", "known.json", "models") == 3


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_a_pull_request_answers_for_its_lines(zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *words], cwd=zoo, check=True, capture_output=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "all")
    assert run("--diff", "HEAD", "models") == 0
    path = zoo / "models" / "a" / "README.md"
    path.write_text(REPORT + "| bs8  | 100.0 | 300.0 | 9.00 |\n", encoding="utf-8")
    new = zoo / "models" / "new.md"
    new.write_text(REPORT, encoding="utf-8")
    capsys.readouterr()
    assert run("--diff", "HEAD", "--format", "json", "models") == 6
    found = out(capsys)
    assert [one["line"] for one in found["models/a/README.md"]] == [7]
    assert len(found["models/new.md"]) == 2 and found["models/b/README.md"] == []
    for revision in ("no-such", "--output=x"):
        assert run("--diff", revision, "models") == 3
        assert "do: " in capsys.readouterr().err


def test_fixes_are_put_in_and_hold(zoo: Path) -> None:
    path = zoo / "models" / "a" / "README.md"
    path.write_bytes(b"\xef\xbb\xbf" + REPORT.replace("\n", "\r\n").encode())
    assert run("--fix", str(path)) == 6
    assert b"| 249.0 | 2.49 |\r\n" in path.read_bytes()
    assert b"| 300.0 | 2.50 |" in path.read_bytes(), "a ratio was changed without --unsafe"
    assert run("--fix", "--unsafe", str(path)) == 0
    fixed = path.read_bytes()
    assert fixed.startswith(b"\xef\xbb\xbf# Net\r\n") and b"| 300.0 | 1.50 |" in fixed
    assert run("--fix", "--unsafe", str(path)) == 0 and path.read_bytes() == fixed


def test_a_report_that_is_not_utf8_is_not_rewritten(zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = zoo / "models" / "a" / "README.md"
    path.write_bytes(("性能对比\n\n" + REPORT).encode("gb18030"))
    before = path.read_bytes()
    assert run("--fix", "--unsafe", str(path)) == 3
    assert path.read_bytes() == before and "not UTF-8" in capsys.readouterr().err


def test_sarif_has_rules_places_fingerprints_and_fixes(zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--format", "sarif", "models") == 6
    tree = out(capsys)
    assert tree["version"] == "2.1.0"
    (one_run,) = tree["runs"]
    known = one_run["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in known}) == len(known)
    results = one_run["results"]
    assert len(results) == 4
    for result in results:
        assert known[result["ruleIndex"]]["id"] == result["ruleId"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert region["startLine"] >= 1 and 1 <= region["startColumn"] < region["endColumn"]
        (change,) = result["fixes"][0]["artifactChanges"]
        assert change["replacements"][0]["deletedRegion"]["startLine"] == region["startLine"]
    prints = [result["partialFingerprints"]["statement/v1"] for result in results]
    assert len(set(prints)) == 4
    path = zoo / "models" / "a" / "README.md"
    path.write_text("One line more.\n\n" + REPORT, encoding="utf-8")
    run("--format", "sarif", "models")
    again = [one["partialFingerprints"]["statement/v1"] for one in out(capsys)["runs"][0]["results"]]
    assert again == prints


def test_gitlab_fingerprints_differ(zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--format", "gitlab", "models") == 6
    issues = out(capsys)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == 4
    assert {issue["severity"] for issue in issues} <= {"info", "minor", "major", "critical", "blocker"}
    assert issues[0]["location"] == {"path": "models/a/README.md", "lines": {"begin": 5}}


def test_hostile_names_and_texts_break_no_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    name = 'x\x1b[31m\n::error::y<&".md'
    Path(name).write_text("# N\x1b]0;t\x07\n\n" + REPORT.replace("| bs4  |", "| bs4\x1b[2J\x01 |"), encoding="utf-8")
    for form in ("text", "github", "json", "junit", "gitlab", "sarif"):
        assert run("--format", form, name) in {0, 6}
        shown = capsys.readouterr().out
        assert "\x1b" not in shown and "\x01" not in shown and "\x07" not in shown
        if form == "github":
            assert all(line.startswith("::") and line.count("::error") <= 2 for line in shown.splitlines())
            assert "\n::error::y" not in shown
        elif form == "junit":
            ET.fromstring(shown)
        elif form != "text":
            json.loads(shown)
    assert run("--html", "page.html", name) in {0, 6}
    page = Path("page.html").read_text()
    assert "\x1b" not in page and "<&" not in page.split("</style>")[1]


def test_statements_can_be_required(zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models/c.md") == 0
    assert "no derived statement was recognised" in capsys.readouterr().out
    assert run("--require-statements", "models/c.md") == 6
    assert "nothing in it was recognised" in capsys.readouterr().err


def test_one_page_over_all(zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models", "--html", "out/page.html") == 6
    page = (zoo / "out" / "page.html").read_text()
    assert page.count("<article") == 4
    assert 'href="../models/a/README.md"' in page
    assert "<b>3</b>" in page and "wrong-ratio" in page
    assert "http" not in page.replace("http-equiv", ""), "an external request"
    capsys.readouterr()


@pytest.mark.slow
def test_four_hundred_reports_do_not_take_long(zoo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(400):
        (zoo / "models" / f"r{number}.md").write_text(REPORT, encoding="utf-8")
    started = time.process_time()
    assert run("--format", "json", "models") == 6
    assert len(out(capsys)) == 403
    assert time.process_time() - started < 20  # of this process alone: the work is in others


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--explain", "ka012") == 0
    assert "KA012 wrong-ratio" in capsys.readouterr().out
    assert run("--explain", "all") == 0
    assert "KA040" in capsys.readouterr().out
    assert run("--explain", "nothing") == 3
