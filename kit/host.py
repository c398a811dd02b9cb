"""What machine this is, as far as a measurement depends on it. No name, no address."""

from __future__ import annotations

import hashlib
import os
import platform
from functools import cache
from pathlib import Path

__all__ = ["describe", "identity"]


@cache
def describe() -> dict[str, str]:
    """CPU, cores, memory, kernel, architecture."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "architecture": platform.machine(),
        "cpu": _cpu(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": platform.release(),
        "memory": f"{memory / (1 << 30):.1f} GiB",
    }


def identity() -> str:
    """Digest of the parts that decide how fast it is: a measurement is not another machine's."""
    facts = describe()
    text = "\n".join(facts[name] for name in ("architecture", "cpu", "cores"))
    return hashlib.sha256(text.encode()).hexdigest()


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = {"model name", "Model", "Hardware", "CPU part"}
    found = [line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() in names]
    return found[0] if found else "unknown"
