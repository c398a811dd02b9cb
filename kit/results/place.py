"""Which folder a report belongs to: the tracked one, the one of this machine, or that of rehearsals."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

__all__ = ["HERE", "REHEARSAL", "is_tracked", "part"]

#: A rehearsal never replaces what was measured, and what this machine measured never what was committed, unasked.
REHEARSAL, HERE = "simulated", "here"
_SECONDS = 30


def part(folder: Path, *, simulated: bool = False, here: bool = False) -> Path:
    """``reports/<model>`` itself, or the part of it that is asked for."""
    if simulated:
        return folder / REHEARSAL
    return folder / HERE if here else folder


def is_tracked(folder: Path) -> bool:
    """Whether the report in this folder is under version control; false where git is not installed."""
    report = folder / "report.json"
    if not report.is_file() or not shutil.which("git"):
        return False
    try:
        asked = subprocess.run(
            ["git", "-C", str(folder), "ls-files", "--error-unmatch", "--", report.name],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0
