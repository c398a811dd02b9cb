"""The program that preprocesses a folder: its files, what it refuses, and what a second run finds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kit.inside.pixels import Preprocessor
from kit.inside.preprocess import write_info
from kit.inside.protocol import UserError
from tests.publishedpixels import published

pytestmark = pytest.mark.slow

SMALL = '{"resize": [36, 36], "crop": [32, 32]}'


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
