"""A Ray cluster on this machine: hosts that are processes of `ray start`, each with a store of its own, and a token."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

__all__ = ["RayCluster", "ray_cluster"]


class RayCluster:
    """Its address, the environment that reaches it, and the hosts' folders."""

    def __init__(self, folder: Path, common: Mapping[str, str]) -> None:
        token = folder / "token"
        token.write_text(secrets.token_hex(32))
        self.folder, self.hosts = folder, [folder]
        self.hosts.clear()
        self.environment = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self._common = dict(common)
        self._processes: list[subprocess.Popen[bytes]] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"

    def add(self, resources: Mapping[str, float]) -> None:
        """Start a host; the first one is the head."""
        host = self.folder / f"host{len(self.hosts)}"
        host.mkdir()
        port = self.address.rpartition(":")[2]
        head = ["--head", f"--port={port}", "--include-dashboard=false", f"--temp-dir={self.folder / 'ray'}"]
        words = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--node-ip-address=127.0.0.1"]
        words += [f"--address={self.address}"] if self.hosts else head
        words += ["--num-cpus=1", f"--object-store-memory={100 << 20}", f"--resources={json.dumps(dict(resources))}"]
        with (host / "log").open("wb") as log:
            self._processes.append(
                subprocess.Popen(
                    words,
                    env={**os.environ, **self.environment, **self._common, "KIT_STORE": str(host / ".kit")},
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
        self.hosts.append(host)
        self._wait(host)

    def _wait(self, host: Path) -> None:
        deadline = time.monotonic() + 120
        while b"Ray runtime started" not in (said := (host / "log").read_bytes()):
            if time.monotonic() > deadline or self._processes[-1].poll() is not None:
                raise RuntimeError(f"ray start: {said.decode(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End all hosts; `ray stop` would also end those of others."""
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def ray_cluster(
    folder: Path, resources: Sequence[Mapping[str, float]], common: Mapping[str, str]
) -> Iterator[RayCluster]:
    """A host for each entry of ``resources``; ``common`` is the environment of all. The folder's path must be short."""
    cluster = RayCluster(folder, common)
    try:
        for offered in resources:
            cluster.add(offered)
        yield cluster
    finally:
        cluster.stop()
