"""Preprocessing against the published arithmetic, written plainly here; odd images; processes really killed."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from kit.inside.pixels import Config, Preprocessor, parse_config
from kit.inside.pool import Pool
from kit.inside.preprocess import write_info
from kit.inside.protocol import UserError

pytestmark = pytest.mark.slow

KIT = Path(__file__).parents[2] / "kit"
SMALL = '{"resize": [36, 36], "crop": [32, 32]}'
Photo = Callable[..., Image.Image]


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


# --- the program ---------------------------------------------------------------------------------------------------


def test_bin_files_and_info_file(program: Any, images: Path, tmp_path: Path) -> None:
    arguments = ["--images", "images", "--preprocess", SMALL, "--out", "prep_bin", "--width", 32, "--height", 32]
    done = program(
        "preprocess", *arguments, "--info", "prep.info", "--info-prefix", "./prep_bin", "--out-json", "a.json"
    )
    assert done.code == 0, done.err
    names = sorted(path.name for path in images.iterdir())
    for name in names:
        made = (tmp_path / "prep_bin" / name).with_suffix(".bin").read_bytes()
        assert made == published(images / name, Preprocessor(json.loads(SMALL)).config).tobytes()
    lines = (tmp_path / "prep.info").read_bytes().decode()
    assert lines == "".join(f"{i} ./prep_bin/{Path(name).stem}.bin 32 32\n" for i, name in enumerate(names))
    assert len(list((tmp_path / "prep_bin").iterdir())) == len(names)


def test_second_run_writes_over_what_is_there(program: Any, images: Path, tmp_path: Path) -> None:
    arguments = ["--images", "images", "--preprocess", SMALL, "--out", "out"]
    assert program("preprocess", *arguments).code == 0
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    damaged, longer, linked = (tmp_path / "out" / f"image_0{n}.bin" for n in range(3))
    damaged.write_bytes(b"short")
    longer.write_bytes(bytes(100_000))
    (tmp_path / "kept").hardlink_to(linked)
    kept = linked.read_bytes()
    linked.write_bytes(kept[::-1])
    assert program("preprocess", *arguments).code == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == first
    assert (tmp_path / "kept").read_bytes() == kept[::-1]  # a file with a second name is not written into


def test_foreign_tensors_are_refused(program: Any, images: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "other.bin").write_bytes(b"x")
    done = program("preprocess", "--images", images, "--preprocess", SMALL, "--out", "out")
    assert (done.code, done.error["where"]) == (64, "out")
    assert "other.bin" in done.error["what"]


def test_packed_layout_holds_the_same(program: Any, images: Path, tmp_path: Path) -> None:
    done = program("preprocess", "--images", images, "--preprocess", SMALL, "--out", "out", "--layout", "packed")
    assert done.code == 0, done.err
    array = np.load(tmp_path / "out" / "tensors.npy")
    names = (tmp_path / "out" / "images.txt").read_text().splitlines()
    assert names == sorted(path.name for path in images.iterdir())
    preprocess = Preprocessor(json.loads(SMALL))
    assert array.tobytes() == b"".join(preprocess.prep(str(images / name)).tobytes() for name in names)


def test_number_of_workers_changes_nothing(program: Any, images: Path, tmp_path: Path) -> None:
    for workers in (1, 3):
        done = program(
            "preprocess", "--images", images, "--preprocess", SMALL, "--out", f"out{workers}", "--workers", workers
        )
        assert done.code == 0
    for path in (tmp_path / "out1").iterdir():
        assert path.read_bytes() == (tmp_path / "out3" / path.name).read_bytes()


def test_first_broken_image_is_named(program: Any, images: Path) -> None:
    for number in (19, 3, 11):
        path = images / f"image_{number:02d}.jpg"
        path.write_bytes(path.read_bytes()[:-200])
    done = program("preprocess", "--images", images, "--preprocess", SMALL, "--out", "out", "--workers", 2)
    assert done.code == 64
    assert done.error["kind"] == "damaged"
    assert done.error["where"].endswith("image_03.jpg")
    assert "truncated" in done.error["what"]
    assert "Traceback" not in done.err


def test_same_stem_twice(program: Any, images: Path) -> None:
    shutil.copy(images / "image_00.jpg", images / "image_00.x.png")
    done = program("preprocess", "--images", images, "--preprocess", SMALL, "--out", "out")
    assert done.code == 64
    assert "image_00.jpg and image_00.x.png" in done.error["what"]


def test_crop_and_input_shape_must_agree(program: Any, images: Path) -> None:
    done = program(
        "preprocess", "--images", images, "--preprocess", SMALL, "--out", "out", "--width", 224, "--height", 224
    )
    assert (done.code, done.error["kind"]) == (64, "invalid")
    assert "32 x 32" in done.error["what"]


def test_blank_in_a_path_of_the_info_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="blank"):
        write_info(str(tmp_path / "a.info"), ["my image.jpg"], "./prep_bin", 2, 2)
    assert not (tmp_path / "a.info").exists()


@pytest.mark.parametrize("text", ["{", "absent.json", "[1]"])
def test_preprocess_argument(program: Any, images: Path, text: str) -> None:
    done = program("preprocess", "--images", images, "--preprocess", text, "--out", "out")
    assert done.code == 64


def test_full_disk_is_the_users_error(program: Any, images: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "tensors.npy").symlink_to("/dev/full")
    done = program("preprocess", "--images", images, "--preprocess", SMALL, "--out", "out", "--layout", "packed")
    assert (done.code, done.error["kind"]) == (64, "resource")
    assert "no space left" in done.error["what"]


def test_link_in_the_place_of_a_tensor_is_replaced(program: Any, images: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").write_bytes(b"kept")
    link = tmp_path / "out" / "image_05.bin"
    link.symlink_to(tmp_path / "elsewhere")
    assert program("preprocess", "--images", images, "--preprocess", SMALL, "--out", "out").code == 0
    assert (tmp_path / "elsewhere").read_bytes() == b"kept"
    assert link.stat(follow_symlinks=False).st_size == 4 * 3 * 32 * 32


def many(images: Path, folder: Path, count: int) -> None:
    """`count` names of one large photograph."""
    folder.mkdir()
    source = folder / "source.png"
    Image.open(images / "image_01.jpg").resize((1500, 1200)).save(source, compress_level=1)
    for number in range(count):
        (folder / f"{number:05d}.png").hardlink_to(source)


def start(folder: Path, out: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "inside.preprocess", "--images", str(folder), "--preprocess", SMALL, "--out", str(out)],
        env={"PYTHONPATH": str(KIT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("@kit ")  # the first progress: all workers are at work
    return process


def alive(pids: list[int]) -> list[int]:
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            if state != "Z":
                found.append(pid)
    return found


def children(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_gone(pids: list[int], seconds: float) -> list[int]:
    end = time.monotonic() + seconds
    while (left := alive(pids)) and time.monotonic() < end:
        time.sleep(0.01)
    return left


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_all_workers_at_once(images: Path, tmp_path: Path, number: signal.Signals) -> None:
    many(images, tmp_path / "many", 400)
    with start(tmp_path / "many", tmp_path / "out") as process:
        workers = children(process.pid)
        assert workers
        begun = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
        assert time.monotonic() - begun < 2  # half a second, and patience with a busy machine
        assert process.returncode == 128 + number
        assert wait_gone(workers, 1) == []
        assert err == ""


def test_workers_of_a_killed_parent_go(images: Path, tmp_path: Path) -> None:
    many(images, tmp_path / "many", 400)
    with start(tmp_path / "many", tmp_path / "out") as process:
        workers = children(process.pid)
        process.kill()
        assert wait_gone(workers, 10) == []


def test_killed_worker_is_told(images: Path, tmp_path: Path) -> None:
    many(images, tmp_path / "many", 400)
    with start(tmp_path / "many", tmp_path / "out") as process:
        workers = [pid for pid in children(process.pid) if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]
        os.kill(workers[0], signal.SIGKILL)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 64, err
        assert "a worker process ended by signal 9" in out
        assert wait_gone(workers, 1) == []


# --- the pool ------------------------------------------------------------------------------------------------------


def _setup(fault: str) -> Callable[[int], int]:
    if fault == "setup":
        raise UserError("cannot start", "Try again.")

    def work(task: int) -> int:
        if task == 5 and fault == "exit":
            os._exit(3)
        if task == 5 and fault == "defect":
            raise ZeroDivisionError
        if task == 5 and fault == "full":
            raise OSError(28, "No space left on device", "a.bin")
        time.sleep(0.01 * (task % 3))
        return task * task

    return work


def test_results_come_in_order_and_no_more_than_the_window_is_taken() -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for number in range(40):
            taken.append(number)
            yield number

    with Pool(3, _setup, "") as pool:
        for number, square in enumerate(pool.map(tasks(), window=7)):
            assert square == number**2
            assert len(taken) <= number + 7 + 1
    assert len(taken) == 40


@pytest.mark.parametrize(
    ("fault", "error", "what"),
    [
        ("setup", UserError, "cannot start"),
        ("exit", UserError, "ended with exit code 3"),
        ("defect", RuntimeError, "ZeroDivisionError"),
        ("full", OSError, "No space left"),
    ],
)
def test_errors_of_workers_arrive(fault: str, error: type[Exception], what: str) -> None:
    with pytest.raises(error, match=what), Pool(2, _setup, fault) as pool:
        list(pool.map(range(20), window=8))
