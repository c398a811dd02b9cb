"""Reading an archive of a stranger: what it may not hold, and that no byte of it can be another."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kit.archive.checking import check_sums
from kit.archive.container import digests_of, read_archive, write_archive
from kit.archive.derived import SUMS, sums
from kit.errors import DamagedError, InvalidInputError


def problems(path: Path) -> str:
    """What the reading or the digests say is wrong."""
    try:
        return "\n".join(
            f"{one.subject}: {one.message}"
            for members in [read_archive(path)]
            for one in check_sums(members, digests_of(members))
            if one.state == "wrong"
        )
    except DamagedError as error:
        return str(error)


def flips(path: Path, every: int) -> int:
    """Flip a bit at a dozen places of each member, or of one in some; returns how many flips were refused by name."""
    data = path.read_bytes()
    with tarfile.open(path) as tar:
        places = [(one.name, one.offset, one.offset_data, one.size) for one in tar]
    damaged = path.with_name("damaged.tar")
    tried = 0
    for name, header, content, size in places[::every]:
        # name, mode, size, time, checksum, kind, magic, end of the header; the content; the padding behind it
        at = {header + 1, header + 100, header + 124, header + 136, header + 148, header + 156, header + 257}
        at |= {content - 1, content, content + size // 2, content + size - 1}
        at |= {content + size} if size % 512 else set()
        for place in sorted(at):
            damaged.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            said = problems(damaged)
            renamed = place == header + 1 and name[:1] + chr(ord(name[1]) ^ 1) + name[2:] in said
            assert name in said or renamed, (name, place - header, said)
            tried += 1
    for end in (data[:-1] + b"\1", data + bytes(512), data[:-512]):
        damaged.write_bytes(end)
        assert "'the end'" in problems(damaged)
    return tried


@pytest.mark.slow
def test_each_flipped_byte_is_refused_by_name(members: dict[str, bytes], tmp_path: Path) -> None:
    small = {name: data[:700] for name, data in members.items()}
    small[SUMS] = sums(digests_of(small))
    path = tmp_path / "small.tar"
    write_archive(path, small)
    assert not problems(path)
    assert flips(path, 2) > 180


@pytest.mark.slow
def test_flipped_bytes_of_a_whole_archive(archive: Path) -> None:
    assert flips(archive, 17) > 20


def test_each_flipped_byte_of_a_folder_is_refused_by_name(members: dict[str, bytes], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    write_archive(folder, members)
    assert not problems(folder)
    for name, data in members.items():
        path = folder / name
        path.write_bytes(bytes([data[0] ^ 32]) + data[1:])
        assert name in problems(folder)
        path.write_bytes(data)


def test_equal_members_give_equal_bytes(members: dict[str, bytes], tmp_path: Path) -> None:
    write_archive(tmp_path / "one.tar", members)
    write_archive(tmp_path / "two.tar", dict(reversed(list(members.items()))))
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def member(
    name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, len(data), link
    return info, data


HOSTILE = {
    "leaves the folder": [member("../etc/passwd", data=b"x")],
    "leaves it further in": [member("a/../../b", data=b"x")],
    "absolute": [member("/etc/passwd", data=b"x")],
    "control characters": [member("a\x1b[2Jb", data=b"x")],
    "a link": [member("a", tarfile.SYMTYPE, link="/etc/passwd")],
    "a hard link": [member("a", data=b"x"), member("b", tarfile.LNKTYPE, link="a")],
    "a device": [member("a", tarfile.CHRTYPE)],
    "a pipe": [member("a", tarfile.FIFOTYPE)],
    "twice": [member("a", data=b"x"), member("a", data=b"y")],
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_is_refused(case: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.tar"
    with tarfile.open(path, "w") as tar:
        for info, data in HOSTILE[case]:
            tar.addfile(info, io.BytesIO(data))
    with pytest.raises(DamagedError):
        read_archive(path)


def sparse(path: Path) -> None:
    """A file of one terabyte in a kilobyte."""
    info = tarfile.TarInfo("bomb")
    info.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.size": str(1 << 40), "GNU.sparse.map": f"{1 << 40},0"}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info)


def promised(path: Path) -> None:
    """A header that announces more than follows."""
    info = tarfile.TarInfo("bomb")
    info.size = 1 << 40
    path.write_bytes(info.tobuf() + bytes(1024))


def compressed(path: Path) -> None:
    with tarfile.open(path, "w:xz") as tar:
        tar.addfile(tarfile.TarInfo("a"))


@pytest.mark.parametrize("bomb", [sparse, promised, compressed])
def test_a_bomb_is_refused(bomb: Callable[[Path], None], tmp_path: Path) -> None:
    bomb(tmp_path / "bomb.tar")
    with pytest.raises(DamagedError):
        read_archive(tmp_path / "bomb.tar")


def test_a_link_in_a_folder_is_refused(members: dict[str, bytes], tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    write_archive(folder, members)
    (folder / "CLAIMS.md").unlink()
    (folder / "CLAIMS.md").symlink_to("/etc/hostname")
    with pytest.raises(DamagedError, match="CLAIMS.md"):
        read_archive(folder)


@pytest.mark.parametrize("name", ["a.tar.gz", "a.zip", "taken"])
def test_what_cannot_be_written_is_told(name: str, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    with pytest.raises(InvalidInputError):
        write_archive(tmp_path / name, {"a": b""})
    assert (tmp_path / "taken" / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html>login", "a web page"),
        (gzip.compress(b"x" * 10_240, mtime=0), "is compressed"),
        (lzma.compress(b"x" * 10_240), "is compressed"),
        (b"words", "not a plain tar file"),
    ],
)
def test_what_is_in_the_place_of_an_archive_is_named(data: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "digits.tar"
    path.write_bytes(data)
    with pytest.raises(DamagedError, match=words):
        read_archive(path)
