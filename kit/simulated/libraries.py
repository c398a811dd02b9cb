"""What the dynamic loader would say: vendor libraries are looked for on LD_LIBRARY_PATH, as the real programs do."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["find_library", "is_stub", "missing_library"]


def find_library(name: str) -> Path | None:
    """The first hit on LD_LIBRARY_PATH."""
    for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":"):
        if folder and (path := Path(folder) / name).is_file():
            return path
    return None


def is_stub(path: Path) -> bool:
    """Whether this is the library to link against, which cannot run (ACL error 100039)."""
    return "stub" in path.parts or "devlib" in path.parts


def missing_library(*names: str) -> str:
    """The loader's message about the first library that is not found, or nothing."""
    for name in names:
        if find_library(name) is None:
            why = "cannot open shared object file: No such file or directory"
            return f"error while loading shared libraries: {name}: {why}"
    return ""
