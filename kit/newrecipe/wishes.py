"""What the command line of ``kit init`` says."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from kit.errors import InvalidInputError

__all__ = ["Wishes", "relative", "shape_of", "slug"]


@dataclass(frozen=True)
class Wishes:
    """What the command line says."""

    source: str | None
    code: str | None
    script: Path | None
    weights: Path | None
    images: Path | None
    labels: Path | None
    class_names: Path | None
    classes: int | None
    shape: str | None
    test_size: bool
    name: str | None
    out: Path
    targets: tuple[str, ...] = ()


def shape_of(text: str) -> tuple[int, ...]:
    """Sizes of one sample, from text such as ``3,224,224``.

    Raises:
        InvalidInputError: it is not of that form.
    """
    if not re.fullmatch(r"[1-9][0-9]{0,5}(,[1-9][0-9]{0,5}){0,6}", text):
        raise InvalidInputError(f"{text!r} is not a shape", remedy="give channels, height and width, such as 3,224,224")
    return tuple(int(part) for part in text.split(","))


def relative(path: Path, out: Path) -> str:
    """From the recipe's folder, where it lies below; otherwise absolute."""
    try:
        return path.resolve().relative_to(out.resolve()).as_posix()
    except ValueError:
        return str(path.resolve())


def slug(name: str) -> str:
    """A name that may be a folder's, from any text."""
    slug = re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("-._")[:64]
    return slug if slug[:1].isalnum() else hashlib.sha256(name.encode()).hexdigest()[:8]
