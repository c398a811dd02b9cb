"""One image file to one float32 tensor, bit for bit as the published scripts make it.

The published way: decode, convert to RGB, resize the whole, convert it to float32, centre crop, ``/255``, subtract the
mean, divide by the standard deviation, channels first. Here only what the crop keeps is resized and computed.

What Pillow does with odd files stays as it is: EXIF orientation is ignored, CMYK, greyscale and palettes are converted,
a truncated file is refused. (OpenCV's own ways: it turns the image as EXIF says, and its warning about a truncated JPEG
is made an error here.)
"""

from __future__ import annotations

import functools
import math
import struct
import warnings
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from .pool import reuse_freed_memory
from .protocol import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray
    from PIL import Image

    Floats = NDArray[np.float32]

__all__ = ["Config", "Preprocess", "parse_config"]

_BROKEN = "Replace it by an intact copy, or remove it together with its label."
_FORM = "Correct the preprocessing of the recipe."
_SIDE_LIMIT = 1 << 20


@dataclass(frozen=True)
class Config:
    """How an image becomes a tensor; sizes are (height, width)."""

    library: str = "pillow"
    color: str = "RGB"
    resize: tuple[int, int] | int = (256, 256)
    interpolation: str = "bilinear"
    crop: tuple[int, int] = (224, 224)
    scale: float = 255.0
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)


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
    values |= {
        name: tuple(map(float, _sequence(name, values[name], 3, _finite, "finite numbers")))
        for name in ("mean", "std")
        if name in values
    }
    config = Config(**values)
    if config.library not in _FILTERS:
        raise UserError(f"unknown image library {config.library!r}; known are pillow, opencv", _FORM)
    if config.color not in {"RGB", "BGR"}:
        raise UserError(f"unknown order of channels {config.color!r}; known are RGB, BGR", _FORM)
    filters = _FILTERS[config.library]
    if config.interpolation not in filters:
        what = f"{config.library} has no interpolation {config.interpolation!r}; it has {', '.join(filters)}"
        raise UserError(what, _FORM)
    if not _finite(config.scale) or config.scale == 0 or 0 in config.std:
        raise UserError("scale and std must be finite and not 0", _FORM)
    shorter = config.resize if isinstance(config.resize, int) else None
    if max(config.crop) > (shorter or 0) if isinstance(config.resize, int) else _larger(config.crop, config.resize):
        raise UserError(f"the crop {config.crop} is larger than what the resize leaves, {config.resize}", _FORM)
    return config


def _larger(crop: tuple[int, int], resize: tuple[int, int]) -> bool:
    return crop[0] > resize[0] or crop[1] > resize[1]


def _whole(value: object) -> bool:
    return type(value) is int and 0 < value <= _SIDE_LIMIT


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


