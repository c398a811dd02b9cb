"""What is fuzzed: everything that reads text or bytes of strangers in kit's own process.

Each function takes bytes and returns; what it may raise is a KitError with one line and a remedy. Anything else that
comes out is a defect, and so is a number that is not finite where numbers come out.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

from kit.archive.checking import check_sums
from kit.archive.container import digests_of, read_archive
from kit.archive.contents import MANIFEST, read_manifest
from kit.archive.derived import SUMS
from kit.audit import audit_text
from kit.audit.facts.encoding import decode as decode_report
from kit.audit.settings import load_settings
from kit.errors import KitError
from kit.output.annotations import annotation
from kit.output.junit import JUnitCase, JUnitSuite, junit
from kit.recipe.schema import load_recipe
from kit.results.resultsfile import load_results
from kit.storage.root import Root
from kit.storage.store import Store
from kit.terminal import visible, visible_lines
from kit.toollogs.reader import choose, readers
from kit.toollogs.text import decode

__all__ = ["TARGETS"]

_FOLDER = Path(tempfile.mkdtemp(prefix="kit-fuzz-"))
_KEY = "ab" * 32


def _one_line(error: KitError) -> None:
    assert error.what and error.remedy, repr(error)
    assert len(error.what) < 5000, len(error.what)
    assert "\n" not in error.what, repr(error.what)


def _file(data: bytes, name: str) -> Path:
    path = _FOLDER / name
    path.write_bytes(data)
    return path


def recipe(data: bytes) -> None:
    """A recipe."""
    load_recipe(_file(data, "kit.yaml"))


def results(data: bytes) -> None:
    """A results file."""
    load_results(_file(data, "cpu.json"))


def record(data: bytes) -> None:
    """A store's record: never believed unless it is whole, never an error."""
    store = Store(_FOLDER / "store")
    with store.lock():
        Root(store.root).write("records", f"{_KEY}.json", data=data)
    assert store.find(_KEY) is None
    assert not (store.root / "records" / f"{_KEY}.json").exists()
    for path in (store.root / "damaged").glob("*/*"):
        path.unlink()
        path.parent.rmdir()


def marker(data: bytes) -> None:
    """A store's marker: a folder that came with a clone is never believed."""
    folder = _FOLDER / "cloned"
    (folder / "records").mkdir(parents=True, exist_ok=True)
    (folder / "store.json").write_bytes(data)
    try:
        Store(folder).records()
    except KitError as error:
        _one_line(error)
        assert (folder / "store.json").read_bytes() == data
    else:
        raise AssertionError("a foreign store was believed")


def printed(data: bytes) -> None:
    """Text that is printed: one line stays one, an annotation stays one, XML stays well-formed."""
    text = data.decode("utf-8", "surrogateescape")
    assert visible(text).splitlines() in ([visible(text)], [])
    assert not ({chr(code) for code in range(32)} - {"\n", "\t"}) & set(visible_lines(text))
    line = annotation("error", text, text, file=text)
    assert line.splitlines() == [line]
    suite = JUnitSuite(text, text, [JUnitCase(text, "failed", text, text, [text])])
    assert ET.fromstring(junit("kit", [suite])).tag == "testsuites"


def settings(data: bytes) -> None:
    """Settings of the audit, in both forms."""
    for name in (".kit-audit.yaml", "pyproject.toml"):
        try:
            load_settings(_file(data, name), _FOLDER)[0].chosen()
        except KitError as error:
            _one_line(error)


def archive(data: bytes) -> None:
    """An archive, whose header and members are a stranger's; what is behind a digest is believed only if it fits."""
    path = _file(data, "a.tar")
    try:
        members = read_archive(path)
    except KitError as error:
        _one_line(error)
        members = {MANIFEST: data, SUMS: data, "recipe/kit.yaml": data}
    list(check_sums(members, digests_of(members)))
    read_manifest(members, "a.tar")


def audit(data: bytes) -> None:
    """A report."""
    audit_text(decode_report(data, "report"))


def log(data: bytes) -> None:
    """A tool's log, through the reader that fits."""
    text = decode(data, "log")
    reading = choose(text, None, where="log").read(text)
    json.dumps(reading.as_json(), allow_nan=False)
    list(reading.rows())


def every_reader(data: bytes) -> None:
    """A tool's log, through every reader, also those that it is not for."""
    text = decode(data, "log")
    for reader in readers():
        try:
            reading = reader.read(text)
        except KitError as error:
            _one_line(error)
            continue
        json.dumps(reading.as_json(), allow_nan=False)
        list(reading.rows())


def _guarded(function: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def call(data: bytes) -> None:
        try:
            function(data)
        except KitError as error:
            _one_line(error)

    return call


TARGETS: dict[str, Callable[[bytes], None]] = {
    function.__name__: _guarded(function)
    for function in (recipe, results, record, marker, printed, settings, archive, audit, log, every_reader)
}
