"""From an image file to pixels of 8 bits: which formats are opened, and how unusual ones are treated.

The rule is the same for both libraries as far as they allow:

* JPEG, PNG, BMP, WebP and TIFF are opened, recognised by their first bytes; nothing else is, whatever its name.
* Grey, palette, CMYK and bilevel images become RGB (or grey) as the library converts them. Transparency is dropped, as
  the published scripts do: the colour below it shows.
* Samples of 16 bits are divided by 256 and rounded down. Samples of 12 or 32 bits, floats, signed samples, and 16 bits
  with white at 0 are refused.
* An image of several frames or pages is refused.
* Pillow ignores the orientation that EXIF states, as the published scripts do; OpenCV turns the image.
* A truncated file is refused, and so is one of more pixels than Pillow decodes.
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .protocol import UserError, oneline

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from PIL import Image

__all__ = ["FORMATS", "open_cv", "open_pillow", "sniff"]

#: Formats that are opened, by Pillow's names.
FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "TIFF")
_BROKEN = "Replace it by an intact copy, or remove it together with its label."
_CONVERT = "Replace it by a copy of one frame, in JPEG or PNG of 8 bits."
_SIXTEEN = {"I;16", "I;16B", "I;16L", "I;16N"}
#: Pillow's own limit against small files that become huge.
_MOST_PIXELS = 178_956_970


def sniff(head: bytes) -> str | None:
    """The format by the first bytes of a file; None: not one of ours."""
    if head[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if head[:2] == b"BM":
        return "BMP"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    return "TIFF" if head[:4] in {b"II*\0", b"MM\0*"} else None


def open_pillow(path: str, mode: str, use: Callable[[Image.Image], Image.Image]) -> NDArray[np.uint8]:
    """Pixels of what `use` makes of the image, converted to `mode` (``RGB`` or ``L``) before.

    Raises:
        UserError: no file, or not an image that the rule above opens; it names the file.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large images and odd metadata: the published scripts ignore them, too
            with Image.open(path, formats=FORMATS) as file:
                return np.asarray(use(_converted(file, mode)))
    except UserError as error:
        raise UserError(error.what, error.remedy, path, error.kind) from None
    except UnidentifiedImageError:
        raise UserError(f"is not an image ({', '.join(FORMATS)})", _BROKEN, path, "damaged") from None
    except Image.DecompressionBombError:
        what = "has more pixels than Pillow decodes, and than any photograph has"
        raise UserError(what, "Remove it, or replace it by a smaller copy.", path, "damaged") from None
    except MemoryError:
        raise
    except OSError as error:
        raise _unreadable(error, path) from None
    except Exception as error:  # noqa: BLE001 - decoders raise nearly anything on broken files: SyntaxError, struct.error
        raise UserError(f"cannot be decoded: {oneline(error)}", _BROKEN, path, "damaged") from None


def _converted(file: Image.Image, mode: str) -> Image.Image:
    if file.mode == mode and file.format == "JPEG":  # nearly all; the second picture of a phone's JPEG is a preview
        return file
    frames = getattr(file, "n_frames", 1)
    if frames > 1 and file.format not in {"JPEG", "MPO"}:
        raise UserError(f"holds {frames} frames or pages, and one image is needed", _CONVERT)
    if file.format == "TIFF":
        _check_tiff(file)
    if file.mode in _SIXTEEN:
        return _eight_bits(file, mode)
    if file.mode in {"I", "F"}:
        raise UserError(f"holds samples of 32 bits (mode {file.mode}), whose range is unknown", _CONVERT)
    return file if file.mode == mode else file.convert(mode)


def _check_tiff(file: Any) -> None:
    """Refuse what Pillow would misread: samples that come out nearly black, a negative, a wrong sign."""
    bits, white_at_0, signs = file.tag_v2.get(258, (1,)), file.tag_v2.get(262) == 0, file.tag_v2.get(339, (1,))
    if file.mode in _SIXTEEN and (bits != (16,) or white_at_0):
        raise UserError(f"holds grey samples of {bits[0]} bits{', white at 0' * white_at_0}", _CONVERT)
    if 2 in signs:
        raise UserError("holds samples with a sign", _CONVERT)


def _eight_bits(file: Image.Image, mode: str) -> Image.Image:
    from PIL import Image

    width, height = file.size
    if width * height > _MOST_PIXELS // 2:
        raise UserError("has more pixels than a photograph ever has", "Replace it by a smaller copy.")
    samples = np.asarray(file).astype(np.uint16)
    return Image.fromarray((samples >> 8).astype(np.uint8)).convert(mode)


def open_cv(path: str, *, grey: bool = False) -> NDArray[np.uint8]:
    """Pixels by OpenCV: uint8 (height, width, 3) in the order BGR, or (height, width).

    Raises:
        UserError: no file, or not an image that the rule above opens; it names the file.
    """
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(_MOST_PIXELS))
    import cv2

    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise _unreadable(error, path) from None
    _check_bytes(data, path)
    flag = cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR
    try:
        image: Any = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flag)
    except cv2.error as error:
        raise UserError(f"cannot be decoded: {oneline(error)}", _BROKEN, path, "damaged") from None
    if image is None:
        raise UserError("is not an image that OpenCV can decode", _BROKEN, path, "damaged")
    pixels: NDArray[np.uint8] = image
    return pixels


def _check_bytes(data: bytes, path: str) -> None:
    """Refuse what OpenCV accepts without an error: other formats, several frames, a truncated JPEG."""
    import cv2

    kind = sniff(data[:16])
    if kind is None:
        raise UserError(f"is not an image ({', '.join(FORMATS)})", _BROKEN, path, "damaged")
    # libjpeg only warns of a truncated file and fills up with grey; FF D9 never stands inside the picture's data.
    if kind == "JPEG" and data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
        raise UserError("is truncated: it ends before the end of its picture", _BROKEN, path, "damaged")
    if kind == "TIFF" and cv2.imcount(path) > 1:
        raise UserError("holds several frames or pages, and one image is needed", _CONVERT, path)
    moving = (kind == "PNG" and b"acTL" in data[: data.find(b"IDAT")]) or (kind == "WEBP" and b"ANIM" in data[:64])
    if moving:
        raise UserError("holds several frames, and one image is needed", _CONVERT, path)


def _unreadable(error: OSError, path: str) -> UserError:
    if isinstance(error, FileNotFoundError):
        return UserError("there is no such image", "Complete the data set.", path, "missing")
    if error.errno is None:  # Pillow's own: truncated, broken data stream
        return UserError(f"cannot be decoded: {oneline(error)}", _BROKEN, path, "damaged")
    return UserError(f"cannot be read: {error.strerror}", "Let the calling user read it.", path, "resource")
