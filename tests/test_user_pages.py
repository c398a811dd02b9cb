"""The pages for each kind of user, and that of ``kit read``: their commands run, and say what stands there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from kit.cli import main
from kit.toollogs.reader import readers

PAGES = ("porting-engineers", "reviewers", "zoo-maintainers", "fleet-owners")
#: These need an engine, a card or a cluster, and other tests run them: here only their options are looked at.
ELSEWHERE = re.compile(r"kit (?:build|reproduce (?!.*--plan))")
#: Findings that depend on the machine, and a gate that judges what was measured last.
MAY_FAIL = {
    "kit doctor": {4, 5, 7, 8, 9},
    "kit worker": {4, 8},
    "kit report --recipe": {6},
    "kit audit reports --html": {6},  # the pages of deviations quote the wrong numbers of the published report
    "kit audit --format": {6},
}


def run(line: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(line)[1:])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def commands(page: Path) -> list[str]:
    return re.findall(r"^\$ (kit .*?)(?:\s+#.*)?$", page.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture(scope="module")
def project(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports and the example under version control, with two revisions."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("reports", "examples/digits"):
        shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("here", "simulated"))
    author = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    for words in (["init"], ["add", "."], ["commit", "-m", "one"], ["commit", "-m", "two", "--allow-empty"]):
        subprocess.run(["git", *author, *words], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.mark.slow  # three dozen commands
@pytest.mark.parametrize("name", PAGES)
def test_the_commands_of_a_page_run_in_their_order(
    root: Path, project: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = commands(root / "docs" / f"for-{name}.md")
    assert len(found) >= 5
    monkeypatch.chdir(project)
    monkeypatch.setenv("KIT_RUNNER", "docker")  # a plan is printed without one, too
    for line in found:
        if ELSEWHERE.match(line):
            _, helped, _ = run(f"kit {line.split()[1]} --help", capsys)
            assert all(word in helped for word in shlex.split(line) if word.startswith("--")), line
            continue
        code, out, err = run(line, capsys)
        allowed = next((codes for start, codes in MAY_FAIL.items() if line.startswith(start)), set())
        assert code in {0, *allowed}, f"{line}: {err}"
        assert out or err
        assert "Traceback" not in err


def test_the_page_of_kit_read_lists_every_reader(root: Path) -> None:
    page = (root / "docs" / "read.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([\w-]+)` \| (.*?) ?\| \S.* \|$", page, re.MULTILINE))
    assert listed == {one.family: ", ".join(f"`{name}`" for name in one.names) for one in readers()}


def test_the_log_of_the_page_is_read_as_it_shows(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (root / "docs" / "read.md").read_text(encoding="utf-8")
    shown = page.partition("$ kit read perf.txt\n")[2].partition("```")[0]
    value = dict(re.findall(r"^  (\S.*?)  +([\d.]+)", shown, re.MULTILINE))
    (tmp_path / "perf.txt").write_text(
        f"[e2e] throughputRate: {value['e2e throughputRate']}, latency: {value['e2e latency']}\n"
        + "".join(
            f"[{stage}] throughputRate: {value[f'{stage} throughputRate']}, "
            + (f"Interface throughputRate: {value['infer Interface throughputRate']}, " if stage == "infer" else "")
            + f"moduleLatency: {value[f'{stage} moduleLatency']}\n"
            for stage in ("data read", "preprocess", "infer", "post")
        )
    )
    monkeypatch.chdir(tmp_path)
    assert run("kit read perf.txt", capsys) == (0, shown, "")
