"""Files that the user names: read whole, or refused at once."""

from __future__ import annotations

import os
import pickle
import time
from pathlib import Path

import pytest

from kit.errors import DamagedError, Exit, InvalidInputError, KitError, MissingError
from kit.storage.inputs import absent, read_input


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    assert read_input(tmp_path / "a", 10) == b"x" * 10
    (tmp_path / "link").symlink_to("a")
    assert read_input(tmp_path / "link", 10) == b"x" * 10


def test_what_is_larger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * (1 << 20))
    with pytest.raises(DamagedError, match="the log is larger than the limit of 0 MiB"):
        read_input(tmp_path / "a", 1000, "log")
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DamagedError, match="64 MiB"):
        read_input(tmp_path / "sparse", 64 << 20)


@pytest.mark.parametrize("name", ["pipe", "/dev/zero", "/dev/null", "/dev/random"])
def test_what_has_no_end_is_refused_at_once(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    start = time.perf_counter()
    with pytest.raises(InvalidInputError, match="not a regular file"):
        read_input(tmp_path / name, 1000)
    assert time.perf_counter() - start < 5


def test_paths_of_no_use(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="no such report"):
        read_input(tmp_path / "a", 10, "report")
    with pytest.raises(InvalidInputError, match="this is a directory, not a input"):
        read_input(tmp_path, 10)
    for path in (tmp_path / ("x" * 5000), Path("a\0b")):
        with pytest.raises(KitError):
            read_input(path, 10)
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(InvalidInputError):
        read_input(tmp_path / "circle", 10)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("nothing", "there is none"),
        ("pipe", "a named pipe"),
        ("folder", "a folder"),
        ("device", "a device"),
        ("dangling", "leads nowhere"),
        ("circle", "Too many levels"),
    ],
)
def test_what_stands_in_the_place_of_a_file_is_named(tmp_path: Path, kind: str, words: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, target in (("device", "/dev/null"), ("dangling", "nowhere"), ("circle", "circle")):
        (tmp_path / name).symlink_to(target)
    error = absent("there is none", tmp_path / kind, "give one")
    assert isinstance(error, MissingError)
    assert words in error.what


def test_an_error_goes_from_process_to_process() -> None:
    error = DamagedError("broken", where="a.md", remedy="get it again")
    error.exit_code = Exit.STEP
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.remedy, again.exit_code) == (DamagedError, "a.md: broken", "get it again", 9)
