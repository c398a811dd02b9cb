"""Images of a folder and labels of a file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.inside import labels as label_file
from kit.inside.labelforms import folder_labels
from kit.inside.labels import list_images, match, read_labels, stem
from kit.inside.protocol import UserError


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def refused(path: Path, text: str | bytes, classes: int | None = 10) -> UserError:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as caught:
        read_labels(str(path), classes)
    return caught.value


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.JPEG", "a"), ("a.b.jpg", "a"), ("ILSVRC2012_val_00000001.JPEG", "ILSVRC2012_val_00000001"), ("c/a.png", "a")],
)
def test_stem_ends_at_the_first_dot(name: str, expected: str) -> None:
    assert stem(name) == expected


def test_images_are_sorted_by_code_point_and_others_left_out(tmp_path: Path) -> None:
    touch(
        tmp_path, "b.jpg", "B.JPG", "a.jpeg", "é.png", "c.bmp", "10.jpg", "9.jpg", "val_label.txt", "._a.jpg", "d.gif"
    )
    assert list_images(str(tmp_path)) == ["10.jpg", "9.jpg", "B.JPG", "a.jpeg", "b.jpg", "c.bmp", "é.png"]


def test_link_to_an_image_counts(tmp_path: Path) -> None:
    touch(tmp_path / "store", "1")
    touch(tmp_path / "images", "a.jpg")
    (tmp_path / "images" / "b.jpg").symlink_to(tmp_path / "store" / "1")
    assert list_images(str(tmp_path / "images")) == ["a.jpg", "b.jpg"]


def test_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert list_images(str(tmp_path)) == ["a.jpg"]


def test_dangling_link(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg")
    (tmp_path / "b.jpg").symlink_to("/nowhere/else.jpg")
    with pytest.raises(UserError, match="link points to no file") as caught:
        list_images(str(tmp_path))
    assert caught.value.kind == "missing"
    assert str(caught.value.where).endswith("b.jpg")


def test_fifo_is_not_an_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(UserError, match="not a regular file"):
        list_images(str(tmp_path))


@pytest.mark.parametrize("name", [b"a\xff.jpg", b"a\n.jpg"])
def test_name_that_cannot_be_printed(tmp_path: Path, name: bytes) -> None:
    Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(b"x")
    with pytest.raises(UserError, match="not printable") as caught:
        list_images(str(tmp_path))
    assert str(caught.value).isprintable()


def test_images_in_subfolders_are_not_lost_unseen(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "n01440764/b.jpg")
    with pytest.raises(UserError, match="subfolders"):
        list_images(str(tmp_path))


def test_one_folder_per_class(tmp_path: Path) -> None:
    touch(tmp_path, "n02/a.jpg", "n01/z.jpg", "n01/b.JPEG", "n03/readme.txt")
    names = list_images(str(tmp_path), "folders")
    assert names == ["n01/b.JPEG", "n01/z.jpg", "n02/a.jpg"]
    assert folder_labels(names, None, str(tmp_path)) == {"n01__b": 0, "n01__z": 0, "n02__a": 1}


@pytest.mark.parametrize("folder", ["empty", "absent"])
def test_no_images(tmp_path: Path, folder: str) -> None:
    touch(tmp_path / "empty", "notes.txt")
    with pytest.raises(UserError) as caught:
        list_images(str(tmp_path / folder))
    assert caught.value.kind == "missing"


def test_labels_keep_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "val_label.txt"
    path.write_bytes(b"\xef\xbb\xbfb.JPEG 65\r\na.x.JPEG   970\n\nc/d.jpg\t0\n")
    assert read_labels(str(path), 1000) == {"b": 65, "a": 970, "d": 0}


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a.jpg 1\nb.jpg\n", 2, "no label"),
        ("a.jpg 1\nb.jpg 1.0\n", 2, "not a whole number"),
        ("a.jpg one\n", 1, "not a whole number"),
        ("my image.jpg 5\n", 1, "not a whole number"),
        ("a.jpg 10\n", 1, "not in 0..9"),
        ("a.jpg -1\n", 1, "not in 0..9"),
        ("a.jpg 1\nb.jpg 2\na.jpg 1\n", 3, "has a label already"),
        ("a.x.jpg 1\na.y.jpg 1\n", 2, "has a label already"),
        (".jpg 1\n", 1, "empty up to its first dot"),
        ("a.jpg 1\n" + "b" * 5000 + " 1\n", 2, "too long"),
        (b"a.jpg 1\n\xff\xfe.jpg 2\n", 2, "not UTF-8"),
        ("a.jpg ٣\n", 1, "not a whole number"),
    ],
)
def test_wrong_line_is_named(tmp_path: Path, text: str | bytes, line: int, what: str) -> None:
    error = refused(tmp_path / "labels.txt", text)
    assert what in error.what
    assert str(error.where).endswith(f"labels.txt:{line}")


@pytest.mark.parametrize("text", ["", "\n\n  \n"])
def test_empty_label_file(tmp_path: Path, text: str) -> None:
    assert "no label" in refused(tmp_path / "labels.txt", text).what


def test_label_far_beyond_any_class(tmp_path: Path) -> None:
    assert "not in" in refused(tmp_path / "labels.txt", "a.jpg 99999999999\n", None).what


@pytest.mark.slow
def test_huge_label_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "labels.txt"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # sparse: reading it would end in no memory
    with pytest.raises(UserError, match="which no label file has"):
        read_labels(str(path))


@pytest.mark.parametrize("name", ["absent.txt", "."])
def test_no_label_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError):
        read_labels(str(tmp_path / name))


def test_match_gives_labels_in_the_order_of_the_images() -> None:
    assert match(["a.jpg", "b.jpg"], {"b": 2, "a": 1}, "x") == [1, 2]


def test_image_without_label() -> None:
    with pytest.raises(UserError, match="1 of 2 images have no label: b.jpg"):
        match(["a.jpg", "b.jpg"], {"a": 1}, "x")


def test_label_without_image() -> None:
    with pytest.raises(UserError, match="5 of 6 labels have no image: b, c, d and 2 more") as caught:
        match(["a.jpg"], dict.fromkeys("abcdef", 1), "x")
    assert caught.value.kind == "missing"
    assert match(["a.jpg"], dict.fromkeys("abcdef", 1), "x", subset=True) == [1]


def test_two_images_of_one_key() -> None:
    with pytest.raises(UserError, match="same name up to the first dot"):
        match(["a.1.jpg", "a.2.jpg"], {"a": 1}, "x")


LINES = st.lists(
    st.tuples(
        st.sampled_from(["a", "b.JPEG", "c.d.png", ".e", "f/g.jpg", "é.png", "", " ", "a_1", "\x0b"]),
        st.sampled_from([" ", "  ", "\t", ""]),
        st.sampled_from(["0", "7", "007", "10", "+3", "-1", "x", "9999999999", "1 2", ""]),
        st.sampled_from(["\n", "\r\n", "\n\n", "", "\r"]),
    ).map("".join),
    max_size=6,
).map("".join)


@given(text=LINES)
def test_the_quick_way_reads_what_the_careful_one_reads(text: str) -> None:
    quick = label_file._plain(text.encode(), 9)
    if quick:
        assert list(quick.items()) == list(label_file._line_by_line(text.encode(), 9, "labels").items())


def test_a_usual_file_is_read_the_quick_way() -> None:
    text = "".join(f"ILSVRC2012_val_{number:08d}.JPEG {number % 1000}\n" for number in range(1, 2001))
    assert label_file._plain(text.encode(), 999) == label_file._line_by_line(text.encode(), 999, "labels")
