"""Where raw outputs are read from: the store, and otherwise what was kept next to the results."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from kit.errors import KitError
from kit.host import label_of
from kit.results.kept import Kept
from kit.results.resultsfile import Results, Run
from kit.storage.digests import FileDigest
from kit.storage.store import Record, Store

__all__ = ["RawOutputs"]


@dataclass(frozen=True)
class RawOutputs:
    """The store of this machine, an archive of results, and the checkpoint's digests where it is here."""

    store: Store
    kept: Kept = field(default_factory=Kept)
    weights: FileDigest | None = None
    #: Fingerprints of which the store holds another run than the results quote, and the archive the quoted one: where
    #: somebody reproduces a committed report, the same steps run again and leave records of their own.
    another_run: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        results: Results,
        store: Store,
        kept: Kept,
        weights: FileDigest | None = None,
        quoted: Collection[str] = (),
    ) -> RawOutputs:
        """Where the outputs of these results are; ``quoted`` are digests of records that other results quote."""
        # A host of a cluster made them in its store: what this one holds of the same steps is of runs of its own.
        elsewhere = results.host.get("host") not in {None, label_of(store.root)}
        another = {
            run.fingerprint
            for run in results.runs
            if run.fingerprint in kept.records and _holds_another_run(store, run, kept, None if elsewhere else quoted)
        }
        return cls(store, kept, weights, frozenset(another))

    def stored(self, fingerprint: str) -> Path | None:
        """The store's folder of a step that the results quote; None where it has none."""
        folder = self.store.artifact(fingerprint)
        return folder if fingerprint not in self.another_run and folder.is_dir() else None

    def record(self, run: Run) -> Record | None:
        """The record of a run: the store's, or the one that was kept.

        Raises:
            DamagedError: the store's is not a record.
            ValueError, TypeError, KeyError: the kept one is not a record.
        """
        record = None if run.fingerprint in self.another_run else self.store.load(run.fingerprint)
        if record is None and run.fingerprint in self.kept.records:
            record = Record.from_proof(self.kept.records[run.fingerprint])
        return record

    def folder(self, fingerprint: str, place: Path) -> Path:
        """The outputs of a step: the store's folder, or the kept files written to ``place``."""
        stored = self.stored(fingerprint)
        if stored is not None:
            return stored
        made = place / fingerprint
        made.mkdir(exist_ok=True)
        self.kept.write(fingerprint, made)
        return made

    def data(self, fingerprint: str, file: str, reader: str) -> bytes | None:
        """The bytes of the file that evidence names; None where they are not on this machine.

        Raises:
            DamagedError: the store's record is not a record.
        """
        if reader == "record":
            record = None if fingerprint in self.another_run else self.store.load(fingerprint)
            return record.proof if record else self.kept.records.get(fingerprint)
        stored = self.stored(fingerprint)
        try:
            if stored is not None:
                return (stored / file).read_bytes()
        except OSError:
            pass  # a clone of the store without this file
        return self.kept.files.get((fingerprint, file))


def _holds_another_run(store: Store, run: Run, kept: Kept, quoted: Collection[str] | None) -> bool:
    """Whether the store's record of a step is that of other results; a record that nothing quotes was edited.

    ``quoted``: None where any record of this store is of another run.
    """
    if hashlib.sha256(kept.records[run.fingerprint]).hexdigest() != run.record:
        return False
    try:
        record = store.load(run.fingerprint)
    except KitError:
        return False
    return record is not None and record.sha256 != run.record and (quoted is None or record.sha256 in quoted)
