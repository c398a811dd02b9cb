"""Where raw outputs are read from: the store, and otherwise what was kept beside the results."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from kit.results.evidence import Evidence
from kit.results.kept import Kept
from kit.results.resultsfile import Run
from kit.storage.digests import FileDigest
from kit.storage.store import Record, Store

__all__ = ["RawOutputs"]


@dataclass(frozen=True)
class RawOutputs:
    """The store of this machine, an archive of results, and the checkpoint's digests where it is here."""

    store: Store
    kept: Kept = field(default_factory=Kept)
    weights: FileDigest | None = None

    def record(self, run: Run) -> Record | None:
        """The record of a run: the store's, or the one that was kept.

        Raises:
            DamagedError: the store's is no record.
            ValueError, TypeError, KeyError: the kept one is none.
        """
        record = self.store.load(run.fingerprint)
        if record is None and run.fingerprint in self.kept.records:
            record = Record.from_proof(self.kept.records[run.fingerprint])
        return record

    def folder(self, fingerprint: str, place: Path) -> Path:
        """The outputs of a step: the store's folder, or the kept files written to ``place``."""
        stored = self.store.artifact(fingerprint)
        if stored.is_dir():
            return stored
        made = place / fingerprint
        made.mkdir(exist_ok=True)
        self.kept.write(fingerprint, made)
        return made

    def data(self, evidence: Evidence) -> bytes | None:
        """The bytes of the file that evidence names; None where they are not on this machine.

        Raises:
            DamagedError: the store's record is none.
        """
        if evidence.reader == "record":
            record = self.store.load(evidence.fingerprint)
            return record.proof if record else self.kept.records.get(evidence.fingerprint)
        path = self.store.artifact(evidence.fingerprint) / evidence.file
        try:
            return path.read_bytes()
        except OSError:
            return self.kept.files.get((evidence.fingerprint, evidence.file))
