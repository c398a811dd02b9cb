"""A server of weights that goes wrong in every way."""

from __future__ import annotations

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Server(http.server.BaseHTTPRequestHandler):
    """Serves one file in every way that a server can go wrong."""

    data = b""
    seen: list[tuple[str, str | None, str | None]]
    resets = 0

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""

    def do_GET(self) -> None:
        kind = self.path.split("?")[0].rsplit("/", 2)[-2]
        self.seen.append((kind, self.headers.get("Range"), self.headers.get("Authorization")))
        start = 0
        if found := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start = int(found[1])
        if kind in {"file", "away"}:
            self.send_response(302)
            where = "file:///etc/passwd" if kind == "file" else f"http://localhost:{self.server.server_port}/plain/w"  # type: ignore[attr-defined]
            self.send_header("Location", where)
            self.end_headers()
            return
        if kind in {"404", "500"}:
            self.send_response(int(kind), "\x1b[31mred")
            self.end_headers()
            return
        if kind == "endless":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"\0" * 65536)
            except OSError:
                return
        if kind == "large":
            self.send_response(200)
            self.send_header("Content-Length", str(1 << 40))
            self.end_headers()
            return
        data = self.data[start:]
        if kind == "wrong":
            data = bytes(len(data))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if kind == "reset" and start < 3 * len(self.data) // 4:
            self.wfile.write(data[: len(self.data) // 3])
            self.wfile.flush()
            self.connection.shutdown(2)
            return
        self.wfile.write(data)


@contextmanager
def serving(data: bytes) -> Iterator[tuple[int, list[tuple[str, str | None, str | None]]]]:
    seen: list[tuple[str, str | None, str | None]] = []
    handler = type("Handler", (_Server,), {"data": data, "seen": seen})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port, seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
