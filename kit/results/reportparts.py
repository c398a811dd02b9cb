"""Which folder a report belongs to: the tracked one, the one of this machine, or that of rehearsals."""

from __future__ import annotations

from pathlib import Path

from kit.errors import KitError
from kit.storage.git import run_git

__all__ = ["HERE", "REHEARSAL", "is_tracked", "part"]

#: A rehearsal never replaces what was measured, and what this machine measured never what was committed, unasked.
REHEARSAL, HERE = "simulated", "here"


def part(folder: Path, *, simulated: bool = False, here: bool = False) -> Path:
    """``reports/<model>`` itself, or the part of it that is asked for."""
    if simulated:
        return folder / REHEARSAL
    return folder / HERE if here else folder


def is_tracked(folder: Path, name: str = "report.json") -> bool:
    """Whether the report in this folder is under version control; false where git is not installed."""
    report = folder / name
    if not report.is_file():
        return False
    try:
        return run_git(folder, "ls-files", "--error-unmatch", "--", report.name).returncode == 0
    except KitError:
        return False
