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

from tests.fleet.link import Link

__all__ = ["RayCluster", "ray_cluster"]


class RayCluster:
    """Its addresses, the environment that reaches it, and the hosts' folders; the first host is the head."""

    def __init__(
        self,
        folder: Path,
        offers: Sequence[Mapping[str, float]],
        common: Mapping[str, str],
        cores: Sequence[int] | None = None,
        own: Mapping[int, Mapping[str, str]] | None = None,
        links: Mapping[int, Link] | None = None,
    ) -> None:
        """``cores``: the one that each host may use; None for all. Else see :func:`ray_cluster`."""
        token = folder / "token"
        token.write_text(secrets.token_hex(32))
        self.folder, self._offers, self._common, self._cores = folder, list(offers), dict(common), cores
        self._own, self._links = dict(own or {}), dict(links or {})
        self._place = next((link.outer for link in self._links.values()), "127.0.0.1")
        self.hosts = [folder / f"host{number}" for number in range(len(offers))]
        self.environment = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_raylet_start_wait_time_s": "120",  # a busy machine is slow, not broken
        }
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        with socket.socket() as free, socket.socket() as other:
            free.bind((self._place, 0))
            other.bind((self._place, 0))
            self.address, self.client = (f"{self._place}:{one.getsockname()[1]}" for one in (free, other))

    def start(self, *numbers: int) -> None:
        """Start hosts, or start them again after their end; returns when they have joined."""
        for number in numbers:  # one after the other: two that start at once on one machine may mistake each other
            self._begin(number)
            self._wait(number)

    def _begin(self, number: int) -> None:
        host = self.hosts[number]
        host.mkdir(exist_ok=True)
        port = self.address.rpartition(":")[2]
        head = ["--head", f"--port={port}", f"--ray-client-server-port={self.client.rpartition(':')[2]}"]
        head += ["--include-dashboard=false", f"--temp-dir={self.folder / 'ray'}"]
        words = [] if self._cores is None else ["taskset", "--cpu-list", str(self._cores[number])]
        link = self._links.get(number)
        words += [*(link.within if link else ()), sys.executable, "-m", "ray.scripts.scripts", "start", "--block"]
        words += [f"--node-ip-address={link.inner if link else self._place}"]
        words += [f"--address={self.address}"] if number else head
        words += ["--num-cpus=1", f"--object-store-memory={100 << 20}"]
        words += [f"--resources={json.dumps(dict(self._offers[number]))}"]
        own = {**self._own.get(number, {}), "KIT_STORE": str(host / ".kit")}
        with (host / "log").open("wb") as log:
            self._processes[number] = subprocess.Popen(
                words,
                env={**os.environ, **self.environment, **self._common, **own},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait(self, number: int) -> None:
        deadline = time.monotonic() + 120
        while b"Ray runtime started" not in (said := (self.hosts[number] / "log").read_bytes()):
            if time.monotonic() > deadline or self._processes[number].poll() is not None:
                raise RuntimeError(f"ray start: {said.decode(errors='replace')[-2000:]}")
            time.sleep(0.1)

    def raylet(self, number: int) -> int:
        """The process that is a host to the cluster."""
        (found,) = [pid for pid, words in self._running(number) if b"raylet/raylet" in words.split(b"\0")[0]]
        return found

    def head(self) -> int:
        """The process that keeps the cluster together, on the first host."""
        (found,) = [pid for pid, words in self._running(0) if words.split(b"\0")[0].endswith(b"/gcs_server")]
        return found

    def kits(self) -> list[tuple[int, int]]:
        """Processes of kit on the hosts, each with its parent, the worker."""
        found = []
        for number in range(len(self.hosts)):
            for pid, words in self._running(number):
                if b".kit.orders/" in words and b"\0-m\0kit\0" in words:
                    with contextlib.suppress(OSError):
                        stat = Path(f"/proc/{pid}/stat").read_text()
                        found.append((pid, int(stat.rpartition(")")[2].split()[1])))
        return found

    def worker(self) -> int:
        """A worker that has started kit; waits until there is one."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if kits := self.kits():
                return kits[0][1]
            time.sleep(0.05)
        raise AssertionError("no host runs kit")

    def quiet(self) -> bool:
        """Whether no host runs a program of kit any more, within a quarter of a minute."""
        deadline = time.monotonic() + 15
        while self.kits():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def _running(self, number: int) -> Iterator[tuple[int, bytes]]:
        """Processes that a host started, with their command lines."""
        mark = f"KIT_STORE={self.hosts[number] / '.kit'}\0".encode()
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (place / "environ").read_bytes() + b"\0":
                    yield int(place.name), (place / "cmdline").read_bytes()

    def end(self, number: int) -> None:
        """See a host off whose raylet has gone, with all that it started."""
        process = self._processes.pop(number)
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(6)  # without a head Ray would drain a host for half a minute
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """End all hosts, the head last; `ray stop` would also end those of others."""
        for process in self._processes.values():
            process.terminate()
        for number in sorted(self._processes, reverse=True):
            self.end(number)
        for number in range(len(self.hosts)):
            for pid, _ in list(self._running(number)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def ray_cluster(
    folder: Path,
    offers: Sequence[Mapping[str, float]],
    common: Mapping[str, str],
    own: Mapping[int, Mapping[str, str]] | None = None,
    links: Mapping[int, Link] | None = None,
) -> Iterator[RayCluster]:
    """A host for each of ``offers``, its resources. The path must be short.

    ``common`` is the environment of all, ``own`` that of a host by its number; ``links`` are hosts with a network of
    their own.
    """
    cluster = RayCluster(folder, offers, common, own=own, links=links)
    try:
        cluster.start(0)
        cluster.start(*range(1, len(offers)))
        yield cluster
    finally:
        cluster.stop()
