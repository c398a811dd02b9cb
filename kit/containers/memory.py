"""Memory of a child and its descendants, for the runner without a container to limit it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

__all__ = ["allowed_bytes", "resident_bytes"]

_PAGE = os.sysconf("SC_PAGE_SIZE")


def allowed_bytes(limit: int) -> int:
    """The limit of a step, or nine tenths of this machine's memory where that is less."""
    return min(limit, _PAGE * os.sysconf("SC_PHYS_PAGES") * 9 // 10)


def resident_bytes(process: int) -> int:
    """What a process and its descendants hold; 0 where it has ended. Shared pages count for each that maps them."""
    pending, total = [process], 0
    while pending:
        place = Path("/proc") / str(pending.pop())
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int((place / "statm").read_text().split()[1]) * _PAGE
            for task in (place / "task").iterdir():
                pending += [int(one) for one in (task / "children").read_text().split()]
    return total
