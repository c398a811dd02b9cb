"""The pool of workers: order, errors that arrive, and processes really killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from kit.inside.pool import Pool
from kit.inside.protocol import UserError

pytestmark = pytest.mark.slow

KIT = Path(__file__).parents[2] / "kit"
SMALL = '{"resize": [36, 36], "crop": [32, 32]}'


def many(images: Path, folder: Path, count: int) -> None:
    """`count` names of one large photograph."""
    folder.mkdir()
    source = folder / "source.png"
    Image.open(images / "image_01.jpg").resize((1500, 1200)).save(source, compress_level=1)
    for number in range(count):
        (folder / f"{number:05d}.png").hardlink_to(source)


def start(folder: Path, out: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "inside.preprocess", "--images", str(folder), "--preprocess", SMALL, "--out", str(out)],
        env={"PYTHONPATH": str(KIT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("@kit ")  # the first progress: all workers are at work
    return process


def alive(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            if state != "Z":
                found.append(pid)
    return found


def children(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_gone(pids: list[int], seconds: float) -> list[int]:
    end = time.monotonic() + seconds
    while (left := alive(pids)) and time.monotonic() < end:
        time.sleep(0.01)
    return left


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_all_workers_at_once(images: Path, tmp_path: Path, number: signal.Signals) -> None:
    many(images, tmp_path / "many", 400)
    with start(tmp_path / "many", tmp_path / "out") as process:
        workers = children(process.pid)
        assert workers
        begun = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert time.monotonic() - begun < 2  # half a second, and patience with a busy machine
        assert process.returncode == 128 + number
        assert wait_gone(workers, 1) == []
        assert err == ""


def test_workers_of_a_killed_parent_go(images: Path, tmp_path: Path) -> None:
    many(images, tmp_path / "many", 400)
    with start(tmp_path / "many", tmp_path / "out") as process:
        workers = children(process.pid)
        process.kill()
        assert wait_gone(workers, 10) == []


def test_killed_worker_is_told(images: Path, tmp_path: Path) -> None:
    many(images, tmp_path / "many", 400)
    with start(tmp_path / "many", tmp_path / "out") as process:
        workers = [pid for pid in children(process.pid) if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]
        os.kill(workers[0], signal.SIGKILL)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 64, err
        assert "a worker process ended by signal 9" in out
        assert wait_gone(workers, 1) == []


def _setup(fault: str) -> Callable[[int], int]:
    if fault == "setup":
        raise UserError("cannot start", "Try again.")

    def work(task: int) -> int:
        if task == 5 and fault == "exit":
            os._exit(3)
        if task == 5 and fault == "defect":
            raise ZeroDivisionError
        if task == 5 and fault == "full":
            raise OSError(28, "No space left on device", "a.bin")
        time.sleep(0.01 * (task % 3))
        return task * task

    return work


def test_results_come_in_order_and_no_more_than_the_window_is_taken() -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for number in range(40):
            taken.append(number)
            yield number

    with Pool(3, _setup, "") as pool:
        for number, square in enumerate(pool.map(tasks(), window=7)):
            assert square == number**2
            assert len(taken) <= number + 7 + 1
    assert len(taken) == 40


@pytest.mark.parametrize(
    ("fault", "error", "what"),
    [
        ("setup", UserError, "cannot start"),
        ("exit", UserError, "ended with exit code 3"),
        ("defect", RuntimeError, "ZeroDivisionError"),
        ("full", OSError, "No space left"),
    ],
)
def test_errors_of_workers_arrive(fault: str, error: type[Exception], what: str) -> None:
    with pytest.raises(error, match=what), Pool(2, _setup, fault) as pool:
        list(pool.map(range(20), window=8))
