"""Below a root no name leads out of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.errors import InvalidInputError
from kit.storage.files import copy_folder, exclusive, write_atomically
from kit.storage.root import Root


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "precious").write_text("precious")
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Root:
    root = Root(tmp_path / "root")
    root.make("a", "b")
    return root


def test_files_are_written_read_renamed_and_removed(root: Root) -> None:
    assert root.write("a", "x", data=b"1")
    assert not root.write("a", "x", data=b"1")
    assert root.write("new", "folder", "y", data=b"2")
    assert root.read("a", "x", limit=1) == b"1"
    root.rename(("a", "x"), ("b", "z"))
    assert root.names("b") == ["z"]
    assert root.names("a") == ["b"]
    assert root.names("nowhere") == []
    root.remove("new")
    root.remove("nowhere", "x")
    assert root.names() == ["a", "b"]
    with pytest.raises(InvalidInputError, match="more than 0 bytes"):
        root.read("b", "z", limit=0)


def test_an_error_below_a_root_tells_the_whole_path(root: Root) -> None:
    root.write("a", "file", data=b"")
    long = "x" * 300
    uses: dict[tuple[str, ...], Callable[[tuple[str, ...]], object]] = {
        ("a", long, "b"): lambda names: root.make(*names),
        ("a", long): lambda names: root.write(*names, data=b""),
        ("b", long): lambda names: root.rename(("a", "file"), names),
        ("b", "b" * 300): lambda names: root.remove(*names),
        ("a", "c" * 300): lambda names: root.mode(*names),
    }
    for names, use in uses.items():
        with pytest.raises(OSError, match="too long") as error:
            use(names)
        assert error.value.filename == str(root.path.joinpath(*names[:2]))
        assert error.value.filename2 is None


USES: dict[str, Callable[[Root], object]] = {
    "read": lambda root: root.read("a", "link", "precious", limit=100),
    "read file": lambda root: root.read("a", "file", limit=100),
    "write": lambda root: root.write("a", "link", "precious", data=b"lost"),
    "open": lambda root: root.open("a", "file", flags=os.O_WRONLY | os.O_TRUNC, create=True),
    "make": lambda root: root.make("a", "link", "more"),
    "names": lambda root: root.names("a", "link"),
    "remove": lambda root: root.remove("a", "link", "precious"),
    "rename": lambda root: root.rename(("a", "link", "precious"), ("a", "stolen")),
    "rename into": lambda root: root.rename(("a", "b"), ("a", "link", "b")),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_a_link_is_refused(use: Callable[[Root], object], root: Root, outside: Path) -> None:
    (root.path / "a" / "link").symlink_to(outside)
    (root.path / "a" / "file").symlink_to(outside / "precious")
    with pytest.raises(InvalidInputError, match="this is a link") as caught:
        use(root)
    assert caught.value.where in {str(root.path / "a" / "link"), str(root.path / "a" / "file")}
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (outside / "precious").read_text() == "precious"


def test_a_link_itself_is_replaced_or_removed(root: Root, outside: Path) -> None:
    (root.path / "link").symlink_to(outside / "precious")
    root.write("link", data=b"ours")
    assert (root.path / "link").read_bytes() == b"ours"
    (root.path / "folder").symlink_to(outside)
    root.remove("folder")
    assert (outside / "precious").read_text() == "precious"


def test_the_root_itself_is_no_link(root: Root, tmp_path: Path, outside: Path) -> None:
    (tmp_path / "link").symlink_to(outside)
    with pytest.raises(InvalidInputError, match="this is a link"):
        Root(tmp_path / "link").write("x", data=b"")


def test_a_second_name_of_a_file_and_a_pipe_are_refused(root: Root, outside: Path) -> None:
    os.link(outside / "precious", root.path / "lock")
    for flags in (os.O_RDWR, os.O_WRONLY | os.O_TRUNC):
        with pytest.raises(InvalidInputError, match="second name"):
            root.open("lock", flags=flags, create=True)
    assert (outside / "precious").read_text() == "precious"
    os.mkfifo(root.path / "pipe")
    with pytest.raises(InvalidInputError, match="not a regular file"):
        root.read("pipe", limit=1)


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o007, 0o660)])
def test_the_umask_is_honoured(umask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        write_atomically(tmp_path / "x", b"1")
        Root(tmp_path).write("y", data=b"1")
    finally:
        os.umask(before)
    assert [path.stat().st_mode & 0o777 for path in sorted(tmp_path.iterdir())] == [mode, mode]


def test_a_report_folder_that_is_a_link_is_not_entered(tmp_path: Path, outside: Path) -> None:
    (outside / ".x.partial").write_text("precious")
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / "model").symlink_to(outside)
    for folder in (reports / "model", reports / "model" / "simulated"):
        with pytest.raises(InvalidInputError, match="this is a link"), exclusive(folder, reports):
            pass
    assert sorted(path.name for path in outside.iterdir()) == [".x.partial", "precious"]


def test_the_folder_that_the_user_names_may_be_reached_through_a_link(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "reports").symlink_to(outside)
    with exclusive(tmp_path / "reports" / "model", tmp_path / "reports"):
        assert (outside / "model").is_dir()


def test_a_copy_goes_through_no_link(tmp_path: Path, outside: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "bins").mkdir(parents=True)
    (source / "model.onnx").write_bytes(b"model")
    (source / "bins" / "a.bin").write_bytes(b"a")
    copy_folder(source, target)
    copy_folder(source, target)  # over what is there
    assert sorted(path.name for path in target.rglob("*")) == ["a.bin", "bins", "model.onnx"]
    for name in ("model.onnx", "bins"):
        other = tmp_path / f"with-{name}"
        other.mkdir()
        (other / name).symlink_to(outside / ("precious" if name == "model.onnx" else ""))
        with pytest.raises(InvalidInputError, match="this is a link"):
            copy_folder(source, other)
    (tmp_path / "link").symlink_to(outside)
    with pytest.raises(InvalidInputError, match="this is a link"):
        copy_folder(source, tmp_path / "link")
    assert [path.name for path in outside.iterdir()] == ["precious"]
    assert (outside / "precious").read_text() == "precious"
