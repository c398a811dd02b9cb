"""Preprocessing against the published arithmetic, written plainly here; odd, broken and absent images."""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kit.inside.pixels import Config, Preprocessor, parse_config
from kit.inside.protocol import UserError
from tests.publishedpixels import published

pytestmark = pytest.mark.slow

Photo = Callable[..., Image.Image]


def same_bits(preprocess: Preprocessor, path: Path) -> bool:
    return preprocess.prep(str(path)).tobytes() == published(path, preprocess.config).tobytes()


@pytest.fixture(scope="module")
def imagenet() -> Preprocessor:
    return Preprocessor({})


def test_fast_way_is_taken_with_this_pillow(imagenet: Preprocessor) -> None:
    assert imagenet.way in {"shrink", "horizontal"}
    assert imagenet.shape == (3, 224, 224)


SIDES = (1, 2, 3, 37, 223, 224, 225, 255, 256, 257, 300, 375, 384, 389, 499, 500, 506, 511, 512, 513, 518, 777)


@pytest.mark.parametrize(
    ("width", "height"), [*zip(SIDES, SIDES[::-1], strict=True), (384, 518), (384, 517), (1500, 90)]
)
def test_bits_are_the_published_ones(
    imagenet: Preprocessor, tmp_path: Path, make_photo: Photo, width: int, height: int
) -> None:
    path = tmp_path / "a.png"
    make_photo(width, width, height).save(path, compress_level=0)
    assert same_bits(imagenet, path)


CONFIGS: list[dict[str, Any]] = [
    {"resize": [64, 64], "crop": [64, 64]},
    {"resize": 64, "crop": [56, 56]},
    {"resize": [64, 128], "crop": [50, 33]},
    {"resize": [73, 65], "crop": [64, 60], "interpolation": "bicubic"},
    {"resize": [64, 64], "crop": [48, 48], "interpolation": "bicubic"},
    {"resize": [64, 64], "crop": [48, 48], "interpolation": "lanczos"},
    {"resize": [64, 64], "crop": [48, 48], "interpolation": "nearest"},
    {"resize": [64, 64], "crop": [48, 48], "interpolation": "box"},
    {"resize": [32, 32], "crop": [28, 28], "color": "BGR", "mean": [0, 0, 0], "std": [1, 1, 1], "scale": 1},
    {"resize": 35, "crop": [34, 35], "mean": [0.1, 0.2, 0.3], "std": [1e-3, 3, 1e6], "scale": 127.5},
]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_bits_with_other_settings(tmp_path: Path, make_photo: Photo, config: dict[str, Any]) -> None:
    preprocess = Preprocessor(config)
    for number, (width, height) in enumerate(itertools.product((40, 64, 97, 130, 200), (41, 64, 96, 131, 201))):
        path = tmp_path / f"{number}.png"
        make_photo(number, width, height).save(path, compress_level=0)
        assert same_bits(preprocess, path), (width, height)


def test_whole_way_gives_the_same(images: Path) -> None:
    config = {"resize": [64, 64], "crop": [48, 48]}
    for path in images.iterdir():
        whole, fast = (Preprocessor(config, way) for way in ("whole", None))
        assert whole.prep(str(path)).tobytes() == fast.prep(str(path)).tobytes()


def odd_images(folder: Path, make_photo: Photo) -> Iterator[Path]:
    """Files that occur in real data sets, ImageNet's among them, and that must go through."""
    base = make_photo(1, 300, 200)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees, which the published scripts ignore
    palette = base.convert("P")
    palette.info["transparency"] = bytes(range(256))
    saves: list[tuple[str, Image.Image, dict[str, Any]]] = [
        ("grey.jpg", base.convert("L"), {"format": "JPEG"}),
        ("cmyk.JPEG", base.convert("CMYK"), {"format": "JPEG"}),
        ("png_inside.jpg", base, {"format": "PNG"}),
        ("alpha.png", base.convert("RGBA"), {"format": "PNG"}),
        ("palette.png", palette, {"format": "PNG"}),
        ("one_bit.png", base.convert("1"), {"format": "PNG"}),
        ("tiny.jpg", base.resize((1, 1)), {"format": "JPEG"}),
        ("thin.jpg", base.resize((1, 900)), {"format": "JPEG"}),
        ("turned.jpg", base, {"format": "JPEG", "exif": exif}),
        ("progressive.jpg", base, {"format": "JPEG", "progressive": True}),
        ("no_subsampling.jpg", base, {"format": "JPEG", "subsampling": 0}),
        ("windows.bmp", base, {"format": "BMP"}),
    ]
    for name, image, options in saves:
        image.save(folder / name, **options)
        yield folder / name
    trailing = folder / "trailing.jpg"
    trailing.write_bytes((folder / "turned.jpg").read_bytes() + b"appended by a camera")
    yield trailing


