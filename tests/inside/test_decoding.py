"""What of an image file becomes pixels: formats, odd modes, frames, sizes; and timm's own evaluation transform."""

from __future__ import annotations

import importlib.util
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kit.inside.pixels import Preprocessor, parse_config
from kit.inside.protocol import UserError

Photo = Callable[..., Image.Image]
PLAIN = {"resize": [20, 30], "crop": [20, 30], "scale": 1, "mean": [0, 0, 0], "std": [1, 1, 1]}


def pixels(path: Path, **changes: Any) -> Any:
    return Preprocessor(parse_config({**PLAIN, **changes})).prep(str(path))


def refused(path: Path, **changes: Any) -> UserError:
    with pytest.raises(UserError) as caught:
        pixels(path, **changes)
    assert caught.value.where == str(path)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("library", ["pillow", "opencv"])
def test_sixteen_bits_are_divided_by_256(tmp_path: Path, library: str) -> None:
    samples = np.arange(600, dtype=np.uint16).reshape(20, 30) * 109
    path = tmp_path / "a.png"
    Image.fromarray(samples).save(path)
    got = pixels(path, library=library)
    assert np.array_equal(got[0], (samples >> 8).astype(np.float32))
    assert np.array_equal(got[0], got[2])


@pytest.mark.parametrize("library", ["pillow", "opencv"])
@pytest.mark.parametrize("suffix", ["webp", "tif", "bmp"])
def test_formats_by_their_content(tmp_path: Path, make_photo: Photo, suffix: str, library: str) -> None:
    image = make_photo(1, 30, 20)
    path = tmp_path / f"a.{suffix}"
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    image.save(path, **options)
    assert np.array_equal(pixels(path, library=library), np.asarray(image).transpose(2, 0, 1).astype(np.float32))


@pytest.mark.parametrize("library", ["pillow", "opencv"])
@pytest.mark.parametrize(
    "content", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nquit\n", b"GIF89a", b"P6 1 1 255 abc"]
)
def test_other_formats_are_not_opened(tmp_path: Path, content: bytes, library: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content + bytes(40))
    assert refused(path, library=library).what == "is not an image (JPEG, PNG, BMP, WEBP, TIFF)"


@pytest.mark.parametrize(
    ("suffix", "library"),
    [
        ("png", "pillow"),
        ("png", "opencv"),
        ("webp", "pillow"),
        ("webp", "opencv"),
        ("tif", "pillow"),
        ("tif", "opencv"),
    ],
)
def test_several_frames_are_refused(tmp_path: Path, make_photo: Photo, suffix: str, library: str) -> None:
    path = tmp_path / f"a.{suffix}"
    frames = [make_photo(number, 30, 20) for number in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert "frames" in refused(path, library=library).what


@pytest.mark.parametrize(("bits", "white", "sign"), [(12, 1, 1), (16, 0, 1), (16, 1, 2), (8, 1, 2)])
def test_a_tiff_that_would_be_black_or_a_negative_is_refused(tmp_path: Path, bits: int, white: int, sign: int) -> None:
    samples = bytes(16 * 16 * bits // 8)
    size, place = [(256, 16), (257, 16), (278, 16)], [(273, 8), (277, 1), (279, len(samples))]
    tags = sorted([*size, *place, (258, bits), (259, 1), (262, white), (339, sign)])
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    head, count = struct.pack("<I", 8 + len(samples)), struct.pack("<H", len(tags))
    (tmp_path / "a.tif").write_bytes(b"II*\0" + head + samples + count + entries + bytes(4))
    assert "samples" in refused(tmp_path / "a.tif").what


def test_samples_of_32_bits_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(np.ones((20, 30), np.float32)).save(path)
    assert "samples of 32 bits" in refused(path).what


@pytest.mark.parametrize("library", ["pillow", "opencv"])
@pytest.mark.parametrize("size", [(1, 200_000), (200_000, 1)])
def test_a_thin_picture_takes_no_gigabytes(tmp_path: Path, size: tuple[int, int], library: str) -> None:
    width, height = size
    path = tmp_path / "a.png"
    rows = zlib.compress(b"\0" + bytes(3 * width)) if height == 1 else zlib.compress((b"\0" + bytes(3)) * height)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    assert f"has {width} x {height} pixels" in refused(path, resize=512, library=library).what


def test_grey_tensors(tmp_path: Path, make_photo: Photo) -> None:
    image = make_photo(1, 30, 20)
    path = tmp_path / "a.png"
    image.save(path)
    got = pixels(path, color="GRAY", mean=[0], std=[1])
    assert got.shape == (1, 20, 30)
    assert np.array_equal(got[0], np.asarray(image.convert("L")).astype(np.float32))
    assert pixels(path, color="GRAY", mean=[0], std=[1], library="opencv").shape == (1, 20, 30)


def test_channels_last_and_other_types(tmp_path: Path, make_photo: Photo) -> None:
    image = make_photo(1, 30, 20)
    path = tmp_path / "a.png"
    image.save(path)
    raw = pixels(path, layout="NHWC", dtype="uint8")
    assert raw.dtype == np.uint8
    assert np.array_equal(raw, np.asarray(image))
    half = pixels(path, layout="NHWC", dtype="float16", scale=255)
    assert half.dtype == np.float16
    assert np.array_equal(half, (np.asarray(image) / np.float32(255)).astype(np.float16))


def test_a_letterbox(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 10), (200, 100, 50)).save(path)
    for library in ("pillow", "opencv"):
        got = pixels(path, fit="contain", resize=[20, 20], crop=[20, 20], pad=[1, 2, 3], library=library)
        assert (got[:, :7] == np.array([1, 2, 3]).reshape(3, 1, 1)).all()
        assert (got[:, 7:12] == np.array([200, 100, 50]).reshape(3, 1, 1)).all()
        assert (got[:, 12:] == np.array([1, 2, 3]).reshape(3, 1, 1)).all()
    swapped = pixels(path, fit="contain", resize=[20, 20], crop=[20, 20], pad=[1, 2, 3], color="BGR")
    assert swapped[:, 0, 0].tolist() == [1, 2, 3]
    assert swapped[:, 9, 9].tolist() == [50, 100, 200]


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is in the extra 'exporter'")
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear", "lanczos", "box", "hamming", "nearest"])
@pytest.mark.parametrize("mode", ["center", "squash", "border"])
@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
def test_pixels_are_those_of_timm(
    tmp_path: Path, make_photo: Photo, interpolation: str, mode: str, size: tuple[int, int]
) -> None:
    from kit.inside.network import import_timm
    from kit.newrecipe.timmconfig import preprocessing

    timm = import_timm()
    from timm.data.transforms_factory import transforms_imagenet_eval

    config = {
        "crop_pct": 0.9,
        "crop_mode": mode,
        "interpolation": interpolation,
        "mean": (0.485, 0.456, 0.406),
        "std": (0.229, 0.224, 0.225),
    }
    assert timm
    transform = transforms_imagenet_eval(img_size=size, **config)
    ours = Preprocessor(parse_config(preprocessing(config, size)))
    for number, shape in enumerate([(90, 70), (61, 133), (200, 51), (64, 64), (71, 71)]):
        image = make_photo(number, *shape)
        path = tmp_path / f"{number}.png"
        image.save(path)
        expected = transform(image).numpy()
        assert np.array_equal(ours.prep(str(path)).view(np.uint32), expected.view(np.uint32)), (shape, mode)
