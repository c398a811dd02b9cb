"""The best classes of a batch of scores, with one rule for ties: the lowest class first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .protocol import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Best", "K", "best", "check_finite"]

#: Places that are counted: Top1 to Top5.
K = 5


class Best(NamedTuple):
    """The five best classes of each row, best first; places that do not exist have class -1 and score -inf."""

    classes: NDArray[np.int32]  # (rows, 5)
    scores: NDArray[np.float32]  # (rows, 5)
    tied: NDArray[np.bool_]  # (rows,): equal scores among the six best: the rule decided the order or the last place
    nan: NDArray[np.bool_]  # (rows,): at least one score is NaN; a NaN is never among the best


def check_finite(scores: NDArray[np.float32], names: list[str], remedy: str) -> None:
    """Refuse scores (rows, classes) that are NaN or infinite; `names` are those of the rows.

    Raises:
        UserError: with the name of the first such row.
    """
    if not np.isfinite(scores).all():
        row = int(np.flatnonzero(~np.isfinite(scores).all(axis=1))[0])
        raise UserError("the model gives scores that are NaN or infinite", remedy, names[row], "tolerance")


def best(scores: NDArray[np.float32]) -> Best:
    """Find the five best classes of each row of `scores`, float32 (rows, classes)."""
    rows, count = scores.shape
    nan: NDArray[np.bool_] = np.logical_or.reduce(np.isnan(scores), axis=1)
    classes = np.full((rows, K + 1), -1, dtype=np.int32)
    values = np.full((rows, K + 1), -np.inf, dtype=np.float32)
    left = scores.copy()
    if nan.any():
        left[np.isnan(left)] = -np.inf
    every = np.arange(rows)
    # Six times the maximum costs a tenth of a stable sort, and argmax takes the first of equals, which is the rule.
    for place in range(min(K + 1, count)):
        found = left.argmax(axis=1)
        classes[:, place] = found
        values[:, place] = left[every, found]
        left[every, found] = -np.inf
    # A score of -inf looks like one that was taken out: rows with fewer than six finite scores are sorted.
    for row in np.flatnonzero(values[:, min(K, count - 1)] == -np.inf):
        usable = np.flatnonzero(~np.isnan(scores[row]))
        order = usable[np.argsort(-scores[row, usable], kind="stable")][: K + 1]
        classes[row], values[row] = -1, -np.inf
        classes[row, : len(order)], values[row, : len(order)] = order, scores[row, order]
    equal = (values[:, 1:] == values[:, :-1]) & (classes[:, 1:] >= 0)
    tied: NDArray[np.bool_] = np.logical_or.reduce(equal, axis=1)
    return Best(classes[:, :K].copy(), values[:, :K].copy(), tied, nan)
