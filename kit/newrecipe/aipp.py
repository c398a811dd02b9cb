"""The file by which a compiler puts the normalisation into the model (AIPP), as ``task -> script -> inputs``."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["aipp_input"]

_SETTING = re.compile(r"^\s*(\w+)\s*:\s*\"?([\w.+-]+)", re.MULTILINE)


def aipp_input(text: str) -> tuple[dict[str, Any], list[str]]:
    """What the files are like that such a model takes, and what of it a recipe cannot say."""
    found = dict(_SETTING.findall(text))

    def channels(name: str, default: float) -> list[float]:
        return [float(found.get(f"{name}_chn_{number}", default)) for number in range(3)]

    means = [a + b for a, b in zip(channels("mean", 0), channels("min", 0), strict=True)]
    form = {"dtype": "uint8", "layout": "NHWC", "mean": means, "scale": channels("var_reci", 1)}
    unlike = [name for name in ("rbuv_swap_switch", "csc_switch", "crop") if found.get(name, "false") in {"true", "1"}]
    return form, unlike
