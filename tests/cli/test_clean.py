"""``kit clean``: lists and removes what dead runs left, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.cli import main
from kit.storage.store import Store


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["clean", *words])
    return int(ended.value.code or 0)


def test_leftovers_go_and_everything_else_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path / "store")
    with store.lock():
        dead = store.partial_path("ab" * 32)
        dead.mkdir(parents=True)
    unrecorded = store.artifact("cd" * 32)
    unrecorded.mkdir(parents=True)
    download = store.root / "weights" / "x" / "w.pth.part"
    download.parent.mkdir(parents=True)
    download.write_bytes(b"half")
    foreign = store.root / "mine.txt"
    foreign.write_text("mine")
    for place in ("partial", "artifacts", "records"):  # names that are not of kit's making
        (store.root / place / "mine.partial").mkdir(parents=True, exist_ok=True)
    assert run("--store", str(store.root), "--dry-run") == 0
    assert capsys.readouterr().out.splitlines() == [f"would remove {dead}", f"would remove {unrecorded}"]
    assert dead.is_dir() and unrecorded.is_dir()
    assert run("--store", str(store.root)) == 0
    assert not dead.exists() and not unrecorded.exists()
    assert download.exists() and foreign.read_text() == "mine"
    assert all((store.root / place / "mine.partial").is_dir() for place in ("partial", "artifacts", "records"))
    capsys.readouterr()
    assert run("--store", str(store.root)) == 0
    assert capsys.readouterr().out == "nothing to clean\n"


def test_without_an_engine_it_says_what_it_did_not_look_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.containers.client.available", lambda: "no engine answers")
    with Store(tmp_path).lock():
        (tmp_path / "containers").touch()
    assert run("--store", str(tmp_path)) == 0
    assert "containers were not looked for: no engine answers" in capsys.readouterr().err


def test_no_store_is_nothing_to_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--store", str(tmp_path / "nowhere")) == 0
    assert "there is no store" in capsys.readouterr().out
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("words", [(), ("--dry-run",), ("--adopt",)])
def test_a_project_is_no_store(words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "project"
    (project / "artifacts" / "cd" / "result").mkdir(parents=True)
    (project / "partial").mkdir()
    for name in ("lock", ".gitignore", "artifacts/cd/result/numbers.txt", "partial/notes.txt"):
        (project / name).write_text("precious")
    before = {path: path.is_dir() or path.read_text() for path in project.rglob("*")}
    assert run("--store", str(project), *words) == 3
    assert "this is not a store of kit" in capsys.readouterr().err
    assert {path: path.is_dir() or path.read_text() for path in project.rglob("*")} == before
