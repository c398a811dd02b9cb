"""SHA-256 and MD5 of files and folders, streamed, on all cores."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from kit.errors import InvalidInputError, MissingError, ResourceError

__all__ = ["FileDigest", "Listing", "digest_file", "digest_files", "listing", "tree_digest"]

#: Fits into a core's cache, so that what was read is hashed from there; a tensor of 3 x 224 x 224 is two reads.
_BLOCK = 1 << 19
_buffers = threading.local()


@dataclass(frozen=True)
class FileDigest:
    """A file's digests and its size in bytes."""

    sha256: str
    md5: str
    bytes: int


@dataclass(frozen=True)
class Listing:
    """The files of a folder by relative path, sorted, with what shows whether one was touched."""

    root: Path
    files: tuple[tuple[str, int, int, int], ...]  # relative path, size, mtime_ns, inode
    changed: tuple[int, ...] = ()  # ctime_ns of each: a program may set the other time back, but not this one

    @property
    def key(self) -> str:
        """Digest of the listing itself: equal when no file was touched, added or removed."""
        text = "".join(f"{path}\0{size}\0{mtime}\0{inode}\n" for path, size, mtime, inode in self.files)
        text += "\0".join(map(str, self.changed))
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def digest_file(path: Path, *, md5: bool = True) -> FileDigest:
    """Digests of one file in one pass.

    Raises:
        MissingError, ResourceError: it is not there, or not readable.
        InvalidInputError: a pipe or a device, which may have no end.
    """
    sha, old = hashlib.sha256(), hashlib.md5(usedforsecurity=False) if md5 else None
    size = 0
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe opens at once, and is refused below
        try:
            mode = os.fstat(handle).st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise InvalidInputError("this is not a regular file", where=str(path), remedy="give a regular file")
            view = _buffer()
            while count := os.readv(handle, [view]):
                sha.update(view[:count])
                if old:
                    old.update(view[:count])
                size += count
        finally:
            os.close(handle)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise MissingError("there is no such file", where=str(path), remedy="check the path") from error
    except OSError as error:
        raise ResourceError(
            f"the file cannot be read: {error.strerror}", where=str(path), remedy="check its permissions and the disk"
        ) from error
    return FileDigest(sha.hexdigest(), old.hexdigest() if old else "", size)


def _buffer() -> memoryview:
    """One buffer per thread: making a new one for each file costs as much as hashing a small one."""
    if not hasattr(_buffers, "view"):
        _buffers.view = memoryview(bytearray(_BLOCK))
    view: memoryview = _buffers.view
    return view


def digest_files(root: Path, paths: Sequence[str], *, md5: bool = False) -> list[FileDigest]:
    """Digests of many files below ``root``, on all cores; hashlib works without the interpreter's lock."""
    workers = len(os.sched_getaffinity(0))
    if workers == 1 or len(paths) < 2:
        return [digest_file(root / path, md5=md5) for path in paths]
    chunk = max(1, min(64, len(paths) // (workers * 4)))
    chunks = [paths[start : start + chunk] for start in range(0, len(paths), chunk)]
    with ThreadPoolExecutor(workers) as pool:
        done = pool.map(lambda part: [digest_file(root / path, md5=md5) for path in part], chunks)
        return [one for part in done for one in part]


def listing(root: Path) -> Listing:
    """All files below a folder.

    Raises:
        MissingError: no such folder.
        InvalidInputError: a link that leaves the folder (a container would not see its end), or not a regular file.
    """
    if not root.is_dir():
        raise MissingError("there is no such folder", where=str(root), remedy="check the path")
    try:
        found = sorted(_walk(str(root), os.path.realpath(root)))
    except PermissionError as error:
        raise ResourceError(
            f"the folder cannot be read: {error.strerror}", where=str(root), remedy="check its permissions"
        ) from error
    return Listing(root, tuple(one[:4] for one in found), tuple(one[4] for one in found))


def _walk(root: str, real: str) -> Iterator[tuple[str, int, int, int, int]]:
    pending = [""]
    while pending:
        folder = pending.pop()
        with os.scandir(os.path.join(root, folder)) as entries:  # noqa: PTH118 - 50,000 entries: Path costs a second
            for entry in entries:
                relative = f"{folder}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    pending.append(relative + "/")
                    continue
                if entry.is_symlink():
                    _check_link(entry.path, real)
                try:
                    found = entry.stat()
                except OSError as error:
                    raise InvalidInputError(
                        f"the link leads nowhere: {error.strerror}", where=entry.path, remedy="remove the link"
                    ) from error
                if not entry.is_file():
                    raise InvalidInputError(
                        "this is not a regular file", where=entry.path, remedy="keep only regular files in that folder"
                    )
                yield relative, found.st_size, found.st_mtime_ns, found.st_ino, found.st_ctime_ns


def _check_link(path: str, real: str) -> None:
    target = os.path.realpath(path)
    if os.path.commonpath([real, target]) != real or Path(target).is_dir():
        raise InvalidInputError(
            "the link leaves its folder or names a folder, and a container would not see its end",
            where=path,
            remedy="put the file itself there",
        )


def tree_digest(files: Sequence[tuple[str, int, str]]) -> str:
    """Digest of a folder: SHA-256 over ``path NUL size NUL sha256 LF`` of its files in sorted order."""
    whole = hashlib.sha256()
    for path, size, sha256 in sorted(files):
        whole.update(f"{path}\0{size}\0{sha256}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()
