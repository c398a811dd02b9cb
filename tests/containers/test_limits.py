"""A program without end is stopped by both runners: by time, by silence, by what it prints, by memory."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from kit.containers import watch
from kit.containers.local import LocalRunner
from kit.containers.memory import resident_bytes
from kit.containers.runner import Runner
from kit.errors import InvalidInputError, StepError
from kit.planning.step import Limits
from tests.containers.test_contract import Heard, binding, step


@pytest.fixture(params=["local", pytest.param("docker", marks=pytest.mark.docker)])
def runner(request: pytest.FixtureRequest, tmp_path: Path) -> Runner:
    if request.param == "local":
        return LocalRunner()
    from kit.containers.docker import DockerRunner
    from tests.containers.test_contract import OneImage

    client = request.getfixturevalue("engine")
    return DockerRunner(OneImage(client.images.get("kit-base:bookworm").id), tmp_path)  # type: ignore[arg-type]


ENDLESS = {
    "silent loop": "while True: pass",
    "sleep": "import time; time.sleep(1000)",
    "closed streams": "import os, time; os.close(1); os.close(2); time.sleep(1000)",
    "children": "import os, time; os.fork(); os.fork(); time.sleep(1000)",
}


@pytest.mark.slow
@pytest.mark.parametrize("program", ENDLESS.values(), ids=ENDLESS)
def test_silence_ends_a_program_of_kit(program: str, runner: Runner, tmp_path: Path) -> None:
    one = step(program, code=("metrics",), limits=Limits(silence_s=1))
    started = time.monotonic()
    with pytest.raises(StepError, match="it said nothing for 1 s") as caught:
        runner.run(one, binding(tmp_path, runner), Heard())
    assert "KIT_STEP_SILENCE" in caught.value.remedy
    assert time.monotonic() - started < 60


@pytest.mark.slow
def test_time_ends_a_program_that_goes_on_talking(runner: Runner, tmp_path: Path) -> None:
    program = "import time\nwhile True:\n    print('still', flush=True)\n    time.sleep(0.1)"
    one = step(program, code=("metrics",), limits=Limits(seconds=1, silence_s=600))
    with pytest.raises(StepError, match="it ran for 1 s"):
        runner.run(one, binding(tmp_path, runner), Heard())


@pytest.mark.slow
def test_a_vendor_tool_may_be_silent(tmp_path: Path) -> None:
    one = step("import time; time.sleep(1.5)", limits=Limits(silence_s=1))
    assert LocalRunner().run(one, binding(tmp_path, LocalRunner()), Heard()).exit_code == 0


def test_printing_without_end_is_ended(runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_MOST_BYTES", 1 << 20)
    one = step("while True: print('x' * 1000)")
    with pytest.raises(StepError, match="it printed more than 1 MiB"):
        runner.run(one, binding(tmp_path, runner), Heard())


@pytest.mark.parametrize("where", ["itself", "its child"])
def test_memory_is_limited_without_a_container(where: str, tmp_path: Path) -> None:
    program = "import os, time\n" + ("os.fork()\n" if where == "its child" else "")
    program += "x = bytearray()\nwhile True:\n    x += b'x' * (8 << 20)\n    time.sleep(0.01)"
    one = step(program, limits=Limits(memory_bytes=200 << 20))
    assert LocalRunner().run(one, binding(tmp_path, LocalRunner()), Heard()).oom


def test_memory_of_this_process_is_counted() -> None:
    assert 1 << 20 < resident_bytes(os.getpid()) < 1 << 36
    assert resident_bytes(1 << 22) == 0


@pytest.mark.parametrize("text", ["x", "-1", "0", "1.5", "²", "9" * 30])
def test_a_limit_that_is_no_number_is_told(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIT_STEP_SECONDS", text)
    with pytest.raises(InvalidInputError, match="KIT_STEP_SECONDS"):
        LocalRunner().run(step("pass"), binding(tmp_path, LocalRunner()), Heard())


@pytest.mark.slow
def test_the_environment_sets_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIT_STEP_SECONDS", "1")
    with pytest.raises(StepError, match="it ran for 1 s"):
        LocalRunner().run(step("import time; time.sleep(100)"), binding(tmp_path, LocalRunner()), Heard())
