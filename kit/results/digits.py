"""How many digits of a number its interval justifies. Imports nothing: the command line prints with it."""

from __future__ import annotations

import math

__all__ = ["justified", "rounded"]


def justified(value: float, half_width: float | None, digits: int = 2) -> int | None:
    """Decimals so that the last one is the second significant digit of the half-width; negative: tens, hundreds.

    Args:
        value: the number.
        half_width: half of its interval as a share of it; None: nobody knows.
        digits: significant digits of the half-width that are shown.

    Returns:
        decimals; None without an interval, or where it has no width.
    """
    if not half_width or not value or not math.isfinite(value * half_width):
        return None
    return digits - 1 - math.floor(math.log10(abs(value * half_width)))


def rounded(value: float, half_width: float | None) -> str:
    """``value`` with as many digits as its interval justifies; with four where there is no interval."""
    places = justified(value, half_width)
    if places is None:
        return f"{value:.4g}"
    return f"{round(value, places):.{max(0, places)}f}"
