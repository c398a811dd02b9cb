"""What is printed holds no code that a terminal, a workflow runner or an XML parser would obey."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.terminal import guarded_streams, visible, visible_lines

FOUL = "a\x1b[31mred\x07\x9b2J\r\n::error::b\u202ec\x00\ud800\uffff\x85\u2028d"


def test_one_value_stays_on_one_line() -> None:
    assert visible("a\nb\tc\x1b[0m") == r"a\nb\tc\x1b[0m"
    assert visible("性能 é 🙂") == "性能 é 🙂"
    assert visible(FOUL).splitlines() == [visible(FOUL)]


def test_lines_keep_their_ends() -> None:
    assert visible_lines("a\n\tb\x1b") == "a\n\tb\\x1b"


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_what_is_visible_is_printable_in_utf8(text: str) -> None:
    for shown in (visible(text), visible_lines(text)):
        shown.encode("utf-8")
        assert not any(char < " " and char not in "\n\t" for char in shown)


def test_a_guarded_stream_prints_no_code_and_json_stays_json() -> None:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), guarded_streams():
        print(json.dumps({"a": FOUL}, ensure_ascii=False))
        print(FOUL, file=sys.stderr)
        with guarded_streams():  # a command within a command
            print("\x1b", end="")
    first, rest = out.getvalue().split("\n")
    assert json.loads(first) == {"a": FOUL}
    assert rest == "\\u001b"
    assert "\x1b" not in err.getvalue()
    assert "\x9b" not in err.getvalue()


def kit(*words: str, before: str = "", after: str = "", folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run kit through a shell, whose words before and after the command make the surroundings."""
    line = f'{before} "$0" -m kit "$@" {after}'
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(
        ["bash", "-c", line, sys.executable, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=environment,
    )


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A report with a wrong product, and a name that would colour the terminal and begin an annotation."""
    path = tmp_path / "a\x1b[31m\n::error::b.md"
    path.write_text("## 7\n```\n1311.7 x 4 = 2712.568 fps\n```\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("form", ["text", "json", "junit", "github"])
def test_a_file_name_gives_no_command(wrong: Path, form: str) -> None:
    ran = kit("audit", "--format", form, str(wrong))
    assert ran.returncode == 6, ran.stderr
    assert "\x1b" not in ran.stdout + ran.stderr
    assert not any(line.lstrip().startswith("::error::b") for line in ran.stdout.splitlines())


@pytest.mark.parametrize("after", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_a_closed_stream_changes_no_exit_code(wrong: Path, after: str) -> None:
    ran = kit("audit", str(wrong), after=after)
    assert ran.returncode == 6, ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_reader_that_has_gone_changes_no_exit_code(wrong: Path) -> None:
    ran = kit("audit", str(wrong), after="| true; exit ${PIPESTATUS[0]}")
    assert (ran.returncode, ran.stderr) == (6, "")


def test_a_full_disk_behind_the_output_is_told(wrong: Path) -> None:
    ran = kit("schema", after="> /dev/full")
    assert ran.returncode == 10
    assert ran.stderr.startswith("error: the disk is full")


def test_a_removed_working_directory_is_told(tmp_path: Path) -> None:
    ran = kit("audit", "x.md", before=f"mkdir {tmp_path}/gone && cd {tmp_path}/gone && rmdir {tmp_path}/gone &&")
    assert ran.returncode == 4, ran.stderr
    assert "working directory" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_another_encoding_is_no_defect(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_text("## 性能\n```\n1311.7 x 4 = 2712.568 fps\n```\n", encoding="utf-8")
    ran = kit("audit", "--all", str(path), before="PYTHONIOENCODING=ascii")
    assert ran.returncode == 6, ran.stderr


def test_a_module_of_the_user_does_not_stand_in_for_pythons(wrong: Path, tmp_path: Path) -> None:
    for name in ("json", "decimal", "re", "traceback", "enum"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    ran = kit("audit", "--format", "json", str(wrong), before=f"PYTHONPATH=$PYTHONPATH:{tmp_path}", folder=tmp_path)
    assert ran.returncode == 6, ran.stderr + ran.stdout
