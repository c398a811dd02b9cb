"""A second container engine, which a test may configure, kill and start again: the first one may have other users."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

__all__ = ["SecondEngine", "missing"]


def missing() -> str:
    """What a second engine needs and this machine lacks, in words; empty where it has all."""
    lacking = [] if os.getuid() == 0 else ["root"]
    return ", ".join(lacking + [name for name in ("dockerd", "containerd", "ip") if shutil.which(name) is None])


class SecondEngine:
    """An engine of its own folder, socket, bridge and containerd namespace; it leaves the first one alone.

    Args:
        folder: where everything of it lies; short, because the path of a socket has at most 107 characters.
        path: searched for programs before the machine's own folders.
    """

    def __init__(self, folder: Path, path: Path | None = None) -> None:
        self.folder, self._path = folder, path
        self.socket = f"unix://{folder}/docker.sock"
        self._bridge = f"kitbr{os.getpid() % 100000}"
        self._process: subprocess.Popen[bytes] | None = None
        self.client: Any = None

    def start(self) -> None:
        """Start it, or start it again.

        Raises:
            RuntimeError: it does not answer within twenty seconds; with the end of its log.
        """
        import docker

        folder = self.folder
        with contextlib.suppress(FileExistsError):
            (folder / "data").mkdir()
            subprocess.run(["ip", "link", "add", "name", self._bridge, "type", "bridge"], check=True)
            subprocess.run(["ip", "addr", "add", "172.31.251.1/30", "dev", self._bridge], check=True)
        before = f"{self._path}:" if self._path else ""
        # What one that was killed left; a process that init has not reaped yet would count as running.
        for name in ("pid", "exec/containerd/containerd.pid"):
            (folder / name).unlink(missing_ok=True)
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["dockerd", "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"),
                 "--pidfile", str(folder / "pid"), "--host", self.socket, "--bridge", self._bridge,
                 "--iptables=false", "--ip6tables=false", "--ip-masq=false", "--ip-forward=false",
                 "--containerd-namespace", "kit-test", "--containerd-plugins-namespace", "kit-test-plugins"],
                stdout=log, stderr=log, env={**os.environ, "PATH": f"{before}{os.environ['PATH']}"},
            )  # fmt: skip
        for _ in range(200):
            time.sleep(0.1)
            with contextlib.suppress(Exception):
                self.client = docker.DockerClient(base_url=self.socket, timeout=60)
                self.client.ping()
                return
            if self._process.poll() is not None:
                break
        raise RuntimeError(f"a second engine does not start here: {(folder / 'log').read_bytes()[-500:]!r}")

    def end(self, number: signal.Signals) -> None:
        """Send its process a signal, and wait for its end."""
        assert self._process is not None
        self._process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Remove its containers, end it, and take its bridge away."""
        if self.client is not None:
            with contextlib.suppress(Exception):
                for container in self.client.containers.list(all=True):
                    container.remove(force=True)
            self.client.close()
        if self._process is not None:
            self.end(signal.SIGTERM)
        subprocess.run(["pkill", "--full", "--", f"-address {self.folder}/"], check=False)  # what a SIGKILL orphaned
        subprocess.run(["ip", "link", "delete", self._bridge], check=False, capture_output=True)
        # What one that was killed leaves mounted could not be removed: its folder, bound to itself, and namespaces.
        for line in reversed(Path("/proc/mounts").read_text().splitlines()):
            if (place := line.split()[1]).startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)
