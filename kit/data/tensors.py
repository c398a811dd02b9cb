"""Preprocessed tensors of the user, checked before a device runs on them for an hour."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from math import prod
from pathlib import Path

from kit.errors import DamagedError, InvalidInputError, MissingError
from kit.planning.common import TENSOR_FILES, TENSOR_LIST
from kit.storage.files import os_errors

__all__ = ["check_tensors"]

_AGAIN = "preprocess again, or leave out `--use preprocess=...`"
#: A line of the list for each of some million images.
_MAX_INFO_BYTES = 400 << 20


def check_tensors(folder: Path, shape: Sequence[int]) -> None:
    """Check each file's size, and that the list names just these files in the right size.

    Args:
        folder: holds ``prep_bin/`` and ``dataset.info``.
        shape: (channels, height, width) of the model's input.

    Raises:
        MissingError, DamagedError, InvalidInputError: folder or list is not there, a file is not a tensor of that
            shape, the list is of another form or of other files.
    """
    names = _check_files(folder / TENSOR_FILES, shape)
    _check_info(folder / TENSOR_LIST, names, shape)


def _check_files(folder: Path, shape: Sequence[int]) -> set[str]:
    if not folder.is_dir():
        raise MissingError("there is no such folder of preprocessed files", where=str(folder), remedy=_AGAIN)
    expected = 4 * prod(shape)
    names = set()
    with os_errors(folder), os.scandir(folder) as entries:
        for entry in entries:
            try:
                status = entry.stat()
            except OSError as error:
                what = f"the link leads nowhere: {error.strerror}"
                raise DamagedError(what, where=entry.path, remedy=_AGAIN) from None
            if not stat.S_ISREG(status.st_mode) or status.st_size != expected:
                is_ = f"has {status.st_size} bytes" if stat.S_ISREG(status.st_mode) else "is not a regular file"
                what = f"{is_}, and a float32 tensor of {' x '.join(map(str, shape))} has {expected} bytes"
                raise DamagedError(what, where=entry.path, remedy=_AGAIN)
            names.add(entry.name)
    if not names:
        raise MissingError("the folder of preprocessed files is empty", where=str(folder), remedy=_AGAIN)
    return names


def _check_info(path: Path, names: set[str], shape: Sequence[int]) -> None:
    if not path.is_file():
        raise MissingError("there is no list of the preprocessed files", where=str(path), remedy=_AGAIN)
    with os_errors(path):
        bytes_ = path.stat().st_size
        if bytes_ > _MAX_INFO_BYTES:
            raise InvalidInputError(f"has {bytes_} bytes, which no such list has", where=str(path), remedy=_AGAIN)
        data = path.read_bytes()
    size = [str(shape[2]).encode(), str(shape[1]).encode()]  # the list has the width first
    listed = set()
    for number, line in enumerate(data.splitlines()):
        fields = line.split(b" ")
        if len(fields) != 4 or fields[0] != str(number).encode() or fields[2:] != size:
            what = f"this is not '{number} <file> {shape[2]} {shape[1]}': {line[:80].decode(errors='replace')!r}"
            raise InvalidInputError(what, where=f"{path}:{number + 1}", remedy=_AGAIN)
        listed.add(os.fsdecode(fields[1].rpartition(b"/")[2]))
    if listed != names:
        unmatched = min(listed ^ names)
        what = f"the list names {len(listed)} files, and there are {len(names)}; {unmatched!r} is in one only"
        raise InvalidInputError(what, where=str(path), remedy=_AGAIN)
