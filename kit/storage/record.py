"""The run record of a step: what ran, where, and what it made."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

from kit.errors import InvalidInputError
from kit.storage import digests

__all__ = ["MadeFile", "Record", "decode", "differences", "encode"]

#: Files up to this size are hashed again at every use; larger ones only where size, time or inode changed.
_SMALL = 1 << 20
#: Files of an artifact from which on even small ones are not hashed again where nothing was touched.
_MANY = 1000


@dataclass(frozen=True)
class MadeFile:
    """A file of an artifact."""

    path: str
    bytes: int
    sha256: str
    md5: str  # of single files; empty for the members of a folder
    mtime_ns: int
    inode: int


@dataclass(frozen=True)
class Record:
    """What ran, where, and what it made: the run record."""

    fingerprint: str
    step: str
    stage: str
    batch: int | None
    image: str
    runner: str
    parts: dict[str, Any]  # what the fingerprint is the digest of: kit.planning.step.fingerprint_parts
    started: str  # UTC, ISO 8601
    seconds: float
    exit_code: int
    host: dict[str, str] = field(default_factory=dict)
    files: tuple[MadeFile, ...] = ()

    @property
    def image_id(self) -> str:
        """Id of the image that it ran in, or the digest of the local environment."""
        return str(self.parts["image"])

    @property
    def inputs(self) -> dict[str, str]:
        """Digest of each input, by name."""
        return dict(self.parts["inputs"])

    @property
    def simulated(self) -> bool:
        """Whether stand-ins ran in the place of a vendor's tools."""
        return bool(self.parts["simulated"])

    @cached_property
    def proof(self) -> bytes:
        """The record without what only this store knows, as canonical JSON: what results quote by its digest."""
        files = [{"path": one.path, "bytes": one.bytes, "sha256": one.sha256, "md5": one.md5} for one in self.files]
        tree = {one.name: getattr(self, one.name) for one in fields(self)} | {"files": files}
        return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()

    @property
    def sha256(self) -> str:
        """Digest of :attr:`proof`."""
        return hashlib.sha256(self.proof).hexdigest()

    @classmethod
    def from_proof(cls, data: bytes) -> Record:
        """The record that gave these bytes.

        Raises:
            ValueError, TypeError, KeyError: none did.
        """
        tree: dict[str, Any] = json.loads(data)
        files = tuple(MadeFile(**one, mtime_ns=0, inode=0) for one in tree.pop("files"))
        return cls(**tree, files=files)

    @property
    def digest(self) -> str:
        """Digest of the whole output folder."""
        return digests.tree_digest([(file.path, file.bytes, file.sha256) for file in self.files])

    def digest_of(self, path: str) -> str | None:
        """SHA-256 of one file, or the tree digest of one folder, of the output."""
        below = [file for file in self.files if file.path == path or file.path.startswith(path + "/")]
        if len(below) == 1 and below[0].path == path:
            return below[0].sha256
        return digests.tree_digest([(file.path, file.bytes, file.sha256) for file in below]) if below else None


def encode(record: Record) -> bytes:
    """Two lines: the record as JSON, and the digest of that line, because a damaged record would be trusted."""
    tree = {**asdict(record), "files": [list(vars(file).values()) for file in record.files]}
    text = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    return text + b"\n" + _digest_line(text)


def decode(data: bytes) -> Record:
    """What :func:`encode` wrote.

    Raises:
        ValueError: it is anything else; a flipped bit may still be JSON.
    """
    text, _, digest = data.partition(b"\n")
    if digest != _digest_line(text):
        raise ValueError("the digest is not that of the record")
    try:
        tree: dict[str, Any] = json.loads(text)
        files = tuple(MadeFile(*item) for item in tree.pop("files"))
        record = Record(**tree, files=files)
        _ = record.image_id, record.inputs, record.simulated
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"not of the form of a record: {error}") from error
    return record


def differences(record: Record, folder: Path, *, full: bool) -> list[str]:
    """Paths of an artifact that are missing, added or of other content.

    Args:
        record: what it was when it was made.
        folder: where it is.
        full: hash every file, also large ones that nobody seems to have touched.
    """
    try:
        listed = digests.listing(folder).files
    except InvalidInputError:  # a link or a pipe, which no artifact has
        return ["."]
    if not full and len(record.files) > _MANY:  # tens of thousands of small files count as one large one
        if listed == tuple((file.path, file.bytes, file.mtime_ns, file.inode) for file in record.files):
            return []
        full = True
    now = {path: (size, mtime, inode) for path, size, mtime, inode in listed}
    then = {file.path: file for file in record.files}
    bad = sorted(now.keys() ^ then.keys())
    hash_again = []
    for path in now.keys() & then.keys():
        size, mtime, inode = now[path]
        file = then[path]
        if size != file.bytes:
            bad.append(path)
        elif full or size <= _SMALL or (mtime, inode) != (file.mtime_ns, file.inode):
            hash_again.append(path)
    hash_again.sort()
    for path, found in zip(hash_again, digests.digest_files(folder, hash_again), strict=True):
        if found.sha256 != then[path].sha256:
            bad.append(path)
    return sorted(bad)


def _digest_line(text: bytes) -> bytes:
    return b"sha256 " + hashlib.sha256(text).hexdigest().encode() + b"\n"
