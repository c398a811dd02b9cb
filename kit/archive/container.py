"""The archive as a file or folder: equal members give equal bytes, and a stranger's is read without trust."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

from kit.errors import DamagedError, InvalidInputError
from kit.inside.mistaken import mistaken_for
from kit.storage.files import os_errors, write_atomically
from kit.storage.inputs import read_input
from kit.storage.tarball import tar_bytes, write_members

__all__ = ["MAX_BYTES", "Members", "digests_of", "is_plain", "read_archive", "write_archive"]

Members = Mapping[str, bytes]

#: Of the whole archive, which is held in memory; and how many members it may have.
MAX_BYTES = 1 << 30
_MAX_MEMBERS = 100_000
_COMPRESSED = {".gz", ".tgz", ".xz", ".txz", ".bz2", ".zst", ".zip", ".7z"}
_COMPRESSED_STARTS = (b"\x1f\x8b", b"\xfd7zXZ", b"BZh", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"7z\xbc\xaf")
_REMEDY = "get the archive again from where it was published"


def digests_of(members: Members) -> dict[str, str]:
    """Member -> its sha256."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}


def is_plain(name: str) -> bool:
    """Whether a name stays below the folder that it is unpacked into, on any file system, and can be printed."""
    parts = name.split("/")
    return (
        name.isprintable()
        and "\\" not in name
        and len(name) <= 500
        and all(part and part not in {".", ".."} and len(part.encode()) <= 255 for part in parts)
    )


def write_archive(out: Path, members: Members) -> None:
    """Write a ``.tar`` file, or with any other name a folder that is absent or empty.

    Raises:
        InvalidInputError: the folder holds something, or the name says that it is compressed.
        ResourceError: no space, no permission.
    """
    if out.suffix.lower() in _COMPRESSED:
        raise InvalidInputError(
            "an archive is a .tar file or a folder", where=str(out), remedy=f"write {out.stem}.tar, and compress that"
        )
    total = sum(map(len, members.values()))
    if total > MAX_BYTES or len(members) > _MAX_MEMBERS:
        raise InvalidInputError(
            f"the archive would hold {len(members)} files and {total >> 20} MiB; the limits are {_MAX_MEMBERS} and"
            f" {MAX_BYTES >> 20} MiB",
            where=str(out),
            remedy="leave weights or data out: the archive has their digests",
        )
    if out.suffix == ".tar":
        write_atomically(out, tar_bytes(members))
        return
    with os_errors(out):
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise InvalidInputError(
                "the folder is not empty", where=str(out), remedy="give a new folder, or a file that ends with .tar"
            )
        write_members(members, out)


def read_archive(path: Path) -> dict[str, bytes]:
    """The members of an archive.

    Raises:
        MissingError: there is no such file.
        DamagedError: a link, a device, a name that leads out of it or stands twice, more than the limits, or a tar file
            that :func:`write_archive` would not have written: a byte of a header was changed.
    """
    if path.is_dir():
        return _folder(path)
    data = read_input(path, MAX_BYTES + (_MAX_MEMBERS << 11), "archive")
    if wrong := mistaken_for(data[:512]):
        raise DamagedError(f"this is {wrong[0]}, not an archive", where=str(path), remedy=wrong[1])
    if data.startswith(_COMPRESSED_STARTS):
        raise DamagedError("the archive is compressed", where=str(path), remedy="decompress it, and give the .tar file")
    found: dict[str, bytes] = {}
    ends: list[tuple[int, str]] = []
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for member in archive:
                if member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE} or member.sparse is not None:
                    raise _damaged(path, f"holds {member.name!r}, which is not a regular file")
                if member.offset_data + member.size > len(data):
                    raise _damaged(path, f"ends within {member.name!r}")
                ends.append((member.offset_data + (member.size + 511) // 512 * 512, member.name))
                _add(found, member.name, data[member.offset_data : member.offset_data + member.size], path)
    except (tarfile.TarError, ValueError, EOFError, OSError) as error:
        raise _damaged(path, f"is not a plain tar file: {error}, at {_raw_name(data, 0)!r}") from error
    canonical = tar_bytes(found)
    if canonical != data:
        raise _damaged(path, f"was changed in the header of {_changed(data, canonical, ends)!r}")
    return found


def _changed(data: bytes, canonical: bytes, ends: list[tuple[int, str]]) -> str:
    """The member in whose header or padding two tar files first differ; ``ends`` are where the members end."""
    first = next((at for at, (one, other) in enumerate(zip(data, canonical, strict=False)) if one != other), len(data))
    name = next((name for end, name in ends if first < end), "")
    # Behind the last member that could be read stands the damaged header of another, or the zeros at the end.
    return name or _raw_name(data, ends[-1][0] if ends else 0) or "the end"


def _raw_name(data: bytes, start: int) -> str:
    """The name in a header that may be damaged; the first one is the only one whose damage ends the reading."""
    return data[start : start + 100].split(b"\0")[0].decode("ascii", "replace")


def _folder(top: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    left = MAX_BYTES
    with os_errors(top):
        for folder, folders, names in os.walk(top):
            for one in sorted((*folders, *names)):
                path = Path(folder) / one
                name = path.relative_to(top).as_posix()
                if path.is_symlink() or not (path.is_dir() or path.is_file()):
                    raise _damaged(top, f"holds {name!r}, which is not a regular file")
                if path.is_file():
                    data = read_input(path, left, "file of the archive")
                    left -= len(data)
                    _add(found, name, data, top)
    return found


def _add(found: dict[str, bytes], name: str, data: bytes, path: Path) -> None:
    if not is_plain(name):
        raise _damaged(path, f"holds {name!r}, which does not stay in its folder")
    if name in found:
        raise _damaged(path, f"holds {name!r} twice")
    found[name] = data
    if len(found) > _MAX_MEMBERS:
        raise _damaged(path, f"holds more than {_MAX_MEMBERS} files")


def _damaged(path: Path, problem: str) -> DamagedError:
    return DamagedError(f"the archive {problem}", where=str(path), remedy=_REMEDY)
