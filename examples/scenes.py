"""Scenes of handwritten digits: what the detection and the segmentation example are trained and tested on.

The digits are scikit-learn's copy of the UCI data set (8x8 pixels, 1797 of them). Training scenes take the first 1297,
test scenes the other 500, so that no digit of a test scene was ever seen in training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

__all__ = ["IGNORE", "Scene", "Scenes"]

#: Label of the pixels at the edge of a stroke, which belong to neither side.
IGNORE = 255


@dataclass(frozen=True)
class Scene:
    """A picture, uint8 (size, size, 3); its mask, uint8 (size, size), 0 is background; boxes x1, y1, x2, y2."""

    picture: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    boxes: list[tuple[int, int, int, int]]
    digits: list[int]


class Scenes:
    """Makes scenes, always the same ones of one seed."""

    def __init__(self, size: int, seed: int, *, test: bool) -> None:
        found = load_digits()
        part = slice(1297, None) if test else slice(None, 1297)
        self._images, self._digits = found.images[part], found.target[part]
        self._size = size
        self._random = np.random.default_rng(seed)

    def scene(self) -> Scene:
        """One to four digits that do not overlap, on a noisy coloured ground."""
        random, size = self._random, self._size
        ground = random.uniform(20, 110, 3)
        picture = ground + random.normal(0, 8, (size, size, 3))
        mask = np.zeros((size, size), np.uint8)
        boxes: list[tuple[int, int, int, int]] = []
        digits: list[int] = []
        for _ in range(int(random.integers(1, 5))):
            self._place(picture, mask, boxes, digits)
        return Scene(np.clip(picture, 0, 255).astype(np.uint8), mask, boxes, digits)

    def _place(
        self,
        picture: NDArray[np.float64],
        mask: NDArray[np.uint8],
        boxes: list[tuple[int, int, int, int]],
        digits: list[int],
    ) -> None:
        random = self._random
        number = int(random.integers(len(self._images)))
        side = int(random.integers(self._size // 4, self._size // 2))
        small = Image.fromarray((self._images[number] * 15.9).astype(np.uint8))
        stroke = np.asarray(small.resize((side, side), Image.Resampling.BICUBIC), dtype=np.float64) / 255
        rows, columns = np.nonzero(stroke > 0.5)
        stroke = stroke[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        height, width = stroke.shape
        for _ in range(20):
            top, left = int(random.integers(self._size - height)), int(random.integers(self._size - width))
            box = (left, top, left + width, top + height)
            if all(_apart(box, other) for other in boxes):
                break
        else:
            return
        color = random.uniform(160, 250, 3)
        area = (slice(top, top + height), slice(left, left + width))
        picture[area] += (color - picture[area]) * stroke[..., None]
        mask[area] = np.where(stroke > 0.6, self._digits[number] + 1, np.where(stroke > 0.3, IGNORE, 0))
        boxes.append(box)
        digits.append(int(self._digits[number]))


def _apart(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[2] + 2 < other[0] or other[2] + 2 < one[0] or one[3] + 2 < other[1] or other[3] + 2 < one[1]
