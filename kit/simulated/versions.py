"""Versions of the vendors' software as numbers that can be compared."""

from __future__ import annotations

import re

__all__ = ["Version", "version_of"]

Version = tuple[int, int, int]


def version_of(text: str) -> Version:
    """``7.2.3`` or ``8.2.5.1`` as three numbers; ``5.1.RC1`` is (5, 1, 1)."""
    numbers = [int(number) for number in re.findall(r"\d+", text)][:3]
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    return major, minor, patch
