"""The outputs of a run's steps, as a target reads them: each value comes with the place that it was read from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from kit.errors import DamagedError
from kit.results.evidence import Evidence, Raw, field_name
from kit.results.places import find
from kit.storage.store import Record

__all__ = ["Output", "Outputs", "read_text"]

#: A log is read up to here from each end: a run over millions of images prints a line for each batch.
_HEAD = _TAIL = 8 << 20
_AGAIN = "run the step again with --force"
_UNKNOWN = "0" * 64


def read_text(path: Path) -> str:
    """A stream or result file as text; only head and tail of a very long one; empty where there is no file."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(_HEAD)
            if size > _HEAD + _TAIL:
                file.seek(size - _TAIL)
            data += file.read(_TAIL)
    except OSError:
        return ""
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


class Output:
    """One file that a step left."""

    def __init__(self, step: str, fingerprint: str, name: str, path: Path) -> None:
        self.step, self.fingerprint, self.name, self.path = step, fingerprint, name, path

    @cached_property
    def sha256(self) -> str:
        """Digest of the file as it is read here."""
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DamagedError("a result cannot be read", where=str(self.path), remedy=_AGAIN) from error

    @cached_property
    def text(self) -> str:
        """The file as text: see :func:`read_text`."""
        return read_text(self.path)

    @cached_property
    def json(self) -> Any:
        """The file as JSON.

        Raises:
            DamagedError: missing, or not JSON.
        """
        try:
            return json.loads(self.path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            raise DamagedError("a result cannot be read", where=str(self.path), remedy=_AGAIN) from error

    @property
    def tree(self) -> dict[str, Any]:
        """The file as a JSON object.

        Raises:
            DamagedError: missing, or not a JSON object.
        """
        tree = self.json
        if not isinstance(tree, dict):
            raise DamagedError("a result is not of its form", where=str(self.path), remedy=_AGAIN)
        return tree

    def at(self, reader: str, place: str, value: Any) -> Raw[Any]:
        """A value that a reader took from a place of this file."""
        evidence = Evidence(
            step=self.step, fingerprint=self.fingerprint, file=self.name, sha256=self.sha256, reader=reader, place=place
        )
        return Raw(value, evidence)

    def key(self, *parts: str | int) -> Raw[Any]:
        """The value at a key of a JSON file.

        Raises:
            DamagedError: it has no such key.
        """
        tree = self.json
        try:
            for part in parts:
                tree = tree[part]
        except (KeyError, IndexError, TypeError) as error:
            raise DamagedError(f"a result has no {field_name(*parts)}", where=str(self.path), remedy=_AGAIN) from error
        return self.at("json", field_name(*parts), tree)

    def keys(self, *parts: str | int) -> dict[str, Raw[Any]]:
        """The values of an object in a JSON file, by name.

        Raises:
            DamagedError: there is no object.
        """
        names = self.key(*parts).value
        if not isinstance(names, dict):
            raise DamagedError(f"{field_name(*parts)} is not an object", where=str(self.path), remedy=_AGAIN)
        return {name: self.key(*parts, name) for name in names}

    def line(self, value: Any, *words: str, start: int = 0) -> Raw[Any]:
        """A value that a reader took from a text: see :func:`kit.results.places.find`."""
        return self.at("text", find(self.text, value, *words, start=start), value)


class Outputs(Mapping[str, Path]):
    """The output folder of each step, by name; :meth:`file` opens a file of one, and remembers that it was read."""

    def __init__(self, folders: Mapping[str, Path], fingerprints: Mapping[str, str] | None = None) -> None:
        self._folders, self._fingerprints = dict(folders), fingerprints or {}
        self.read: dict[tuple[str, str], Output] = {}

    @classmethod
    def of_records(cls, records: Mapping[str, Record], folder: Callable[[str], Path]) -> Outputs:
        """The outputs of recorded steps; ``folder`` gives the folder of a fingerprint."""
        found = {name: record.fingerprint for name, record in records.items()}
        return cls({name: folder(fingerprint) for name, fingerprint in found.items()}, found)

    @classmethod
    def of(cls, folders: Mapping[str, Path]) -> Outputs:
        """The same outputs, or plain folders as outputs whose steps have no record."""
        return folders if isinstance(folders, Outputs) else cls(folders)

    def __getitem__(self, step: str) -> Path:
        return self._folders[step]

    def __iter__(self) -> Iterator[str]:
        return iter(self._folders)

    def __len__(self) -> int:
        return len(self._folders)

    def file(self, step: str, name: str) -> Output:
        """A file by its step and its path in the step's folder."""
        if (step, name) not in self.read:
            fingerprint = self._fingerprints.get(step, _UNKNOWN)
            self.read[step, name] = Output(step, fingerprint, name, self[step] / name)
        return self.read[step, name]
