"""One image file to one tensor, bit for bit as the published scripts and timm make it.

The published way: decode, convert to RGB, resize the whole, convert it to float32, centre crop, ``/255``, subtract the
mean, divide by the standard deviation, channels first. Here only what the crop keeps is resized and computed.

Which files are opened, and how they become RGB or grey, is defined in :mod:`.decoding`.
"""

from __future__ import annotations

import functools
import math
import struct
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from .decoding import open_cv, open_pillow
from .pool import reuse_freed_memory
from .protocol import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray
    from PIL import Image

    Floats = NDArray[np.float32]

__all__ = ["Config", "Preprocessor", "parse_config"]

_FORM = "Correct the preprocessing of the recipe."
_SIDE_LIMIT = 1 << 20
#: Limit on the pixels of a resized image: a thin one would take gigabytes.
_MOST_PIXELS = 1 << 26
#: Types of tensors that images become; uint8 are the pixels themselves.
_DTYPES = ("float32", "float16", "float64", "uint8")


@dataclass(frozen=True)
class Config:
    """How an image becomes a tensor; sizes are (height, width)."""

    library: str = "pillow"
    color: str = "RGB"
    resize: tuple[int, int] | int = (256, 256)
    interpolation: str = "bilinear"
    crop: tuple[int, int] = (224, 224)
    scale: float = 255.0
    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    fit: str = "stretch"
    pad: int | tuple[int, ...] = 0
    layout: str = "NCHW"
    dtype: str = "float32"

    @property
    def channels(self) -> int:
        """Channels of the tensors."""
        return 1 if self.color == "GRAY" else 3

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of a tensor, in the order of its layout."""
        return (self.channels, *self.crop) if self.layout == "NCHW" else (*self.crop, self.channels)


_FILTERS = {
    "pillow": ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"),
    "opencv": ("nearest", "bilinear", "bicubic", "lanczos", "area"),
}


def parse_config(value: Mapping[str, Any]) -> Config:
    """Check the recipe's ``preprocess`` object; what it leaves out has the default of :class:`Config`."""
    if not isinstance(value, dict):
        raise UserError("the preprocessing is not a JSON object", _FORM)
    known = {field.name for field in fields(Config)}
    if unknown := sorted(set(value) - known):
        raise UserError(
            f"unknown key of the preprocessing: {unknown[0]!r}; known are {', '.join(sorted(known))}", _FORM
        )
    values = dict(value)
    for name in ("crop", "resize"):
        if name in values and not (name == "resize" and _whole(values[name])):
            values[name] = _sequence(name, values[name], 2, _whole, "positive whole numbers (height, width)")
    count = 1 if values.get("color") == "GRAY" else 3
    if count == 1 and not {"mean", "std"} <= set(values):
        raise UserError("mean and std of color GRAY must be given, one number each", _FORM)
    values |= {
        name: tuple(map(float, _sequence(name, values[name], count, _finite, "finite numbers")))
        for name in ("mean", "std")
        if name in values
    }
    if isinstance(values.get("pad"), list | tuple):
        values["pad"] = _sequence("pad", values["pad"], count, _byte, "whole numbers from 0 to 255")
    config = Config(**values)
    _check_words(config)
    if not _finite(config.scale) or config.scale == 0 or 0 in config.std:
        raise UserError("scale and std must be finite and not 0", _FORM)
    resized = (config.resize,) * 2 if isinstance(config.resize, int) else config.resize
    if config.fit != "contain" and _larger(config.crop, resized):
        raise UserError(f"the crop {config.crop} is larger than what the resize leaves, {config.resize}", _FORM)
    return config


