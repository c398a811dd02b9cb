"""A vendor's tools in this environment, as in a pod of their image: with their Python, and only where it is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kit.containers.local import LocalRunner
from kit.containers.runner import Binding
from kit.errors import EngineError, Exit
from kit.planning.step import Step


class Quiet:
    def progress(self, done: int, total: int, unit: str) -> None:
        pass

    def line(self, text: str) -> None:
        pass


def ran(folder: Path, argv: tuple[str, ...], code: tuple[str, ...] = ()) -> str:
    out, logs = folder / "out", folder / "logs"
    out.mkdir(exist_ok=True)
    logs.mkdir(exist_ok=True)
    step = Step("x/convert", "convert", "", "ascend", argv, (), environment={"HOME": "/tmp"}, code=code)
    outcome = LocalRunner().run(step, Binding("f", {}, out, logs, "id"), Quiet())
    assert outcome.exit_code == 0, outcome.stderr.read_text()
    return outcome.stdout.read_text()


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH with a compiler, and a Python that is not kit's."""
    for name in ("atc", "python3"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} of the vendor: $* $ASCEND_OPP_PATH $PYTHONPATH"\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("ASCEND_OPP_PATH", "/usr/local/opp")
    monkeypatch.setenv("PYTHONPATH", "/opt/vendor")
    return tmp_path


def test_nothing_is_taken_for_a_vendors_image_unless_it_is_said(tools: Path) -> None:
    assert tools.is_dir()
    with pytest.raises(EngineError, match="KIT_TOOLS does not say that they are installed here") as got:
        LocalRunner().image_id("ascend")
    assert got.value.exit_code is Exit.ENGINE


def test_they_run_in_their_own_environment_and_kits_programs_in_their_python(
    tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIT_TOOLS", "sha256:0123")
    assert ran(tools, ("atc", "--model=m")) == "atc of the vendor: --model=m /usr/local/opp /opt/vendor\n"
    told = ran(tools, ("python3", "-m", "inside.together"), code=("together",))
    assert told.startswith("python3 of the vendor: -m inside.together /usr/local/opp ")
    assert told.rstrip().endswith("/kit")


def test_the_identity_is_what_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from kit.containers.local import _environment_id

    found = []
    for said in ("sha256:0123", "sha256:4567"):
        monkeypatch.setenv("KIT_TOOLS", said)
        _environment_id.cache_clear()
        found.append(LocalRunner().image_id("ascend"))
    _environment_id.cache_clear()
    assert len(set(found)) == 2
