"""The arithmetic of the published preprocessing scripts, written plainly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kit.inside.pixels import Config


def published(path: Path, config: Config | None = None) -> NDArray[np.float32]:
    """What the published scripts compute, in their order: the whole is resized and made float32, then cropped."""
    config = config or Config()
    image = Image.open(path).convert("RGB")
    resize = config.resize
    if isinstance(resize, int):
        width, height = image.size
        shorter = min(width, height)
        size = (int(resize * width / shorter), int(resize * height / shorter))
    else:
        size = (resize[1], resize[0])
    image = image.resize(size, Image.Resampling[config.interpolation.upper()])
    values: Any = np.array(image, dtype=np.float32)
    height, width = config.crop
    top = round((values.shape[0] - height) / 2.0)
    left = round((values.shape[1] - width) / 2.0)
    values = values[top : top + height, left : left + width]
    if config.color == "BGR":
        values = values[:, :, ::-1]
    values = values / config.scale
    values = (values - np.array(config.mean, dtype=np.float32)) / np.array(config.std, dtype=np.float32)
    assert values.dtype == np.float32
    planes: NDArray[np.float32] = values.transpose(2, 0, 1)
    return planes