def _check_words(config: Config) -> None:
    if config.library not in _FILTERS:
        raise UserError(f"unknown image library {config.library!r}; known are pillow, opencv", _FORM)
    for what, word, known in (
        ("order of channels", config.color, ("RGB", "BGR", "GRAY")),
        ("fit", config.fit, ("stretch", "cover", "contain")),
        ("layout", config.layout, ("NCHW", "NHWC")),
        ("type of images", config.dtype, _DTYPES),
    ):
        if word not in known:
            raise UserError(f"unknown {what} {word!r}; known are {', '.join(known)}", _FORM)
    filters = _FILTERS[config.library]
    if config.interpolation not in filters:
        what = f"{config.library} has no interpolation {config.interpolation!r}; it has {', '.join(filters)}"
        raise UserError(what, _FORM)
    if config.fit != "stretch" and isinstance(config.resize, int):
        raise UserError(f"fit {config.fit} needs a resize of (height, width)", _FORM)


def _larger(crop: tuple[int, int], resize: tuple[int, int]) -> bool:
    return crop[0] > resize[0] or crop[1] > resize[1]


def _whole(value: object) -> bool:
    return type(value) is int and 0 < value <= _SIDE_LIMIT


def _byte(value: object) -> bool:
    return type(value) is int and 0 <= value <= 255


def _finite(value: object) -> bool:
    return type(value) in {int, float} and math.isfinite(value)  # type: ignore[arg-type]


def _sequence(name: str, value: Any, length: int, check: Callable[[object], bool], what: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple) or len(value) != length or not all(map(check, value)):
        raise UserError(f"{name} of the preprocessing must be {length} {what}, and is {value!r}", _FORM)
    return tuple(value)


@dataclass(frozen=True)
class _Plan:
    """Calls of ``Image.resize`` (size, box), then a crop; sizes are (width, height), as Pillow has them."""

    calls: tuple[tuple[tuple[int, int], tuple[float, float, float, float] | None], ...]
    crop: tuple[int, int, int, int]


