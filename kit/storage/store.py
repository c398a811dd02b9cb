"""Content-addressed artifacts: ``artifacts/<fingerprint>/`` and, written last, ``records/<fingerprint>.json``.

Outputs are made in ``partial/``, synced, renamed, and only then recorded: an artifact without a record does not exist.
One kit at a time writes a store (a lock that dies with its process), so everything in ``partial/`` at the start of a
run is the remains of a dead one.

A folder is a store only if it carries kit's marker (:mod:`kit.storage.marker`), and no link in it is followed
(:mod:`kit.storage.root`).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kit.errors import BusyError, DamagedError, ResourceError
from kit.storage import digests, marker
from kit.storage.files import os_errors, sync_tree
from kit.storage.record import MadeFile, Record, decode, differences, encode
from kit.storage.root import PARTIAL, Root

__all__ = ["MadeFile", "Record", "Store"]

#: Largest record, that of a hundred thousand files, and largest of the small notes.
_RECORD_LIMIT, _NOTE_LIMIT = 64 << 20, 1 << 16


class Store:
    """A folder of artifacts and records."""

    def __init__(self, root: Path, *, trust_stat: bool | None = None, adopt: bool = False) -> None:
        """Nothing is read or written yet.

        Args:
            root: the folder; made when something is first written.
            trust_stat: take large untouched files by size, time and inode; by default everywhere but in CI.
            adopt: take over a store that has no marker of this machine.
        """
        self.root = root.absolute()
        self.trust_stat = os.environ.get("CI") != "true" if trust_stat is None else trust_stat
        self._adopt = adopt
        self._made = False
        self._beneath = Root(self.root)

    def check(self) -> bool:
        """Whether the folder is a store of this machine; False where it is not there, and may become one.

        Raises:
            InvalidInputError: it is something else, or somebody else's.
            ResourceError: it cannot be read.
        """
        if not self._made:
            with os_errors(self.root):
                self._made = marker.is_made(self._beneath, adopt=self._adopt)
        return self._made

    @property
    def _read(self) -> Root:
        """What is below, for reading; the owner has been checked."""
        self.check()
        return self._beneath

    @property
    def _written(self) -> Root:
        """What is below, for writing; the store is there."""
        if not self.check():
            with os_errors(self.root):
                marker.take(self._beneath)
            self._made = True
        return self._beneath

    def artifact(self, fingerprint: str) -> Path:
        """Folder of a finished step's outputs."""
        return self.root / "artifacts" / fingerprint

    def logs(self, fingerprint: str) -> Path:
        """Folder of a step's streams, kept also when it failed."""
        return self.root / "logs" / fingerprint

    def new_logs(self, fingerprint: str) -> Path:
        """The same folder, made, and without the streams of an earlier run."""
        with os_errors(self.root):
            folder = self._written.make("logs", fingerprint)
            for name in self._written.names("logs", fingerprint):
                self._written.remove("logs", fingerprint, name)
        return folder

    def weights(self, digest: str) -> Path:
        """Folder of downloaded weights, by the digest that the recipe gives; free of links as far as it is there."""
        with os_errors(self.root):
            self._read.mode("weights", digest, "any")
        return self.root / "weights" / digest

    def make_weights(self, digest: str) -> Path:
        """The same folder, made."""
        with os_errors(self.root):
            return self._written.make("weights", digest)

    def make_archive(self, digest: str) -> Path:
        """Folder of what a run takes from an archive, made."""
        with os_errors(self.root):
            return self._written.make("archives", digest)

    @contextlib.contextmanager
    def lock(self, *, wait: bool = False) -> Iterator[None]:
        """Hold the store; the lock dies with the process.

        Raises:
            BusyError: another kit holds it and ``wait`` is not set.
            InvalidInputError: the folder is not a store of kit.
            ResourceError: the folder cannot be made or written.
        """
        with os_errors(self.root):
            if self._written.mode(".gitignore") is None:
                self._written.write(".gitignore", data=b"*\n")
            handle = self._written.open("lock", flags=os.O_RDWR, create=True)
        with os.fdopen(handle, "r+b", buffering=0) as file:  # a buffer would fail once more when it is closed
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError as error:
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
            for place, name in self._leftovers():
                self._written.remove(place, name)
                gone.append(self.root / place / name)
        return gone

    def leftovers(self) -> list[Path]:
        """What :meth:`sweep` would remove."""
        with os_errors(self.root):
            return [self.root / place / name for place, name in self._leftovers()]

    def _leftovers(self) -> Iterator[tuple[str, str]]:
        """Place and name; names that kit does not make are left alone."""
        for place in ("partial", "artifacts"):
            for name in self._read.names(place):
                recorded = place == "artifacts" and self._read.mode("records", f"{name}.json") is not None
                if marker.PLACES[place].fullmatch(name) and not recorded:
                    yield place, name
        for place in ("records", "weights", "images", "trees"):
            for name in self._read.names(place):
                if name.startswith(".") and name.endswith(PARTIAL):
                    yield place, name

    def partial_path(self, fingerprint: str) -> Path:
        """A name that no other attempt has."""
        return self.root / "partial" / f"{fingerprint[:16]}.{os.getpid()}.{time.monotonic_ns()}"

    @contextlib.contextmanager
    def partial(self, fingerprint: str) -> Iterator[Path]:
        """A fresh folder for a step's outputs; what was not committed from it is removed, however the step ends."""
        folder = self.partial_path(fingerprint)
        try:
            with os_errors(self.root):
                self._written.make("partial", folder.name)
            yield folder
        finally:
            with contextlib.suppress(OSError):
                self._written.remove("partial", folder.name)

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
            DamagedError: it is not a record, or a link, a folder or a pipe in its place.
        """
        where, name = str(self.root / "records" / f"{fingerprint}.json"), f"{fingerprint}.json"
        try:
            mode = self._read.mode("records", name)
            if mode is None:
                return None
            if not stat.S_ISREG(mode):
                raise ValueError("not a regular file")
            record = decode(self._read.read("records", name, limit=_RECORD_LIMIT))
        except OSError as error:
            raise ResourceError(
                f"the record cannot be read: {error.strerror}", where=where, remedy="check its permissions"
            ) from error
        except ValueError as error:
            raise DamagedError("the record is damaged", where=where, remedy="run `kit reproduce` again") from error
        if record.fingerprint != fingerprint:
            raise DamagedError("the record is another step's", where=where, remedy="run `kit reproduce` again")
        return record

    def records(self) -> list[Record]:
        """All readable records, by step name."""
        found = []
        for name in self._read.names("records"):
            with contextlib.suppress(DamagedError):
                record = self.load(name.removesuffix(".json"))
                if record:
                    found.append(record)
        return sorted(found, key=lambda record: (record.step, record.started))

    def changed(self, record: Record, *, full: bool) -> list[str]:
        """Paths of an artifact that are missing, added or of other content; ``full`` hashes every file."""
        if not stat.S_ISDIR(self._read.mode("artifacts", record.fingerprint) or 0):
            return [file.path for file in record.files] or ["."]
        return differences(record, self.artifact(record.fingerprint), full=full)

    def set_aside(self, fingerprint: str) -> Path | None:
        """Move a damaged entry out of the way, where a person can look at it; its step is made again."""
        place = f"{fingerprint}.{time.monotonic_ns()}"
        with os_errors(self.root):
            self._written.make("damaged", place)
            for entry in (("records", f"{fingerprint}.json"), ("artifacts", fingerprint)):
                if self._written.mode(*entry) is not None:
                    self._written.rename(entry, ("damaged", place, entry[-1]))
        return self.root / "damaged" / place

    def forget(self, fingerprint: str) -> None:
        """Remove a finished step: record first, so that an interruption leaves only an unrecorded artifact."""
        with os_errors(self.root):
            self._written.remove("records", f"{fingerprint}.json")
            self._written.remove("artifacts", fingerprint)

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
                        f"step {record.step} made a link: {name!r}", remedy="links are not artifacts; report this"
                    )
        with os_errors(self.root):
            sync_tree(partial)
            listed = digests.listing(partial).files
            many = len(listed) > 64
            hashed = digests.digest_files(partial, [path for path, *_ in listed], md5=not many)
            made = tuple(
                MadeFile(path, size, one.sha256, one.md5, mtime, inode)
                for (path, size, mtime, inode), one in zip(listed, hashed, strict=True)
            )
            self._written.remove("artifacts", record.fingerprint)  # an unrecorded leftover
            self._written.rename(("partial", partial.name), ("artifacts", record.fingerprint))
            complete = replace(record, files=made)
            self._written.write("records", f"{record.fingerprint}.json", data=encode(complete))
        return complete

    def tree(self, path: Path) -> str:
        """Digest of a file or folder that the user gave; untouched files are not read twice (never so in CI)."""
        if not path.is_dir():
            listed = None
            found = _stat(path)
            key = f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns} {found.st_ino}"
        else:
            listed = digests.listing(path)
            key = listed.key
        name = f"{hashlib.sha256(os.fsencode(path.absolute())).hexdigest()}.json"
        if self.trust_stat:
            known = self._remembered(name)
            if isinstance(known, dict) and known.get("key") == key and isinstance(known.get("digest"), str):
                return str(known["digest"])
        if listed is None:
            digest = digests.digest_file(path, md5=False).sha256
        else:
            names = [name for name, *_ in listed.files]
            hashed = digests.digest_files(path, names)
            digest = digests.tree_digest(
                [(name, one.bytes, one.sha256) for name, one in zip(names, hashed, strict=True)]
            )
        with os_errors(self.root):
            self._written.write("trees", name, data=json.dumps({"key": key, "digest": digest}).encode())
        return digest

    def _remembered(self, name: str) -> Any:
        """What :meth:`tree` found at an earlier time; None where there is nothing, or it is damaged."""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            if stat.S_ISREG(self._read.mode("trees", name) or 0):
                return json.loads(self._read.read("trees", name, limit=_NOTE_LIMIT))
        return None


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        digests.digest_file(path)  # says what is wrong with it
        raise ResourceError("the file cannot be read", where=str(path), remedy="check its permissions") from error
