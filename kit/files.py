"""Writing files so that a reader sees the old one or the new one, whatever happens in between."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kit.errors import ResourceError

__all__ = ["os_errors", "sync_folder", "sync_tree", "write_atomically"]

_REMEDIES = {
    errno.ENOSPC: ("the disk is full", "free some space, or choose another folder, and run again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space, or choose another folder, and run again"),
    errno.EROFS: ("the file system is read-only", "choose a folder that can be written"),
    errno.EACCES: ("permission denied", "choose a folder that you may write, or run as its owner"),
    errno.EPERM: ("permission denied", "choose a folder that you may write, or run as its owner"),
    errno.EMFILE: ("too many open files", "raise the limit with `ulimit -n` and run again"),
    errno.EIO: ("the disk reports an error", "check the disk, or choose another folder"),
    errno.ENOTDIR: ("a part of the path is a file", "choose another folder"),
    errno.EEXIST: ("a file is in the way", "move it away, or choose another folder"),
    errno.ENAMETOOLONG: ("the path is too long", "choose a shorter one"),
    errno.ELOOP: ("the links of the path go in a circle", "choose another folder"),
}


@contextlib.contextmanager
def os_errors(where: Path) -> Iterator[None]:
    """Turn errors of the file system into one sentence with a remedy; others pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REMEDIES:
            raise
        what, remedy = _REMEDIES[error.errno]
        raise ResourceError(what, where=str(error.filename or where), remedy=remedy) from error


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(root: Path) -> None:
    """Make every file below ``root`` durable, then its folders."""
    files = [Path(folder) / name for folder, _, names in os.walk(root) for name in names]
    if len(files) > 256:
        os.sync()  # one request for all of them instead of one wait for each
        return
    for path in files:
        if path.is_symlink():
            continue
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    for folder, _, _ in os.walk(root, topdown=False):
        sync_folder(Path(folder))


def write_atomically(path: Path, data: bytes) -> bool:
    """Write ``data`` through a temporary file in the same folder; False where the file already holds it.

    Raises:
        ResourceError: no space, no permission; the old file is untouched.
    """
    with os_errors(path):
        if path.is_file() and not path.is_symlink() and path.read_bytes() == data:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
        return True
