"""A folder that nothing leads out of: names below it are opened one by one, and never through a link.

A cloned repository may ship `.kit` or `reports/` with links in it. A path such as ``.kit/partial/x`` would follow them;
here every name is opened relative to the descriptor of the folder before it, with ``O_NOFOLLOW``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from kit.errors import InvalidInputError

__all__ = ["PARTIAL", "Root", "replace"]

#: End of the name of a file that is being written; its name starts with a dot.
PARTIAL = ".partial"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class Root:
    """A folder, and everything below it.

    Names are given one by one: ``root.read("records", "x.json")``. Errors of the file system pass as they are
    (``FileNotFoundError`` where a name is not there); a link in the way is an :class:`InvalidInputError`.
    """

    def __init__(self, path: Path) -> None:
        """The folder need not be there yet. What leads to it may hold links; the folder itself must be none."""
        self.path = path.absolute()

    @contextlib.contextmanager
    def folder(self, *names: str, create: bool = False) -> Iterator[int]:
        """Descriptor of a folder below, or of the root itself; ``create`` makes what is missing."""
        if create:
            self.path.mkdir(parents=True, exist_ok=True)
        handle = self._enter(self.path, None, self.path)
        try:
            for number, name in enumerate(names):
                place = self.path.joinpath(*names[: number + 1])
                if create:
                    with contextlib.suppress(FileExistsError), _named(place):
                        os.mkdir(name, dir_fd=handle)
                inner = self._enter(name, handle, place)
                os.close(handle)
                handle = inner
            yield handle
        finally:
            os.close(handle)

    def _enter(self, name: str | Path, parent: int | None, place: Path) -> int:
        try:
            return os.open(name, _FOLDER, dir_fd=parent)
        except OSError as error:
            if error.errno in {errno.ENOTDIR, errno.ELOOP} and _is_link(name, parent):
                raise _link(place) from error
            raise type(error)(error.errno, error.strerror, str(place)) from error

    def make(self, *names: str) -> Path:
        """Make a folder below, with those that lead to it; its path, which is free of links below the root."""
        with self.folder(*names, create=True):
            return self.path.joinpath(*names)

    def names(self, *names: str) -> list[str]:
        """What a folder below holds, sorted; nothing where it is not there."""
        try:
            with self.folder(*names) as handle:
                return sorted(os.listdir(handle))  # noqa: PTH208 - a Path has no descriptor
        except FileNotFoundError:
            return []

    def mode(self, *names: str) -> int | None:
        """Kind and permissions of what has this name, a link itself included; None where nothing has."""
        try:
            if not names:
                return self.path.lstat().st_mode
            with self.folder(*names[:-1]) as handle, _named(self.path.joinpath(*names)):
                return os.stat(names[-1], dir_fd=handle, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return None

    def open(self, *names: str, flags: int, create: bool = False) -> int:
        """Descriptor of a regular file below.

        Args:
            names: folders and the file.
            flags: those of ``os.open``.
            create: make the file and the folders that lead to it.

        Raises:
            InvalidInputError: a link, a pipe, a device, or a file that has another name elsewhere and is written.
        """
        place = self.path.joinpath(*names)
        with self.folder(*names[:-1], create=create) as folder:
            try:
                how = (flags & ~os.O_TRUNC) | _FILE | (os.O_CREAT if create else 0)
                handle = os.open(names[-1], how, 0o666, dir_fd=folder)
            except OSError as error:
                if _is_link(names[-1], folder):
                    raise _link(place) from error
                raise type(error)(error.errno, error.strerror, str(place)) from error
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or (found.st_nlink > 1 and flags & (os.O_WRONLY | os.O_RDWR)):
            os.close(handle)
            kind = "not a regular file" if not stat.S_ISREG(found.st_mode) else "a second name of another file"
            raise InvalidInputError(
                f"this is {kind}, and kit uses regular files of its own", where=str(place), remedy="remove it"
            )
        if flags & os.O_TRUNC:  # only now: what was refused keeps its content
            os.ftruncate(handle, 0)
        return handle

    def read(self, *names: str, limit: int) -> bytes:
        """The whole of a regular file.

        Raises:
            InvalidInputError: a link, not a regular file, or more than ``limit`` bytes.
        """
        with os.fdopen(self.open(*names, flags=os.O_RDONLY), "rb") as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise InvalidInputError(
                f"the file has more than {limit} bytes", where=str(self.path.joinpath(*names)), remedy="remove it"
            )
        return data

    def write(self, *names: str, data: bytes) -> bool:
        """Write a file through a partial one in the same folder; False where it holds ``data`` already.

        A link of that name is replaced, not followed.
        """
        with self.folder(*names[:-1], create=True) as folder, _named(self.path.joinpath(*names)):
            return replace(folder, names[-1], data)

    def remove(self, *names: str) -> None:
        """Remove a file, a link itself, or a folder with everything in it; nothing where it is not there."""
        place = self.path.joinpath(*names)
        with contextlib.suppress(FileNotFoundError), self.folder(*names[:-1]) as folder, _named(place):
            if stat.S_ISDIR(os.stat(names[-1], dir_fd=folder, follow_symlinks=False).st_mode):
                shutil.rmtree(names[-1], dir_fd=folder)
            else:
                os.unlink(names[-1], dir_fd=folder)

    def rename(self, old: tuple[str, ...], new: tuple[str, ...]) -> None:
        """Move something from one folder below to another, and make that durable."""
        place = self.path.joinpath(*new)
        with self.folder(*old[:-1]) as source, self.folder(*new[:-1], create=True) as target, _named(place):
            os.rename(old[-1], new[-1], src_dir_fd=source, dst_dir_fd=target)
            os.fsync(target)


@contextlib.contextmanager
def _named(place: Path) -> Iterator[None]:
    """An error about a name in an open folder states the whole path, as the user knows it."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = str(place), None
        raise


def replace(folder: int, name: str, data: bytes) -> bool:
    """Write a file of an open folder through a partial one next to it; False where it holds ``data`` already."""
    if _holds(folder, name, data):
        return False
    partial = f".{name}.{secrets.token_hex(4)}{PARTIAL}"
    # With the permissions that the caller's umask leaves; O_EXCL follows no link.
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(partial, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial, dir_fd=folder)
        raise
    os.fsync(folder)
    return True


def _holds(folder: int, name: str, data: bytes) -> bool:
    try:
        handle = os.open(name, os.O_RDONLY | _FILE, dir_fd=folder)
    except OSError:  # missing, a link or not readable: writing it anew works, or says what is wrong
        return False
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        return stat.S_ISREG(found.st_mode) and found.st_size == len(data) and file.read(len(data) + 1) == data


def _is_link(name: str | Path, parent: int | None) -> bool:
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _link(place: Path) -> InvalidInputError:
    return InvalidInputError(
        "this is a link, and kit follows none here", where=str(place), remedy="put the file or folder itself there"
    )
