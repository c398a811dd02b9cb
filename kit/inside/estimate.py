"""Median, its confidence interval, and percentiles of repeated measurements: the one rule of each, without NumPy.

The host side uses this module as well, where it reads the times of vendors' tools.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

__all__ = ["half_width", "median_interval", "nearest_rank", "percentiles"]

#: Confidence of the interval.
LEVEL = 0.95
#: A percentile needs this many calls beyond it: a single slow call must not decide it.
_BEYOND = 5


def median_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The narrowest 95 % confidence interval of the median between two of the values; None below six values.

    It comes from the binomial distribution of how many values are below the median, and so holds for any distribution
    of the values (H. A. David, H. N. Nagaraja, "Order Statistics", 3rd edition, section 7.1).
    """
    n, rank, below = len(values), 0, 0.0
    while True:
        below += math.comb(n, rank) / 2**n
        if below > (1 - LEVEL) / 2:
            break
        rank += 1
    if rank == 0:
        return None
    ordered = sorted(values)
    return ordered[rank - 1], ordered[n - rank]


def half_width(values: Sequence[float]) -> float | None:
    """Half of the interval as a share of the median; None where there is no interval."""
    interval = median_interval(values)
    return (interval[1] - interval[0]) / 2 / statistics.median(values) if interval else None


def nearest_rank(ordered: Sequence[float], percent: int) -> float:
    """The percentile of sorted values by nearest rank: the ceil(percent * n / 100)-th smallest, one of the values."""
    return ordered[max(1, -(-percent * len(ordered) // 100)) - 1]


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """``p50``, ``p90`` and ``p99``, without those that too few values would decide."""
    ordered = sorted(values)
    n = len(ordered)
    return {
        f"p{percent}": nearest_rank(ordered, percent)
        for percent in (50, 90, 99)
        if n * (100 - percent) >= 100 * _BEYOND
    }