class Preprocessor:
    """Makes tensors of image files as `config` says.

    Args:
        config: the recipe's ``preprocess`` object.
        way: in which order the installed Pillow makes its two passes, as found in :attr:`way` of another instance;
            None: find out, which takes some milliseconds.
    """

    def __init__(self, config: Mapping[str, Any] | Config, way: str | None = None) -> None:
        self.config = config if isinstance(config, Config) else parse_config(config)
        #: Shape and type of the tensors.
        self.shape, self.dtype = self.config.shape, np.dtype(self.config.dtype)
        self._scale = np.float32(self.config.scale)
        self._mean = np.array(self.config.mean, dtype=np.float32).reshape(-1, 1, 1)
        self._std = np.array(self.config.std, dtype=np.float32).reshape(-1, 1, 1)
        reuse_freed_memory()
        self._plan = functools.lru_cache(maxsize=4096)(self._make_plan)
        if self.config.library == "pillow":
            from PIL import Image, ImageFile

            # Memory blocks that Pillow keeps for the next image: allocating them costs about as much as the resize.
            Image.core.set_blocks_max(4)  # type: ignore[attr-defined]
            # Read a photograph at once: after each part of a file the decoder repeats the row that it was in.
            ImageFile.MAXBLOCK = 1 << 20
            self._resample = Image.Resampling[self.config.interpolation.upper()]
        else:
            import cv2

            cv2.setNumThreads(1)
        #: ``horizontal`` or ``shrink``: Pillow's order of passes, only the crop's region is resized; ``whole``: all is.
        self.way = way or self._find_way()
        self._plan.cache_clear()

    def prep(self, path: str) -> NDArray[Any]:
        """The tensor of one image file, by default float32 (channels, height, width).

        Raises:
            UserError: no file, not an image that the library decodes whole, too large; it names the file.
        """
        out = np.empty(self.shape, dtype=self.dtype)
        self.prep_into(path, out)
        return out

    def prep_into(self, path: str, out: NDArray[Any]) -> None:
        """Like :meth:`prep`, into an existing array."""
        pixels = self._pillow(path) if self.config.library == "pillow" else self._opencv(path)
        if self.config.fit == "contain":
            pixels = self._padded(pixels)
        if self.config.color == "BGR":
            pixels = pixels[:, :, ::-1]
        # Copy the bytes into whole planes first, which the three passes over floats then run through.
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        if self.dtype == np.uint8:
            out[...] = planes if self.config.layout == "NCHW" else planes.transpose(1, 2, 0)
            return
        direct = self.config.layout == "NCHW" and self.dtype == np.float32
        floats = out if direct else np.empty(planes.shape, dtype=np.float32)
        np.divide(planes, self._scale, out=floats, dtype=np.float32)
        np.subtract(floats, self._mean, out=floats)
        np.divide(floats, self._std, out=floats)
        if not direct:
            out[...] = floats if self.config.layout == "NCHW" else floats.transpose(1, 2, 0)

    def _pillow(self, path: str) -> NDArray[np.uint8]:
        pixels = open_pillow(path, "L" if self.config.color == "GRAY" else "RGB", self._region)
        return pixels if pixels.ndim == 3 else pixels[:, :, None]

    def _padded(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The image, centred in a border where it is smaller than the crop."""
        height, width = pixels.shape[:2]
        crop_height, crop_width = self.config.crop
        if (height, width) == (crop_height, crop_width):
            return pixels
        color = np.array(self.config.pad, dtype=np.uint8)
        out = np.empty((crop_height, crop_width, pixels.shape[2]), dtype=np.uint8)
        out[:] = color[::-1] if self.config.color == "BGR" and color.ndim else color
        top, left = (crop_height - height) // 2, (crop_width - width) // 2
        out[top : top + height, left : left + width] = pixels
        return out

    def _region(self, image: Image.Image) -> Image.Image:
        plan = self._plan(*image.size)  # before anything is decoded: it refuses a result that is too large
        image.load()
        for size, box in plan.calls:
            image = image.resize(size, self._resample, box)
        return image if plan.crop == (0, 0, *image.size) else image.crop(plan.crop)

    def _make_plan(self, width: int, height: int) -> _Plan:
        """What to resize of an image of that size."""
        across, down = self._resized(width, height)
        # What is smaller than the crop is padded afterwards.
        crop_height, crop_width = min(self.config.crop[0], down), min(self.config.crop[1], across)
        left, top = _centre(across, crop_width), _centre(down, crop_height)
        whole = _Plan((((across, down), None),), (left, top, left + crop_width, top + crop_height))
        if self.way == "whole" or (across, down) == (width, height):
            return whole
        # Along an axis with rounded positions the whole is resized, and cropped afterwards.
        x0, x1, out_width = 0.0, float(width), across
        y0, y1, out_height = 0.0, float(height), down
        if _exact(width, across, left, crop_width):
            x0, x1, out_width, left = left * width / across, (left + crop_width) * width / across, crop_width, 0
        if _exact(height, down, top, crop_height):
            y0, y1, out_height, top = top * height / down, (top + crop_height) * height / down, crop_height, 0
        if (out_width, out_height) == (across, down):
            return whole
        vertical_first = self._vertical_first(width, height, across, down)
        calls: tuple[Any, ...]
        if vertical_first == self._vertical_first(width, height, out_width, out_height):
            calls = (((out_width, out_height), (x0, y0, x1, y1)),)
        elif vertical_first:  # each call makes one pass only, in our order
            calls = (((width, out_height), (0, y0, width, y1)), ((out_width, out_height), (x0, 0, x1, out_height)))
        else:
            calls = (((out_width, height), (x0, 0, x1, height)), ((out_width, out_height), (0, y0, out_width, y1)))
        return _Plan(calls, (left, top, left + crop_width, top + crop_height))

    def _vertical_first(self, width: int, height: int, across: int, down: int) -> bool:
        """Whether Pillow resizes the columns before the rows; the bits depend on it."""
        return self.way == "shrink" and height > down and height - down > 2 * (width - across)

    def _resized(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) after the resize of the whole.

        Raises:
            UserError: more pixels than the limit.
        """
        resize = self.config.resize
        if isinstance(resize, int):  # as torchvision rounds
            across, down = (
                (resize, int(resize * height / width)) if width <= height else (int(resize * width / height), resize)
            )
        elif self.config.fit == "stretch":
            down, across = resize
        else:  # as timm rounds
            ratios = (height / resize[0], width / resize[1])
            ratio = max(ratios) if self.config.fit == "contain" else min(ratios)
            across, down = max(1, round(width / ratio)), max(1, round(height / ratio))
        if across * down > _MOST_PIXELS:
            what = f"has {width} x {height} pixels, and would have {across} x {down} after the resize"
            raise UserError(what, "Remove it, or replace it by a copy of a usual shape.")
        return across, down

    def _find_way(self) -> str:
        """Find the order of passes that gives the published bits on noise of many sizes; `whole` if none does."""
        if self.config.library != "pillow" or self.config.interpolation == "nearest":
            return "whole"
        from PIL import Image

        down, across = (self.config.resize,) * 2 if isinstance(self.config.resize, int) else self.config.resize
        if max(across, down) > 1024:  # noise of such sizes would take seconds, and no recipe needs it
            return "whole"
        noise = np.random.default_rng(0)
        sizes = [(max(1, across * x // 8), max(1, down * y // 8)) for x, y in _SHAPES]
        images = [Image.fromarray(noise.integers(0, 256, (y, x, 3), dtype=np.uint8)) for x, y in sizes]
        whole = list(self._tried("whole", images))
        # Usually the first is right; a wrong one is rejected at its first different image.
        ways = ("shrink", "horizontal")
        return next((way for way in ways if all(map(bytes.__eq__, self._tried(way, images), whole))), "whole")

    def _tried(self, way: str, images: list[Image.Image]) -> Iterator[bytes]:
        """Pixels of each image when resized that way."""
        self.way = way
        self._plan.cache_clear()
        for image in images:
            yield self._region(image).tobytes()

    def _opencv(self, path: str) -> NDArray[np.uint8]:
        import cv2

        image = open_cv(path, grey=self.config.color == "GRAY")
        names = {"nearest": "NEAREST", "bilinear": "LINEAR", "bicubic": "CUBIC", "lanczos": "LANCZOS4", "area": "AREA"}
        height, width = image.shape[:2]
        try:
            size = self._resized(width, height)
        except UserError as error:
            raise UserError(error.what, error.remedy, path) from None
        image = cv2.resize(image, size, interpolation=getattr(cv2, f"INTER_{names[self.config.interpolation]}"))
        crop_height, crop_width = min(self.config.crop[0], size[1]), min(self.config.crop[1], size[0])
        left, top = _centre(size[0], crop_width), _centre(size[1], crop_height)
        cropped: NDArray[np.uint8] = image.reshape(size[1], size[0], -1)[
            top : top + crop_height, left : left + crop_width, ::-1
        ]
        return cropped


#: Sizes of the images of the self-check, in eighths of the resized size: enlarged, kept, and shrunk by little and much,
#: so that both orders of passes occur, also where they differ between the whole and a region.
_SHAPES = ((5, 5), (8, 12), (12, 8), (9, 9), (12, 16), (15, 11), (12, 17), (9, 20), (20, 9), (17, 18), (8, 9), (13, 18))


def _centre(size: int, crop: int) -> int:
    return round((size - crop) / 2)  # as torchvision's and the published scripts' crop: halves go to the even number


def _exact(source: int, target: int, first: int, count: int) -> bool:
    """Whether resizing only ``first .. first+count`` of `target` samples gives the same bits as resizing all.

    Pillow computes positions in double from a box in float: equal if nothing on the way is rounded.
    """
    scale = Fraction(source, target)
    ends = (first * scale, (first + count) * scale)
    return scale.denominator & (scale.denominator - 1) == 0 and all(
        Fraction(struct.unpack("f", struct.pack("f", float(end)))[0]) == end for end in ends
    )
