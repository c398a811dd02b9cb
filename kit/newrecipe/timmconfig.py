"""From the configuration of a timm model to the recipe's ``preprocess``. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["preprocessing"]

#: timm's own, where a configuration says nothing.
_CROP_PCT, _INTERPOLATION = 0.875, "bilinear"
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def preprocessing(config: Mapping[str, Any], size: tuple[int, int]) -> dict[str, Any]:
    """The recipe's ``preprocess`` that gives the pixels of timm's evaluation transform.

    Args:
        config: ``crop_pct``, ``crop_mode``, ``interpolation``, ``mean`` and ``std`` of the model.
        size: (height, width) of its input.
    """
    mean, std = tuple(config.get("mean") or _MEAN), tuple(config.get("std") or _STD)
    crop_pct = config.get("crop_pct") or _CROP_PCT
    resized = [math.floor(side / crop_pct) for side in size]  # before timm crops
    tree: dict[str, Any] = {"resize": resized}
    mode = config.get("crop_mode") or "center"
    if mode == "border":
        tree |= {"fit": "contain", "pad": [round(255 * value) for value in mean]}
    elif mode == "center" and resized[0] == resized[1]:
        tree["resize"] = resized[0]
    elif mode == "center":
        tree["fit"] = "cover"
    tree |= {"interpolation": config.get("interpolation") or _INTERPOLATION, "crop": list(size)}
    if len(mean) == 1:
        tree["color"] = "GRAY"
    return {**tree, "scale": 255, "mean": list(mean), "std": list(std)}
