"""AIPP of atc: the text of ``--insert_op_conf``, and what it does to an image in front of the model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from .atc_flags import AtcError

__all__ = ["apply", "check", "read_config", "source_shape"]

TOKEN = re.compile(r"\s*(?:#[^\n]*|([A-Za-z_]\w*)\s*(?::\s*(\"[^\"]*\"|[-+.\w]+)|:?\s*\{)|(\}))", re.ASCII)
FORMATS = {"RGB888_U8": 3, "XRGB8888_U8": 4, "YUV420SP_U8": 1.5, "YUV400_U8": 1}


def read_config(path: Path) -> dict[str, Any]:
    """Read the first ``aipp_op`` of a config.

    Raises:
        AtcError: E10410 the file is missing, E19018 it is not prototext, E10052 its content makes no sense.
    """
    try:
        values = parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AtcError("E10410", f"File [{path}] does not exist.") from error
    except ValueError as error:
        raise AtcError("E19018", f"Parse file [{path}] failed.") from error
    if values.get("aipp_mode") not in {"static", "dynamic"}:
        raise AtcError("E10052", "AIPP configuration is invalid. Reason: [aipp_mode must be static or dynamic].")
    if values["aipp_mode"] == "static" and values.get("input_format") not in FORMATS:
        raise AtcError("E10052", f"AIPP configuration is invalid. Reason: [input_format {values.get('input_format')}].")
    return values


def parse(text: str) -> dict[str, Any]:
    """The first value of each name, whatever message holds it.

    Raises:
        ValueError: the text is not prototext.
    """
    at = depth = 0
    values: dict[str, Any] = {}
    while text[at:].strip():
        match = TOKEN.match(text, at)
        if not match:
            raise ValueError(text[at : at + 20])
        at = match.end()
        name, value, close = match.groups()
        if name and value is not None:
            values.setdefault(name, value.strip('"'))
        elif name or close:
            depth += -1 if close else 1
        if depth < 0:
            break
    if depth:
        raise ValueError("unbalanced braces")
    return values


def number(config: dict[str, Any], name: str, default: float = 0.0) -> float:
    try:
        value = float(config.get(name, default))
    except ValueError:
        value = float("nan")
    if not abs(value) <= 1e9:
        raise AtcError("E10052", f"AIPP configuration is invalid. Reason: [{name} is not a number].")
    return value


def true(config: dict[str, Any], name: str) -> bool:
    return str(config.get(name, "false")).lower() in {"true", "1"}


def source_shape(config: dict[str, Any], model_dims: tuple[int, ...]) -> tuple[int, int, int]:
    """(height, width, bytes per image) of the image that the om takes."""
    height, width = (
        int(number(config, f"src_image_size_{axis}") or size) for axis, size in zip("hw", model_dims[2:], strict=True)
    )
    return height, width, int(height * width * FORMATS[config["input_format"]])


def window(config: dict[str, Any], model_dims: tuple[int, ...]) -> tuple[int, int, int, int]:
    """(top, left, height, width) of the part of the image that the model sees."""
    if not true(config, "crop"):
        return 0, 0, *source_shape(config, model_dims)[:2]
    top, left = (int(number(config, f"load_start_pos_{axis}")) for axis in "hw")
    high, wide = (
        int(number(config, f"crop_size_{axis}") or size) for axis, size in zip("hw", model_dims[2:], strict=True)
    )
    return top, left, high, wide


def check(config: dict[str, Any], model_dims: tuple[int, ...]) -> None:
    """Whether image, crop and model fit together.

    Raises:
        AtcError: E10052.
    """
    if len(model_dims) != 4:
        raise AtcError("E10052", "AIPP configuration is invalid. Reason: [the input is not an image].")
    height, width, _ = source_shape(config, model_dims)
    if min(height, width) < 1 or (config["input_format"] == "YUV420SP_U8" and (height % 2 or width % 2)):
        raise AtcError("E10052", f"AIPP configuration is invalid. Reason: [src_image_size {height} x {width}].")
    top, left, high, wide = window(config, model_dims)
    if min(top, left) < 0 or top + high > height or left + wide > width or (high, wide) != tuple(model_dims[2:]):
        raise AtcError("E10052", f"AIPP configuration is invalid. Reason: [the output is {high} x {wide}].")
    for channel in range(4):
        for name in ("mean_chn", "min_chn", "var_reci_chn"):
            number(config, f"{name}_{channel}")


def apply(config: dict[str, Any], raw: np.ndarray, model_dims: tuple[int, ...]) -> np.ndarray:
    """Turn a batch of uint8 images (B, bytes) into the model's float32 input (B, C, H, W)."""
    height, width, _ = source_shape(config, model_dims)
    kind = config["input_format"]
    if kind == "YUV420SP_U8":
        image = to_rgb(raw.reshape(-1, height * 3 // 2, width), height)
    elif kind == "YUV400_U8":
        image = raw.reshape(-1, height, width, 1).astype(np.float32)
    else:
        image = raw.reshape(-1, height, width, int(FORMATS[kind]))[..., -3:].astype(np.float32)
    if true(config, "rbuv_swap_switch"):
        image = image[..., ::-1]
    top, left, high, wide = window(config, model_dims)
    image = image[:, top : top + high, left : left + wide]
    channels = image.shape[-1]
    mean, low, scale = (
        np.array([number(config, f"{name}_{channel}", default) for channel in range(channels)], np.float32)
        for name, default in (("mean_chn", 0.0), ("min_chn", 0.0), ("var_reci_chn", 1.0))
    )
    result: np.ndarray = ((image - mean - low) * scale).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(result, dtype=np.float32)


def to_rgb(planes: np.ndarray, height: int) -> np.ndarray:
    """YUV420SP (NV12) to RGB as decoded JPEGs have it; csc matrices of the file are ignored."""
    luma = planes[:, :height].astype(np.float32)
    chroma = planes[:, height:].reshape(planes.shape[0], height // 2, -1, 2).astype(np.float32) - 128.0
    chroma = chroma.repeat(2, axis=1).repeat(2, axis=2)
    blue, red = chroma[..., 0], chroma[..., 1]
    rgb: np.ndarray = np.stack(
        [luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue], axis=-1
    )
    limited: np.ndarray = np.clip(rgb, 0, 255)
    return limited
