"""Servers that are slow without end, or say odd lengths."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.data import download
from kit.errors import MissingError
from kit.recipe.schema import Weights

WEIGHTS = Weights(url="http://example.invalid/w", md5="0" * 32)


@contextlib.contextmanager
def serving(header: bytes, pieces: int, pause: float) -> Iterator[str]:
    """A server that answers once, with a header line and some bytes one by one."""

    def answer() -> None:
        with contextlib.suppress(OSError):
            near, _ = listening.accept()
            with near:
                near.recv(4096)
                near.sendall(b"HTTP/1.1 200 OK\r\n" + header + b"Connection: close\r\n\r\n")
                for _ in range(pieces):
                    near.sendall(b"x")
                    time.sleep(pause)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/w"
    thread.join(20)


def test_a_download_that_trickles_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_TOTAL_S", 0.3)
    with (
        serving(b"", 50, 0.1) as url,
        pytest.raises(MissingError, match=r"took longer than 0\.3 s; what has arrived is kept"),
    ):
        download.download(url, tmp_path / "w.part", WEIGHTS, remedy="get it")
    assert 0 < (tmp_path / "w.part").stat().st_size < 50


@pytest.mark.parametrize("length", [b"many", b"-1", b"9" * 5000, "²".encode("latin-1"), b"0x10", b"1.5"])
def test_an_odd_length_is_no_bad_address(tmp_path: Path, length: bytes) -> None:
    with serving(b"Content-Length: " + length + b"\r\n", 3, 0) as url:
        download.download(url, tmp_path / "w.part", WEIGHTS, remedy="get it")
    assert (tmp_path / "w.part").read_bytes() == b"xxx"