@pytest.mark.filterwarnings("ignore:Palette images with Transparency:UserWarning")
def test_odd_images_as_the_published_way(imagenet: Preprocessor, tmp_path: Path, make_photo: Photo) -> None:
    paths = list(odd_images(tmp_path, make_photo))
    assert len(paths) == 13
    for path in paths:
        assert same_bits(imagenet, path), path.name


def test_large_image_passes_where_pillow_only_warns(
    tmp_path: Path, make_photo: Photo, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.png"
    make_photo(1, 300, 200).save(path)
    preprocess = Preprocessor({})
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 55_000)  # it has 60,000: more than the limit, less than twice of it
    assert preprocess.prep(str(path)).shape == (3, 224, 224)


def broken(folder: Path, make_photo: Photo) -> Iterator[tuple[Path, str]]:
    path = folder / "whole.jpg"
    make_photo(1, 300, 200).save(path)
    whole = path.read_bytes()
    contents = {
        "empty.jpg": (b"", "is not an image"),
        "text.jpg": (b"<html>404 Not Found</html>", "is not an image"),
        "truncated.jpg": (whole[: len(whole) // 2], "cannot be decoded"),
        "header_only.jpg": (whole[:40], ""),
        "bomb.png": (png(30_000, 30_000), "more pixels than Pillow decodes"),
        "short.png": (png(300, 200), "cannot be decoded"),
    }
    for name, (data, what) in contents.items():
        (folder / name).write_bytes(data)
        yield folder / name, what


def png(width: int, height: int) -> bytes:
    """A PNG that promises that many pixels and holds none."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"")),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("library", ["pillow", "opencv"])
def test_broken_images_are_named(tmp_path: Path, make_photo: Photo, library: str) -> None:
    preprocess = Preprocessor({"library": library})
    for path, what in broken(tmp_path, make_photo):
        with pytest.raises(UserError) as caught:
            preprocess.prep(str(path))
        assert caught.value.where == str(path), path
        assert caught.value.kind == "damaged", path
        assert library == "opencv" or what in caught.value.what


@pytest.mark.parametrize("library", ["pillow", "opencv"])
def test_absent_and_unreadable_image(tmp_path: Path, library: str) -> None:
    preprocess = Preprocessor({"library": library})
    with pytest.raises(UserError, match="no such image") as caught:
        preprocess.prep(str(tmp_path / "absent.jpg"))
    assert caught.value.kind == "missing"
    with pytest.raises(UserError, match="cannot be read") as caught:
        preprocess.prep(str(tmp_path))
    assert caught.value.kind == "resource"


def test_opencv_way(images: Path) -> None:
    import cv2

    config = {"library": "opencv", "color": "BGR", "resize": [40, 50], "crop": [32, 40], "interpolation": "bicubic"}
    path = images / "image_01.jpg"
    made = Preprocessor(config).prep(str(path))
    whole = cv2.resize(cv2.imread(str(path)), (50, 40), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    mean, std = np.array(Config().mean, dtype=np.float32), np.array(Config().std, dtype=np.float32)
    expected = ((whole[4:36, 5:45] / np.float32(255) - mean) / std).transpose(2, 0, 1)
    assert made.tobytes() == np.ascontiguousarray(expected).tobytes()
    turned = Preprocessor(config | {"color": "RGB"}).prep(str(path))
    assert not np.array_equal(made, turned)


@pytest.mark.parametrize(
    ("config", "what"),
    [
        ({"resise": 3}, "'resise'"),
        ({"resize": [0, 256]}, "resize"),
        ({"resize": 2.5}, "resize"),
        ({"crop": [224]}, "crop"),
        ({"crop": 224}, "crop"),
        ({"crop": [300, 224]}, "larger than what the resize leaves"),
        ({"resize": 200}, "larger than what the resize leaves"),
        ({"mean": [0, 0]}, "mean"),
        ({"mean": [0, 0, float("nan")]}, "mean"),
        ({"std": [1, 0, 1]}, "not be 0|not 0"),
        ({"scale": 0}, "not 0"),
        ({"library": "imageio"}, "imageio"),
        ({"color": "GRAY"}, "GRAY"),
        ({"interpolation": "cubic"}, "cubic"),
        ({"library": "opencv", "interpolation": "hamming"}, "hamming"),
        ([], "not a JSON object"),
    ],
    ids=str,
)
def test_settings_are_checked(config: Any, what: str) -> None:
    with pytest.raises(UserError, match=what):
        parse_config(config)
