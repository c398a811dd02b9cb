"""Shards that have a device each run at once; the first error and an interruption end the others."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kit.containers.local import LocalRunner
from kit.errors import StepError
from kit.execution.executor import Executor
from kit.execution.progress import JsonProgress
from kit.execution.together import groups
from kit.planning.planner import Plan
from kit.planning.step import Devices, Step
from kit.storage.store import Store

#: Waits until both have begun: alone it never ends.
MEET = """\
import os, sys, time
open(sys.argv[1] + sys.argv[2], "w")
while not os.path.exists(sys.argv[1] + sys.argv[3]):
    time.sleep(0.01)
"""


def step(number: int, code: str, *words: str, lease: str | None = None) -> Step:
    return Step(
        name=f"x/infer-shard{number}of2",
        stage="infer",
        title="part",
        image="runtime",
        argv=("python3", "-c", code, *words),
        outputs=(),
        devices=Devices(leases=(lease or f"gpu{number}",)),
        shard=number,
    )


def run(folder: Path, *steps: Step) -> str:
    told = io.StringIO()
    store = Store(folder / ".kit")
    with store.lock():
        Executor(store, LocalRunner(), JsonProgress(told)).run(Plan(steps))
    return told.getvalue()


def test_neighbours_are_together_that_are_shards_with_devices_of_their_own() -> None:
    a, b, same = step(1, ""), step(2, ""), step(3, "", lease="gpu1")
    plain = Step(name="p", stage="infer", title="", image="runtime", argv=(), outputs=())
    assert list(groups([plain, a, b, same, plain])) == [[plain], [a, b], [same], [plain]]
    assert list(groups([])) == []


def test_shards_on_two_devices_run_at_once(tmp_path: Path) -> None:
    place = str(tmp_path / "begun")
    told = run(tmp_path, step(1, MEET, place, "1", "2"), step(2, MEET, place, "2", "1"))
    assert told.count('"event": "done"') == 2


def test_the_first_error_ends_the_others(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(StepError, match="shard1of2 failed with exit code 3"):
        run(tmp_path, step(1, "import sys; sys.exit(3)"), step(2, "import time; time.sleep(100)"))
    assert time.monotonic() - started < 30


def test_an_interruption_ends_all(tmp_path: Path, root: Path) -> None:
    place = tmp_path / "begun"
    code = (
        "import pathlib, sys; from tests.execution.test_together import MEET, run, step\n"
        "folder, place = pathlib.Path(sys.argv[1]), sys.argv[2]\n"
        "run(folder, step(1, MEET, place, '1', 'never'), step(2, MEET, place, '2', 'never'))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), str(place)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stderr=subprocess.PIPE,
    )
    while not (tmp_path / "begun1").exists() or not (tmp_path / "begun2").exists():
        assert child.poll() is None
        time.sleep(0.01)
    child.send_signal(signal.SIGINT)
    assert b"KeyboardInterrupt" in child.communicate(timeout=30)[1]
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(place).encode() in _read(path)]
    assert left == []


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
