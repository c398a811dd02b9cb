"""What travels between home and a host: files by name with their SHA-256, checked on arrival."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kit.errors import DamagedError

__all__ = ["Delivery", "Parcel", "pack", "unpack"]

#: A results file, records, logs and raw outputs of one target; far below the weights, which travel the other way.
_LIMIT = 1 << 30


@dataclass(frozen=True)
class Parcel:
    """One file: its digest, its size, and its compressed bytes."""

    sha256: str
    size: int
    data: bytes


@dataclass(frozen=True)
class Delivery:
    """Files of one attempt; what another attempt sends is not taken for it."""

    attempt: str
    files: dict[str, Parcel]


def pack(root: Path, paths: Iterable[Path]) -> dict[str, Parcel]:
    """The files, named relative to ``root``."""
    files = {}
    for path in sorted(paths):
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        files[path.relative_to(root).as_posix()] = Parcel(digest, len(data), zlib.compress(data, 1))
    return files


def unpack(delivery: Delivery, attempt: str, sender: str) -> dict[str, bytes]:
    """The files by name, each what its digest says.

    Raises:
        DamagedError: an attempt that was given up, a name that leads elsewhere, or a file that is not what was sent.
    """
    remedy = "run the same command again: what was finished is kept on the host"
    if delivery.attempt != attempt:
        raise DamagedError("an earlier attempt came back late, and is not taken", where=sender, remedy=remedy)
    found = {}
    for name, parcel in delivery.files.items():
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or "\0" in name:
            raise DamagedError(f"a file has the name {name!r}, which leads elsewhere", where=sender, remedy=remedy)
        data = _inflated(parcel)
        if data is None or hashlib.sha256(data).hexdigest() != parcel.sha256:
            raise DamagedError(f"{name} did not arrive as it was sent", where=sender, remedy=remedy)
        found[name] = data
    return found


def _inflated(parcel: Parcel) -> bytes | None:
    """Its bytes; None where they are not as many as it says, so that a few cannot become gigabytes."""
    if not 0 <= parcel.size <= _LIMIT:
        return None
    try:
        data = zlib.decompressobj().decompress(parcel.data, parcel.size + 1)
    except zlib.error:
        return None
    return data if len(data) == parcel.size else None
