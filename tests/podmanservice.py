"""Podman behind Docker's API: a service of its own, with images and containers of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["missing", "podman_service"]

#: The defaults of Podman raise limits beyond what a test machine may allow.
_SETTINGS = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
"""


def missing() -> str:
    """What the service needs and this machine lacks, in words; empty where it has all."""
    lacking = [] if os.getuid() == 0 else ["root"]
    lacking += [name for name in ("podman", "conmon") if shutil.which(name) is None]
    places = ("/usr/libexec/podman/catatonit", "/usr/bin/catatonit")
    return ", ".join(lacking + ([] if any(Path(place).exists() for place in places) else ["catatonit"]))


@contextlib.contextmanager
def podman_service(folder: Path) -> Iterator[Any]:
    """A client of a new service below ``folder``, whose path must be short: a socket's has at most 107 characters.

    Raises:
        RuntimeError: it does not answer within twenty seconds; with the end of its log.
    """
    import docker

    (folder / "containers.conf").write_text(_SETTINGS)
    socket = f"unix://{folder}/podman.sock"
    words = ["podman", "--root", str(folder / "data"), "--runroot", str(folder / "run"), "--cgroup-manager", "cgroupfs"]
    with (folder / "log").open("wb") as log:
        service = subprocess.Popen(
            [*words, "system", "service", "--time", "0", socket],
            env={**os.environ, "CONTAINERS_CONF": str(folder / "containers.conf")},
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 20
        while not (folder / "podman.sock").exists():
            if time.monotonic() > deadline or service.poll() is not None:
                raise RuntimeError(f"podman does not answer: {(folder / 'log').read_text()[-500:]}")
            time.sleep(0.05)
        client = docker.DockerClient(base_url=socket, timeout=120)
        yield client
        client.close()
    finally:
        service.terminate()
        service.wait(20)
        # Layers are mounted until the storage is unmounted; --force also removes what a failed test left running.
        subprocess.run([*words, "system", "reset", "--force"], check=False, capture_output=True, timeout=60)
