"""Weights: a local file, a mirror or a URL; with resume, progress and both checksums, published atomically."""

from __future__ import annotations

import contextlib
import stat
from collections.abc import Callable
from pathlib import Path

from kit.data.referenced import referenced_files
from kit.errors import DamagedError, MissingError
from kit.inside.mistaken import mistaken_for
from kit.recipe.schema import Recipe, Weights, safe_url
from kit.storage.digests import FileDigest, digest_file
from kit.storage.files import os_errors, sync_folder
from kit.storage.inputs import absent
from kit.storage.store import Store

__all__ = ["check_weights", "fetch_weights", "weights_path"]

#: Called with the MiB that are there, the MiB expected (0: unknown), and the unit.
Progress = Callable[[int, int, str], None]


def weights_path(recipe: Recipe, store: Path, given: Path | None) -> Path:
    """Where the weights are, or will be once they are fetched: given, named by the recipe, or in the store."""
    weights = recipe.weights
    if given is not None:
        return given
    if weights.path:
        return recipe.resolve(weights.path)
    return store / "weights" / (weights.md5 or weights.sha256 or "") / weights.filename


def check_weights(path: Path, weights: Weights) -> FileDigest:
    """Compare a file with both checksums of the recipe.

    Raises:
        MissingError: it is not there.
        DamagedError: a digest differs, or it is larger than the recipe allows.
        KitError: files that it refers to are not next to it.
    """
    with contextlib.suppress(OSError):  # a file without status cannot be read either, which is reported below
        if (size := path.stat().st_size) > weights.max_bytes:
            raise DamagedError(
                f"the weights have {size} bytes, more than the recipe's {weights.max_bytes}",
                where=str(path),
                remedy="give the right file, or raise weights -> max_bytes in the recipe",
            )
    _check_kind(path)
    found = digest_file(path)
    for kind, expected, got in (("md5", weights.md5, found.md5), ("sha256", weights.sha256, found.sha256)):
        if expected and expected != got:
            raise DamagedError(
                f"the weights' {kind} is {got}, the recipe says {expected}",
                where=str(path),
                remedy="fetch the file again, or correct the recipe if the file is the right one",
            )
    referenced_files(path)
    return found


def _check_kind(path: Path) -> None:
    """Recognise what often lies in the place of weights, because a message about checksums would mislead.

    Raises:
        DamagedError: an empty file, a Git LFS pointer, or a web page.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return  # reported when it is hashed
        with path.open("rb") as file:
            start = file.read(512)
    except OSError:
        return
    if found := mistaken_for(start):
        what, remedy = found
        raise DamagedError(
            f"this is {what}, not the weights", where=str(path), remedy=f"{remedy}, or give --weights FILE"
        )


def fetch_weights(
    recipe: Recipe,
    store: Store,
    *,
    given: Path | None = None,
    mirror: str | None = None,
    progress: Progress | None = None,
) -> tuple[Path, FileDigest]:
    """The weights' file, checked.

    Args:
        recipe: says where they are and what their digests are.
        store: keeps what was downloaded.
        given: a local file that takes the place of the recipe's.
        mirror: a URL whose folder holds a file of the same name.
        progress: is notified of how far a download has come.

    Raises:
        MissingError: no file and no connection, with where to get it.
        DamagedError: wrong digest.
    """
    weights = recipe.weights
    name = weights.md5 or weights.sha256 or ""
    final = weights_path(recipe, store.root, given)
    if given or weights.path:
        if not final.is_file():
            raise absent("there are no weights", final, _remedy(weights))
        return final, check_weights(final, weights)
    store.weights(name)
    if final.is_file() and not final.is_symlink():
        try:
            return final, check_weights(final, weights)
        except DamagedError:
            final.unlink()
    url = f"{mirror.rstrip('/')}/{weights.filename}" if mirror else weights.url
    if url is None:
        raise MissingError("the recipe names no weights that can be fetched", remedy=_remedy(weights))
    store.make_weights(name)
    partial = final.with_name(final.name + ".part")
    from kit.data.download import download  # a local file needs no network code

    def report(done: int, total: int) -> None:
        if progress:
            progress(done >> 20, total >> 20, "MiB of weights")

    download(url, partial, weights, remedy=_remedy(weights), progress=report)
    try:
        found = check_weights(partial, weights)
    except DamagedError as error:
        partial.unlink()
        raise DamagedError(
            f"{error.what}; the download was removed", where=safe_url(url), remedy="try again, or use another mirror"
        ) from error
    with os_errors(final):
        partial.replace(final)
        sync_folder(final.parent)
    return final, found


def _remedy(weights: Weights) -> str:
    origin = f"get them from {safe_url(weights.url)} and " if weights.url else ""
    return f"{origin}point to the file with --weights FILE (or KIT_WEIGHTS)"
