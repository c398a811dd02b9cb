from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import time

import pytest

from kit.errors import StepError
from kit.execution.progress import JsonProgress, LiveProgress, PlainProgress, Progress, choose
from kit.planning.step import Step

STEPS = [
    Step(name=name, stage="infer", title=f"title of {name}", image="runtime", argv=(), outputs=(), simulated=simulated)
    for name, simulated in (("first", False), ("second", True), ("third", False))
]


def play(progress: Progress, pause: float = 0) -> None:
    progress.plan(STEPS)
    progress.cached(STEPS[0])
    progress.start(STEPS[1])
    progress.progress(3, 10, "images")
    time.sleep(pause)
    progress.line("a line of the program")
    progress.done(STEPS[1], 1.25)
    progress.start(STEPS[2], "build image")
    progress.failed(STEPS[2], StepError("it broke", remedy="mend it"))
    progress.close()


def test_plain_lines_are_for_logs() -> None:
    stream = io.StringIO()
    play(PlainProgress(stream))
    lines = [" ".join(line.split()) for line in stream.getvalue().splitlines()]
    assert lines == [
        "[1/3] first title of first unchanged",
        "[2/3] second title of second 1.2 s SIMULATED",
        "[3/3] third title of third FAILED",
    ]


def test_verbose_shows_what_the_programs_say() -> None:
    stream = io.StringIO()
    play(PlainProgress(stream, verbose=True))
    assert "a line of the program\n" in stream.getvalue()
    assert "--- third: build image\n" in stream.getvalue()


def test_json_is_one_object_per_line() -> None:
    stream = io.StringIO()
    play(JsonProgress(stream))
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [one["event"] for one in events] == ["plan", "unchanged", "start", "progress", "done", "start", "failed"]
    assert events[3] == {"event": "progress", "step": "second", "done": 3, "total": 10, "unit": "images"}
    assert events[4]["simulated"] is True
    assert events[6]["error"] == "it broke"


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), SystemExit(143)])
def test_an_interruption_is_no_failure(stop: BaseException) -> None:
    stream = io.StringIO()
    progress = PlainProgress(stream)
    progress.plan(STEPS)
    progress.failed(STEPS[0], stop)
    assert "interrupted" in stream.getvalue()


def test_on_a_terminal_the_list_is_live(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as terminal:
        progress = choose(as_json=False, verbose=False, stream=terminal)
        assert isinstance(progress, LiveProgress)
        play(progress, pause=0.4)  # longer than the list's refresh
        terminal.flush()
        monkeypatch.setenv("CI", "true")
        assert isinstance(choose(as_json=False, verbose=False, stream=terminal), PlainProgress)
    shown = ""
    with contextlib.suppress(OSError):  # how a terminal says that there is no more
        while part := os.read(master, 1 << 20):  # one read gives some kilobytes at the most
            shown += part.decode()
    os.close(master)
    for word in ("first", "unchanged", "3/10 images", "SIMULATED", "1.2 s", "failed"):
        assert word in shown
