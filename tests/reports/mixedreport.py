"""What tests of rendered reports share: results of all sources, and the headings of a report."""

from __future__ import annotations

import re
from collections.abc import Callable

from kit.results.resultsfile import Results

__all__ = ["Make", "headings", "mixture"]

Make = Callable[..., Results]
RATES = {1: 1800.5, 4: 5100.25, 16: 6400.25}


def mixture(make: Make) -> dict[str, Results]:
    """Measured, simulated and (for T4) published alone."""
    return {
        "310": make("310", {1: 700.5, 4: 1300.25}, factor=4, source="simulated", notes=("a note",)),
        "310P": make("310P", RATES),
        "cpu": make("cpu", {1: 51.234567890123, 16: 63.5}, per="image", containerized=False),
    }


def headings(markdown: str) -> list[str]:
    plain = re.sub(r"^(`{3,}).*?^\1$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    return [re.sub(r"\\(.)", r"\1", text) for text in re.findall(r"^#{1,6} (.+)$", plain, re.MULTILINE)]
