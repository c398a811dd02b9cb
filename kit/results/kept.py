"""``results/<target>.evidence.tar.xz``: the records and small raw outputs that prove the results next to it.

A clone without the store can then read every number again. The archive holds ``records/<fingerprint>.json`` and
``outputs/<fingerprint>/<file>``; equal contents give equal bytes.
"""

from __future__ import annotations

import contextlib
import io
import lzma
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from kit.errors import DamagedError
from kit.results.outputs import Outputs
from kit.storage.store import MadeFile, Record
from kit.storage.tarball import tar_bytes, write_members

__all__ = ["SUFFIX", "Kept", "pack", "unpack"]

SUFFIX = ".evidence.tar.xz"
#: A file that was read is kept up to this size, another one up to that, and all of them up to these sums, in bytes:
#: text of tools shrinks to a tenth, so the archive stays at a few hundred kilobytes.
_READ, _OTHER = 8 << 20, 1 << 16
_ALL_READ, _ALL_OTHER = 24 << 20, 1 << 18
#: Outputs of more files than this are one per image.
_FEW = 64
_MOST = 64 << 20
_MEMBER = re.compile(r"records/([0-9a-f]{64})\.json|outputs/([0-9a-f]{64})/(.+)", re.DOTALL)


@dataclass(frozen=True)
class Kept:
    """What an archive holds: the proof of each record, and files by fingerprint and path."""

    records: Mapping[str, bytes] = field(default_factory=dict)
    files: Mapping[tuple[str, str], bytes] = field(default_factory=dict)

    def write(self, fingerprint: str, folder: Path) -> None:
        """Write the files of a step into a folder."""
        write_members({name: data for (owner, name), data in self.files.items() if owner == fingerprint}, folder)


def pack(records: Mapping[str, Record], outputs: Outputs, before: Path | None = None) -> bytes:
    """The archive of a run: its records, what was read of their outputs, and other small files.

    ``before`` is the archive of an earlier run: where it holds the same, it is taken as it is, because compressing the
    record of 50,000 files takes seconds.
    """
    members: dict[str, bytes] = {}
    room = {True: _ALL_READ, False: _ALL_OTHER}
    for step, record in records.items():  # equal steps share a record, which has the name of the first
        members[f"records/{record.fingerprint}.json"] = record.proof
        for file in sorted(record.files, key=lambda file: file.bytes):
            read = (step, file.path) in outputs.read
            if room[read] < file.bytes or not (read or _is_small(record, file)) or file.bytes > _READ:
                continue
            room[read] -= file.bytes
            members[f"outputs/{record.fingerprint}/{file.path}"] = (outputs[step] / file.path).read_bytes()
    text = tar_bytes(members)
    with contextlib.suppress(OSError, lzma.LZMAError, EOFError):
        data = before.read_bytes() if before else b""
        if _decompressed(data, len(text)) == text:
            return data
    return lzma.compress(text)


def _decompressed(data: bytes, most: int) -> bytes:
    """The text of an .xz file; of a longer one ``most`` bytes and one more, for a small file may hold gigabytes.

    Raises:
        LZMAError, EOFError: it is not one whole .xz file.
    """
    reader = lzma.LZMADecompressor(memlimit=1 << 27)
    text = reader.decompress(data, max_length=most + 1)
    if len(text) <= most and (not reader.eof or reader.unused_data):
        raise EOFError("not one whole .xz file")
    return text


def _is_small(record: Record, file: MadeFile) -> bool:
    return len(record.files) <= _FEW and file.bytes <= _OTHER


def unpack(path: Path) -> Kept:
    """What the archive holds; nothing where there is no file.

    Raises:
        DamagedError: it is not such an archive.
    """
    records: dict[str, bytes] = {}
    files: dict[tuple[str, str], bytes] = {}
    try:
        with path.open("rb") as file:
            data = file.read(_MOST + 1)
    except FileNotFoundError:
        return Kept()
    except OSError as error:
        raise _damaged(path, error.strerror or "cannot be read") from error
    try:
        text = _decompressed(data, _MOST)
        if len(data) > _MOST or len(text) > _MOST:
            raise _damaged(path, f"is larger than {_MOST >> 20} MiB")
        with tarfile.open(fileobj=io.BytesIO(text), mode="r:") as archive:
            for member in archive:
                match = _MEMBER.fullmatch(member.name)
                content = archive.extractfile(member) if member.isreg() else None
                if match is None or content is None or ".." in PurePosixPath(member.name).parts:
                    raise _damaged(path, f"holds {member.name!r}, which is neither a record nor an output")
                if match[1]:
                    records[match[1]] = content.read()
                else:
                    files[match[2], match[3]] = content.read()
    except (lzma.LZMAError, tarfile.TarError, ValueError, EOFError, OSError) as error:
        raise _damaged(path, "cannot be unpacked") from error
    return Kept(records, files)


def _damaged(path: Path, problem: str) -> DamagedError:
    return DamagedError(
        f"the archive of raw outputs {problem}", where=str(path), remedy="run `kit reproduce` again for this target"
    )
