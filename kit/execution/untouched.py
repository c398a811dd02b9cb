"""Whether the user's own files, and what earlier steps left, stayed as they were while a program ran on them.

A container sees them read-only. A program in this environment can write there, and so can another program meanwhile:
the numbers would be those of other data than their fingerprint says.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from kit.errors import StepError
from kit.inside.labels import some
from kit.storage.digests import listing

__all__ = ["untouched"]


@contextlib.contextmanager
def untouched(step: str, paths: Iterable[Path], store: Path) -> Iterator[None]:
    """Compare names, sizes and times of the files at and below ``paths`` before and after; nothing is read.

    Args:
        step: its name, for the error.
        paths: files and folders.
        store: kit itself writes there, and it may lie in one of these folders.

    Raises:
        StepError: a file was changed, added or removed; names the first three.
    """
    before = {path: _files(path, store) for path in paths if path.exists()}
    yield
    for path, files in before.items():
        if changed := files ^ _files(path, store):
            raise StepError(
                f"changed while step {step} ran: {some({name for name, *_ in changed})}",
                where=str(path),
                remedy="put its files back (kit makes its own again), and let nothing write there;"
                " with --runner docker no program can",
            )


def _files(path: Path, store: Path) -> set[tuple[str, int, int, int]]:
    within = f"{store.resolve()}/"
    root = path.resolve()
    if not root.is_dir():
        with contextlib.suppress(FileNotFoundError):
            stat = root.stat()
            return {(path.name, stat.st_size, stat.st_mtime_ns, stat.st_ino)}
        return set()
    found = set(listing(path).files)
    if not within.startswith(f"{root}/"):
        return found
    return {one for one in found if not f"{root}/{one[0]}".startswith(within)}
