"""What all tests share."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes is the machine's business; CI tries the same ones each time.
settings.register_profile("kit", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("kit")


def pytest_configure() -> None:
    """Let programs of the tests heed signals, also under `nohup` or in a shell's background, where these are ignored.

    What has a handler here is not ignored in a program that starts from here.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda _number, _frame: None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first, then slow ones, then those in containers: most mistakes show within a minute."""
    items.sort(
        key=lambda item: (item.get_closest_marker("docker") is not None, item.get_closest_marker("slow") is not None)
    )


@pytest.fixture(autouse=True)
def fresh_process() -> Iterator[None]:
    """What `kit`, run in this process, leaves there does not outlive its test.

    It ignores Ctrl-C after the first one, and remembers the engine that answered.
    """
    usual: dict[signal.Signals, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    for number, handler in usual.items():
        signal.signal(number, handler)
    if client := sys.modules.get("kit.containers.client"):
        client._connected.cache_clear()
        client.version.cache_clear()
    yield
    for number, handler in usual.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the caller's shell reaches a test."""
    for name in list(os.environ):
        if name.startswith("KIT_"):
            monkeypatch.delenv(name)


@pytest.fixture
def kit(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., CompletedProcess[str]]:
    """Runs ``kit WORDS`` in a folder, in this process: for tests of which the process itself is not the point."""

    def run(folder: Path, *words: str) -> CompletedProcess[str]:
        from kit.cli import main

        capfd.readouterr()
        with monkeypatch.context() as patch:
            patch.chdir(folder)
            with pytest.raises(SystemExit) as end:
                main(list(words))
        return CompletedProcess(words, int(end.value.code or 0), *capfd.readouterr())

    return run


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def engine() -> Any:
    """A client of a container engine; without one a failure in CI and a skip elsewhere."""
    from kit.containers.client import available, connect

    reason = available()
    if reason is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs a container engine: {reason}")
        pytest.skip(f"no container engine: {reason}")
    return connect()
