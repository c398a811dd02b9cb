"""What a measurement depends on about this machine; never its name or address."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path

__all__ = ["LABEL", "describe", "identity", "label_of", "speed_facts"]

#: Set by a cluster's worker: what reports call this host.
LABEL = "KIT_HOST_LABEL"


@cache
def describe() -> dict[str, str]:
    """CPU, cores, memory, kernel, architecture; in a cluster also the host's label, which is not its name."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    label = {"host": os.environ[LABEL]} if os.environ.get(LABEL) else {}
    return {
        **label,
        "architecture": platform.machine(),
        "cpu": _cpu(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": platform.release(),
        "memory": f"{memory / (1 << 30):.1f} GiB",
    }


def label_of(store: Path) -> str:
    """What messages and reports call a host of a cluster: the same on every run, and no name or address."""
    try:
        machine = Path("/etc/machine-id").read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        machine = platform.node()
    return f"host {hashlib.sha256(f'{machine}{store}'.encode()).hexdigest()[:4]}"


def identity() -> str:
    """Digest of the parts that decide how fast it is: a measurement is not another machine's."""
    return hashlib.sha256("\n".join(map(str, speed_facts(describe()))).encode()).hexdigest()


def speed_facts(facts: Mapping[str, str]) -> tuple[str | None, ...]:
    """Those facts of :func:`describe` that decide how fast a machine is."""
    return tuple(facts.get(name) for name in ("architecture", "cpu", "cores"))


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = {"model name", "Model", "Hardware", "CPU part"}
    found = [line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() in names]
    return found[0] if found else "unknown"
