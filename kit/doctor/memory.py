"""Whether the machine has the memory that conversion and inference take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kit.doctor import Check, Finding
from kit.errors import Exit
from kit.planning.step import GIB, Step

__all__ = ["check"]

#: PyTorch, the model and a few images; below this even the example fails.
_LEAST = 2 * GIB
#: A vendor's compiler starts a process per core.
_COMPILER = 8 * GIB


def _available(meminfo: Path) -> tuple[int, int]:
    """(total, available) in bytes."""
    facts = {}
    for line in meminfo.read_text().splitlines():
        name, _, value = line.partition(":")
        facts[name] = int(value.split()[0]) * 1024 if value.split() else 0
    return facts["MemTotal"], facts.get("MemAvailable", facts["MemTotal"])


def _look(steps: Sequence[Step], meminfo: Path) -> Finding:
    total, available = _available(meminfo)
    figures = f"{available / GIB:.1f} of {total / GIB:.1f} GiB are available"
    if available < _LEAST:
        return Finding(
            "fail",
            f"too little memory: {figures}, {_LEAST / GIB:.0f} GiB is the least",
            "end other programs, or use a larger machine",
            prevents="step export ran out of memory and was killed",
        )
    compiles = any(step.stage == "convert" and not step.code and not step.simulated for step in steps)
    if compiles and available < _COMPILER:
        return Finding(
            "warn",
            f"{figures}; a vendor's compiler may take {_COMPILER / GIB:.0f} GiB",
            "end other programs, or let the compiler use fewer processes",
            prevents="BrokenPipeError while converting",
        )
    return Finding("ok", figures)


def check(steps: Sequence[Step] = (), meminfo: Path = Path("/proc/meminfo")) -> Check:
    """Available memory."""
    return Check("memory", lambda: _look(steps, meminfo), Exit.RESOURCE)