class Preprocess:
    """Makes tensors of image files as `config` says.

    Args:
        config: the recipe's ``preprocess`` object.
        way: which order of its two passes the installed Pillow takes, as :attr:`way` of another instance found it;
            None: find out, which takes some milliseconds.
    """

    def __init__(self, config: Mapping[str, Any] | Config, way: str | None = None) -> None:
        self.config = config if isinstance(config, Config) else parse_config(config)
        #: (channels, height, width) of the tensors.
        self.shape = (3, *self.config.crop)
        self._scale = np.float32(self.config.scale)
        self._mean = np.array(self.config.mean, dtype=np.float32).reshape(3, 1, 1)
        self._std = np.array(self.config.std, dtype=np.float32).reshape(3, 1, 1)
        reuse_freed_memory()
        self._plan = functools.lru_cache(maxsize=4096)(self._make_plan)
        if self.config.library == "pillow":
            from PIL import Image, ImageFile

            # Blocks of memory that Pillow keeps for the next image: fresh ones cost about as much as the resize.
            Image.core.set_blocks_max(4)  # type: ignore[attr-defined]
            # A photograph in one go: between two pieces of its file the decoder goes back to where its row began.
            ImageFile.MAXBLOCK = 1 << 20
            self._resample = Image.Resampling[self.config.interpolation.upper()]
        else:
            import cv2

            cv2.setNumThreads(1)
        #: ``horizontal`` or ``shrink``: Pillow's order of passes, only the crop's region is resized; ``whole``: all is.
        self.way = way or self._find_way()
        self._plan.cache_clear()

    def prep(self, path: str) -> Floats:
        """The tensor of one image file, float32 (3, height, width).

        Raises:
            UserError: no file, or not an image that the library decodes whole; it names the file.
        """
        out = np.empty(self.shape, dtype=np.float32)
        self.prep_into(path, out)
        return out

    def prep_into(self, path: str, out: Floats) -> None:
        """Like :meth:`prep`, into an array that is there already."""
        pixels = self._pillow(path) if self.config.library == "pillow" else self._opencv(path)
        if self.config.color == "BGR":
            pixels = pixels[:, :, ::-1]
        # One contiguous copy of the bytes first: the three passes over floats then run over whole planes.
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1))
        np.divide(planes, self._scale, out=out, dtype=np.float32)
        np.subtract(out, self._mean, out=out)
        np.divide(out, self._std, out=out)

    def _pillow(self, path: str) -> NDArray[np.uint8]:
        from PIL import Image, UnidentifiedImageError

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of large images and odd metadata: the published scripts go on, too
                with Image.open(path) as file:
                    image: Image.Image = file if file.mode == "RGB" else file.convert("RGB")
                    return np.asarray(self._region(image))
        except UnidentifiedImageError:
            raise UserError("is not an image", _BROKEN, path, "damaged") from None
        except Image.DecompressionBombError:
            what = "has more pixels than Pillow decodes: a photograph never has so many"
            raise UserError(what, "Remove it, or replace it by a smaller copy.", path, "damaged") from None
        except MemoryError:
            raise
        except OSError as error:
            raise _unreadable(error, path) from None
        except Exception as error:  # noqa: BLE001 - decoders raise nearly anything on broken files: SyntaxError, struct.error
            raise UserError(f"cannot be decoded: {_oneline(error)}", _BROKEN, path, "damaged") from None

    def _region(self, image: Image.Image) -> Image.Image:
        plan = self._plan(*image.size)
        image.load()
        for size, box in plan.calls:
            image = image.resize(size, self._resample, box)
        return image if plan.crop == (0, 0, *image.size) else image.crop(plan.crop)

    def _make_plan(self, width: int, height: int) -> _Plan:
        """What to resize of an image of that size."""
        across, down = self._resized(width, height)
        crop_height, crop_width = self.config.crop
        left, top = _centre(across, crop_width), _centre(down, crop_height)
        whole = _Plan((((across, down), None),), (left, top, left + crop_width, top + crop_height))
        if self.way == "whole" or (across, down) == (width, height):
            return whole
        # Along an axis on which the numbers do not come out exactly, everything is resized and cropped afterwards.
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
        elif vertical_first:  # each call has one pass only, so that the order is ours
            calls = (((width, out_height), (0, y0, width, y1)), ((out_width, out_height), (x0, 0, x1, out_height)))
        else:
            calls = (((out_width, height), (x0, 0, x1, height)), ((out_width, out_height), (0, y0, out_width, y1)))
        return _Plan(calls, (left, top, left + crop_width, top + crop_height))

    def _vertical_first(self, width: int, height: int, across: int, down: int) -> bool:
        """Whether Pillow resizes the columns before the rows; the bits depend on it."""
        return self.way == "shrink" and height > down and height - down > 2 * (width - across)

    def _resized(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) after the resize of the whole."""
        resize = self.config.resize
        if not isinstance(resize, int):
            return resize[1], resize[0]
        if width <= height:
            return resize, int(resize * height / width)
        return int(resize * width / height), resize

    def _find_way(self) -> str:
        """Try each known order of passes on noise of many sizes; `whole` where none gives the published bits."""
        if self.config.library != "pillow" or self.config.interpolation == "nearest":
            return "whole"
        from PIL import Image

        down, across = (self.config.resize,) * 2 if isinstance(self.config.resize, int) else self.config.resize
        if max(across, down) > 1024:  # noise of such sizes would take seconds; nobody preprocesses like that
            return "whole"
        noise = np.random.default_rng(0)
        sizes = [(max(1, across * x // 8), max(1, down * y // 8)) for x, y in _SHAPES]
        images = [Image.fromarray(noise.integers(0, 256, (y, x, 3), dtype=np.uint8)) for x, y in sizes]
        whole = list(self._tried("whole", images))
        # Mostly the first one is right, and of a wrong one the first differing image is enough.
        ways = ("shrink", "horizontal")
        return next((way for way in ways if all(map(bytes.__eq__, self._tried(way, images), whole))), "whole")

    def _tried(self, way: str, images: list[Image.Image]) -> Iterator[bytes]:
        """Pixels of the images when resized that way, one after the other."""
        self.way = way
        self._plan.cache_clear()
        for image in images:
            yield self._region(image).tobytes()

    def _opencv(self, path: str) -> NDArray[np.uint8]:
        import cv2

        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError as error:
            raise _unreadable(error, path) from None
        # libjpeg only warns of a truncated file and fills up with grey; FF D9 never stands inside the picture's data.
        if data[:2] == b"\xff\xd8" and data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
            raise UserError("is truncated: it ends before the end of its picture", _BROKEN, path, "damaged")
        try:
            image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_COLOR) if data else None
        except cv2.error as error:
            raise UserError(f"cannot be decoded: {_oneline(error)}", _BROKEN, path, "damaged") from None
        if image is None:
            raise UserError("is not an image that OpenCV can decode", _BROKEN, path, "damaged")
        names = {"nearest": "NEAREST", "bilinear": "LINEAR", "bicubic": "CUBIC", "lanczos": "LANCZOS4", "area": "AREA"}
        height, width = image.shape[:2]
        size = self._resized(width, height)
        image = cv2.resize(image, size, interpolation=getattr(cv2, f"INTER_{names[self.config.interpolation]}"))
        crop_height, crop_width = self.config.crop
        left, top = _centre(size[0], crop_width), _centre(size[1], crop_height)
        cropped: NDArray[np.uint8] = image[top : top + crop_height, left : left + crop_width, ::-1]
        return cropped


#: Sides of the images of the self-check, in eighths of the resized sides: enlarged, kept, and shrunk by little and
#: much, so that either order of passes is met, and cases where whole and region would differ in it.
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


def _unreadable(error: OSError, path: str) -> UserError:
    if isinstance(error, FileNotFoundError):
        return UserError("there is no such image", "Complete the data set.", path, "missing")
    if error.errno is None:  # Pillow's own: truncated, broken data stream
        return UserError(f"cannot be decoded: {_oneline(error)}", _BROKEN, path, "damaged")
    return UserError(f"cannot be read: {error.strerror}", "Let the calling user read it.", path, "resource")


def _oneline(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
