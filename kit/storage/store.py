"""Content-addressed artifacts: ``artifacts/<fingerprint>/`` and, written last, ``records/<fingerprint>.json``.

Outputs are made in ``partial/``, synced, renamed, and only then recorded: an artifact without a record does not exist.
One kit at a time writes a store (a lock that dies with its process), so everything in ``partial/`` at the start of a
run is the remains of a dead one.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kit.errors import BusyError, DamagedError, InvalidInputError, ResourceError
from kit.storage import digests
from kit.storage.files import os_errors, sync_folder, sync_tree, write_atomically

__all__ = ["MadeFile", "Record", "Store"]

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

    @property
    def proof(self) -> bytes:
        """The record without what only this store knows, as canonical JSON: what results quote by its digest."""
        files = [{"path": one.path, "bytes": one.bytes, "sha256": one.sha256, "md5": one.md5} for one in self.files]
        tree = {**vars(self), "files": files}
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


class Store:
    """A folder of artifacts and records."""

    def __init__(self, root: Path, *, trust_stat: bool | None = None) -> None:
        """``trust_stat``: take large untouched files by size, time and inode; by default everywhere but in CI."""
        self.root = root.absolute()
        self.trust_stat = os.environ.get("CI") != "true" if trust_stat is None else trust_stat

    def artifact(self, fingerprint: str) -> Path:
        """Folder of a finished step's outputs."""
        return self.root / "artifacts" / fingerprint

    def logs(self, fingerprint: str) -> Path:
        """Folder of a step's streams, kept also when it failed."""
        return self.root / "logs" / fingerprint

    def _record_path(self, fingerprint: str) -> Path:
        return self.root / "records" / f"{fingerprint}.json"

    @contextlib.contextmanager
    def lock(self, *, wait: bool = False) -> Iterator[None]:
        """Hold the store; the lock dies with the process.

        Raises:
            BusyError: another kit holds it and ``wait`` is not set.
            ResourceError: the folder cannot be made or written.
        """
        with os_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            write_atomically(self.root / ".gitignore", b"*\n")
            file = (self.root / "lock").open("a+b", buffering=0)  # a buffer would fail once more when it is closed
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError as error:
                file.seek(0)
                holder = (file.read(100) or b"").decode(errors="replace").strip() or "another process"
                raise BusyError(
                    f"another kit ({holder}) uses this store",
                    where=str(self.root),
                    remedy="wait for it (--wait does), or give this run its own store with --store",
                ) from error
            with os_errors(self.root):
                file.truncate(0)
                file.write(f"pid {os.getpid()}\n".encode())
            try:
                yield
            finally:
                file.truncate(0)

    def sweep(self) -> list[Path]:
        """Remove what dead runs left: partial folders, and artifacts that were never recorded. Only under the lock."""
        gone = []
        with os_errors(self.root):
            for folder in self._leftovers():
                _remove(folder)
                gone.append(folder)
        return gone

    def leftovers(self) -> list[Path]:
        """What :meth:`sweep` would remove."""
        with os_errors(self.root):
            return list(self._leftovers())

    def _leftovers(self) -> Iterator[Path]:
        yield from sorted(_children(self.root / "partial"))
        for folder in sorted(_children(self.root / "artifacts")):
            if not self._record_path(folder.name).exists():
                yield folder
        for place in ("records", "weights", "images", "trees"):
            yield from sorted(path for path in _children(self.root / place) if path.name.endswith(".partial"))

    def partial_path(self, fingerprint: str) -> Path:
        """A name that no other attempt has."""
        return self.root / "partial" / f"{fingerprint[:16]}.{os.getpid()}.{time.monotonic_ns()}"

    @contextlib.contextmanager
    def partial(self, fingerprint: str) -> Iterator[Path]:
        """A fresh folder for a step's outputs; what was not committed from it is removed, however the step ends."""
        folder = self.partial_path(fingerprint)
        try:
            with os_errors(self.root):
                folder.mkdir(parents=True)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def find(self, fingerprint: str) -> Record | None:
        """The record of a finished step whose files are what it says; a damaged entry is set aside."""
        try:
            record = self.load(fingerprint)
        except DamagedError:
            self.set_aside(fingerprint)
            return None
        if record is None:
            return None
        if self.changed(record, full=not self.trust_stat):
            self.set_aside(fingerprint)
            return None
        return record

    def load(self, fingerprint: str) -> Record | None:
        """The record as it is written, without a look at the files.

        Raises:
            DamagedError: it is not a record.
        """
        path = self._record_path(fingerprint)
        try:
            if not path.is_symlink() and path.exists() and not path.is_file():
                raise ValueError("no plain file")  # a folder, or a pipe that would never end
            text, _, digest = path.read_bytes().partition(b"\n")
            if digest != _own_digest(text):
                raise ValueError("a flipped bit may still be JSON")
            tree: dict[str, Any] = json.loads(text)
            files = tuple(MadeFile(*item) for item in tree.pop("files"))
            record = Record(**tree, files=files)
            _ = record.image_id, record.inputs, record.simulated
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise DamagedError(
                    "the record is a link in a circle", where=str(path), remedy="run `kit reproduce` again"
                ) from error
            raise ResourceError(
                f"the record cannot be read: {error.strerror}", where=str(path), remedy="check its permissions"
            ) from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise DamagedError("the record is damaged", where=str(path), remedy="run `kit reproduce` again") from error
        if record.fingerprint != fingerprint:
            raise DamagedError("the record is another step's", where=str(path), remedy="run `kit reproduce` again")
        return record

    def records(self) -> list[Record]:
        """All readable records, by step name."""
        found = []
        for path in _children(self.root / "records"):
            with contextlib.suppress(DamagedError):
                record = self.load(path.stem)
                if record:
                    found.append(record)
        return sorted(found, key=lambda record: (record.step, record.started))

    def changed(self, record: Record, *, full: bool) -> list[str]:
        """Paths of an artifact that are missing, added or of other content; ``full`` hashes every file."""
        folder = self.artifact(record.fingerprint)
        if folder.is_symlink() or not folder.is_dir():
            return [file.path for file in record.files] or ["."]
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

    def set_aside(self, fingerprint: str) -> Path | None:
        """Move a damaged entry out of the way, where a person can look at it; its step is made again."""
        place = self.root / "damaged" / f"{fingerprint}.{time.monotonic_ns()}"
        with os_errors(self.root):
            place.mkdir(parents=True)
            for path in (self._record_path(fingerprint), self.artifact(fingerprint)):
                if path.exists() or path.is_symlink():
                    path.rename(place / path.name)
        return place

    def forget(self, fingerprint: str) -> None:
        """Remove a finished step: record first, so that an interruption leaves a leftover and never a lie."""
        with os_errors(self.root):
            self._record_path(fingerprint).unlink(missing_ok=True)
            _remove(self.artifact(fingerprint))

    def commit(self, record: Record, partial: Path, outputs: tuple[str, ...]) -> Record:
        """Publish a partial folder as the artifact of a step, and return its record with the files.

        Raises:
            DamagedError: an expected output is missing, or the folder holds a link.
            ResourceError: no space.
        """
        for output in outputs:
            if not (partial / output).exists():
                raise DamagedError(
                    f"step {record.step} ended well but did not make {output}",
                    where=str(self.logs(record.fingerprint)),
                    remedy="look at its log there, and report it if you cannot explain it",
                )
        for folder, names, files in os.walk(partial):
            for name in [*names, *files]:
                if (Path(folder) / name).is_symlink():
                    raise DamagedError(
                        f"step {record.step} made a link: {name!r}", remedy="links are no artifacts; report this"
                    )
        final = self.artifact(record.fingerprint)
        with os_errors(self.root):
            sync_tree(partial)
            listed = digests.listing(partial).files
            many = len(listed) > 64
            hashed = digests.digest_files(partial, [path for path, *_ in listed], md5=not many)
            made = tuple(
                MadeFile(path, size, one.sha256, one.md5, mtime, inode)
                for (path, size, mtime, inode), one in zip(listed, hashed, strict=True)
            )
            final.parent.mkdir(parents=True, exist_ok=True)
            if final.exists():  # an unrecorded leftover
                _remove(final)
            partial.rename(final)
            sync_folder(final.parent)
            complete = Record(**{**vars(record), "files": made})
            tree = {**asdict(complete), "files": [list(vars(file).values()) for file in made]}
            text = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
            write_atomically(self._record_path(record.fingerprint), text + b"\n" + _own_digest(text))
        return complete

    def tree(self, path: Path) -> str:
        """Digest of a file or folder that the user gave; untouched files are not read twice (never so in CI)."""
        if not path.is_dir():
            listed = None
            stat = _stat(path)
            key = f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ino}"
        else:
            listed = digests.listing(path)
            key = listed.key
        cache = self.root / "trees" / f"{hashlib.sha256(os.fsencode(path.absolute())).hexdigest()}.json"
        if self.trust_stat:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                known = json.loads(cache.read_bytes())
                if known["key"] == key:
                    return str(known["digest"])
        if listed is None:
            digest = digests.digest_file(path, md5=False).sha256
        else:
            names = [name for name, *_ in listed.files]
            hashed = digests.digest_files(path, names)
            digest = digests.tree_digest(
                [(name, one.bytes, one.sha256) for name, one in zip(names, hashed, strict=True)]
            )
        write_atomically(cache, json.dumps({"key": key, "digest": digest}).encode())
        return digest


def _own_digest(text: bytes) -> bytes:
    """A record's second line, the digest of its first: it is small, and a wrong one would be believed."""
    return b"sha256 " + hashlib.sha256(text).hexdigest().encode() + b"\n"


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        digests.digest_file(path)  # says what is wrong with it
        raise ResourceError("the file cannot be read", where=str(path), remedy="check its permissions") from error


def _children(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
