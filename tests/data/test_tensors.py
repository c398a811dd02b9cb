"""Preprocessed files that the user brings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kit.data.tensors import check_tensors
from kit.errors import DamagedError, InvalidInputError, KitError, MissingError

SHAPE = (3, 4, 5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prep_bin").mkdir()
    names = [f"a{number}.bin" for number in range(4)]
    for name in names:
        (tmp_path / "prep_bin" / name).write_bytes(bytes(240))
    text = "".join(f"{number} ./prep_bin/{name} 5 4\n" for number, name in enumerate(names))
    (tmp_path / "dataset.info").write_text(text)
    return tmp_path


def info(old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "dataset.info"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    return change


def test_whole_ones_are_taken(folder: Path) -> None:
    check_tensors(folder, SHAPE)


@pytest.mark.parametrize(
    ("damage", "family", "words"),
    [
        (lambda folder: (folder / "prep_bin/a1.bin").write_bytes(bytes(239)), DamagedError, "has 239 bytes"),
        (lambda folder: (folder / "prep_bin/a1.bin").write_bytes(b""), DamagedError, "has 0 bytes"),
        (lambda folder: (folder / "prep_bin/more").mkdir(), DamagedError, "not a regular file"),
        (lambda folder: (folder / "prep_bin/more").symlink_to("x"), DamagedError, "leads nowhere"),
        (lambda folder: (folder / "prep_bin/a1.bin").unlink(), InvalidInputError, "'a1.bin' is in one only"),
        (lambda folder: (folder / "prep_bin/b.bin").write_bytes(bytes(240)), InvalidInputError, "'b.bin' is in one"),
        (lambda folder: (folder / "prep_bin").rename(folder / "x"), MissingError, "no such folder"),
        (lambda folder: (folder / "dataset.info").unlink(), MissingError, "no list"),
        (info("1 ./prep_bin/a1.bin 5 4\n", ""), InvalidInputError, "dataset.info:2"),
        (info("2 ./", "3 ./"), InvalidInputError, "dataset.info:3"),
        (info(" 5 4\n3", " 4 5\n3"), InvalidInputError, "dataset.info:3"),
        (info("a3.bin", "a 3.bin"), InvalidInputError, "dataset.info:4"),
    ],
)
def test_what_is_wrong_is_named(
    folder: Path, damage: Callable[[Path], object], family: type[KitError], words: str
) -> None:
    damage(folder)
    with pytest.raises(family) as caught:
        check_tensors(folder, SHAPE)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.remedy


def test_a_list_without_end_is_not_read(folder: Path) -> None:
    with (folder / "dataset.info").open("r+b") as file:
        file.truncate(10 << 30)  # sparse: it takes no room
    with pytest.raises(InvalidInputError, match="bytes"):
        check_tensors(folder, SHAPE)
