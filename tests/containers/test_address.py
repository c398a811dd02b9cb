"""Where the engine is, and what is said when there is none: each kind of address has its own sentence."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kit.containers.address import find_engine
from kit.errors import EngineError


@pytest.fixture(autouse=True)
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".docker"
    folder.mkdir()
    return folder


@pytest.fixture
def engine_socket(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "e.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        yield path


def context(configuration: Path, name: str, host: object) -> None:
    folder = configuration / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": host}}))


def test_the_order_is_that_of_docker(configuration: Path, engine_socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"unix://{engine_socket}"
    context(configuration, "mine", {"Host": url})
    context(configuration, "other", {"Host": "tcp://127.0.0.1:2375", "SkipTLSVerify": True})
    (configuration / "config.json").write_text(json.dumps({"currentContext": "mine"}))
    assert (find_engine().url, find_engine().origin) == (url, "docker context mine")
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    assert (find_engine().url, find_engine().origin) == ("tcp://127.0.0.1:2375", "docker context other")
    monkeypatch.setenv("DOCKER_HOST", f"{url}")
    assert find_engine().origin == "DOCKER_HOST"


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"currentContext": 3}', "[" * 10000])
def test_a_damaged_configuration_is_that_of_the_usual_socket(text: str, configuration: Path) -> None:
    (configuration / "config.json").write_text(text)
    with contextlib.suppress(EngineError):  # this machine may have no engine
        assert find_engine().origin == "the usual socket"


@pytest.mark.parametrize("host", [None, {}, {"Host": 3}, []])
def test_a_context_that_is_not_there_is_told(
    host: object, configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if host is not None:
        context(configuration, "lost", host)
    monkeypatch.setenv("DOCKER_CONTEXT", "lost")
    with pytest.raises(EngineError, match="there is no docker context 'lost'"):
        find_engine()


def test_a_context_of_the_working_directory_is_not_read(
    tmp_path: Path, configuration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a configuration the SDK looks for ``contexts`` in the folder that somebody cloned."""
    configuration.rmdir()
    monkeypatch.chdir(tmp_path)
    context(tmp_path, "evil", {"Host": "tcp://192.0.2.1:2375"})
    monkeypatch.setenv("DOCKER_CONTEXT", "evil")
    with pytest.raises(EngineError, match="there is no docker context"):
        find_engine()


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("ssh://user@example.org", "does not see the folders"),
        ("fd://", "nobody can connect to it"),
        ("fd://3", "nobody can connect to it"),
        ("unix:///nowhere/docker.sock", "there is no such socket"),
        ("unix:///etc/passwd", "this is not a socket"),
        ("/var/run/docker.sock", "is not the address of an engine"),
        ("unix:/var/run/docker.sock.missing", "there is no such socket"),
        ("unx:///var/run/docker.sock", "is not the address of an engine"),
        ("tcp://", "is not the address of an engine"),
        ("tcp://host", "is not the address of an engine"),
        ("tcp://host:port", "is not the address of an engine"),
        ("htps://host:2376", "is not the address of an engine"),
        ("http://[", "is not the address of an engine"),
        ("localhost:2375", "is not the address of an engine"),
        ("\x1b[31m", "is not the address of an engine"),
    ],
)
def test_each_address_has_its_sentence(host: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(EngineError, match=words) as caught:
        find_engine()
    assert "DOCKER_HOST" in (caught.value.where or "")


def silent(peer: socket.socket) -> None:
    time.sleep(60)


def dripping(peer: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X" * 1000:
        peer.sendall(bytes([byte]))
        time.sleep(0.2)


def talking_nonsense(peer: socket.socket) -> None:
    peer.sendall(b"\x00\xff nonsense\r\n\r\n")


def endless(peer: socket.socket) -> None:
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    while True:
        peer.sendall(b"x" * 65536)


@pytest.mark.slow
@pytest.mark.parametrize("behave", [silent, dripping, talking_nonsense, endless])
def test_what_is_no_engine_is_told_within_seconds(behave: Callable[[socket.socket], None], tmp_path: Path) -> None:
    path = tmp_path / "fake.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(16)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    threading.Thread(target=answer, args=(peer,), daemon=True).start()

        def answer(peer: socket.socket) -> None:
            with contextlib.suppress(OSError), peer:
                behave(peer)

        threading.Thread(target=serve, daemon=True).start()
        started = time.monotonic()
        ran = subprocess.run(
            [sys.executable, "-m", "kit", "doctor", "--recipe", "examples/digits", "--target", "cpu"],
            capture_output=True,
            text=True,
            check=False,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "DOCKER_HOST": f"unix://{path}", "KIT_STORE": str(tmp_path / "store")},
            timeout=120,
        )
        assert time.monotonic() - started < 40
    assert ran.returncode == 7, ran.stdout + ran.stderr
    assert "no engine answers" in ran.stdout
