"""Writing files so that a reader sees the old one or the new one, whatever happens in between or in parallel."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from kit.errors import InvalidInputError, ResourceError
from kit.storage.root import PARTIAL, Root, replace

__all__ = ["copy_folder", "environment_error", "exclusive", "os_errors", "sync_folder", "sync_tree", "write_atomically"]

_REMEDIES = {
    errno.ENOSPC: ("the disk is full", "free some space, or choose another folder, and run again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space, or choose another folder, and run again"),
    errno.EFBIG: ("a file may not become so large here", "raise the limit with `ulimit -f`, or choose another folder"),
    errno.EROFS: ("the file system is read-only", "choose a folder that can be written"),
    errno.EACCES: ("permission denied", "give yourself the permission, or choose another folder"),
    errno.EPERM: ("permission denied", "give yourself the permission, or choose another folder"),
    errno.EMFILE: ("too many open files", "raise the limit with `ulimit -n` and run again"),
    errno.EIO: ("the disk reports an error", "check the disk, or choose another folder"),
    errno.ENOTDIR: ("a part of the path is a file", "choose another folder"),
    errno.EISDIR: ("a folder is in the way", "move it away, or choose another place"),
    errno.EEXIST: ("a file is in the way", "move it away, or choose another folder"),
    errno.ENOTEMPTY: ("a folder is in the way", "move it away, or choose another place"),
    errno.EBUSY: ("the file or folder is in use", "choose another one"),
    errno.ENFILE: ("too many open files on this machine", "end other programs, and run again"),
    errno.ENOMEM: ("the machine has no memory left", "end other programs, and run again"),
    errno.EAGAIN: ("the machine starts no further process or thread", "raise the limit with `ulimit -u` and run again"),
    errno.ESTALE: ("the file server has lost the file", "mount the folder again, or choose another"),
    errno.ENAMETOOLONG: ("the path is too long", "choose a shorter one"),
    errno.ELOOP: ("the links of the path go in a circle", "choose another folder"),
}


@contextlib.contextmanager
def os_errors(where: Path) -> Iterator[None]:
    """Turn errors of the file system into one sentence with a remedy; others pass."""
    try:
        yield
    except OSError as error:
        known = environment_error(error, where)
        if known is None:
            raise
        raise known from error


def environment_error(error: OSError, where: Path | None = None) -> ResourceError | None:
    """The sentence for an error of the file system or of a limit; None for one that means a defect."""
    if error.errno not in _REMEDIES:
        return None
    what, remedy = _REMEDIES[error.errno]
    place = os.fsdecode(error.filename2 or error.filename or where or "")  # of a rename, the name that was wanted
    if where is not None and place.endswith(PARTIAL):
        place = str(where)
    return ResourceError(what, where=place or None, remedy=remedy)


@contextlib.contextmanager
def exclusive(folder: Path, within: Path, *, deep: bool = True) -> Iterator[None]:
    """Lock a folder that several kits may write; the others wait, as long as a rendering takes.

    The lock is on the folder itself, so it leaves no file and dies with its process. Under it every partial file is the
    remains of a dead writer, and goes.

    Args:
        folder: made where it is missing.
        within: the folder above that the user chose; from there down no link is followed.
        deep: also clean up what is below; otherwise only the files of the folder itself.

    Raises:
        InvalidInputError: a link on the way from ``within`` to the folder.
        ResourceError: the folder cannot be made or opened.
    """
    with os_errors(folder):
        Root(within.resolve()).make(*folder.absolute().relative_to(within.absolute()).parts)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        with contextlib.suppress(OSError):  # a file server without locks: then only one kit at a time, as documented
            fcntl.flock(handle, fcntl.LOCK_EX)
        with os_errors(folder):
            for _, _, names, descriptor in os.fwalk(".", dir_fd=handle):
                for name in names:
                    if name.startswith(".") and name.endswith(PARTIAL):
                        with contextlib.suppress(FileNotFoundError):
                            os.unlink(name, dir_fd=descriptor)
                if not deep:
                    break
        yield
    finally:
        os.close(handle)


def copy_folder(
    source: Path, target: Path, without: Callable[[str, list[str]], set[str]] = lambda _folder, _names: set()
) -> None:
    """Copy everything in ``source`` into ``target``, over what has the same names, and through no link.

    Permissions are what the umask leaves. ``without`` says what is left out, as ``ignore`` of ``copytree``.

    Raises:
        InvalidInputError: the target, or something in the way there, is a link.
        ResourceError: no space, no permission.
    """
    root = Root(target)
    with os_errors(target):
        root.make()
        for folder, folders, names in os.walk(source):
            left = without(folder, [*folders, *names])
            folders[:], names[:] = (sorted(set(one) - left) for one in (folders, names))
            parts = Path(folder).relative_to(source).parts
            for name in folders:
                root.make(*parts, name)
            for name in names:
                handle = root.open(*parts, name, flags=os.O_WRONLY | os.O_TRUNC, create=True)
                with os.fdopen(handle, "wb") as copy, (Path(folder) / name).open("rb") as original:
                    shutil.copyfileobj(original, copy, 1 << 20)


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
    """Write ``data`` through a partial file in the same folder; False where the file already holds it.

    Raises:
        InvalidInputError: what is there is a device, a pipe or a socket: root would replace /dev/null for everybody.
        ResourceError: no space, no permission, a folder; the old file is untouched.
    """
    with os_errors(path):
        with contextlib.suppress(FileNotFoundError):
            mode = path.stat().st_mode
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            if not stat.S_ISREG(mode):
                raise InvalidInputError(
                    "this is not a regular file (a pipe, a socket or a device)",
                    where=str(path),
                    remedy="name a file that may be replaced",
                )
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return replace(folder, path.name, data)
        except FileNotFoundError as error:  # as /proc says it
            raise ResourceError(
                "no file can be made in this folder", where=str(path), remedy="choose another folder"
            ) from error
        finally:
            os.close(folder)
