"""Files that belong to kit but are not Python: images, templates, examples, and the programs for containers."""

from __future__ import annotations

from pathlib import Path

__all__ = ["package", "resource"]


def package() -> Path:
    """The folder of the package, which holds ``inside`` and ``simulated``."""
    return Path(__file__).resolve().parent


def resource(name: str) -> Path:
    """Folder ``name`` next to the package in a checkout, or inside it in an installed wheel."""
    shipped = package() / "_share" / name
    return shipped if shipped.is_dir() else package().parent / name
