"""Weights: a local file, a mirror or a URL; with resume, progress and both checksums, published atomically."""

from __future__ import annotations

import contextlib
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse, InvalidURL
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from kit.digests import FileDigest, digest_file
from kit.errors import DamagedError, InvalidInputError, KitError, MissingError, ResourceError
from kit.faults import excerpt
from kit.files import os_errors, sync_folder
from kit.recipe import Recipe, Weights, safe_url
from kit.store import Store

__all__ = ["check_weights", "fetch_weights"]

_BLOCK = 1 << 18
_TIMEOUT_S = 60
Progress = Callable[[int, int], None]


def check_weights(path: Path, weights: Weights) -> FileDigest:
    """Compare a file with both checksums of the recipe.

    Raises:
        MissingError: it is not there.
        DamagedError: a digest differs, or it is larger than the recipe allows.
    """
    with contextlib.suppress(OSError):  # what cannot be looked at cannot be read either, and that is told below
        if (size := path.stat().st_size) > weights.max_bytes:
            raise DamagedError(
                f"the weights have {size} bytes, more than the recipe's {weights.max_bytes}",
                where=str(path),
                remedy="give the right file, or raise weights -> max_bytes in the recipe",
            )
    found = digest_file(path)
    for kind, expected, got in (("md5", weights.md5, found.md5), ("sha256", weights.sha256, found.sha256)):
        if expected and expected != got:
            raise DamagedError(
                f"the weights' {kind} is {got}, the recipe says {expected}",
                where=str(path),
                remedy="fetch the file again, or correct the recipe if the file is the right one",
            )
    return found


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
        progress: called with the bytes that are there and the bytes expected (0: unknown).

    Raises:
        MissingError: no file and no connection, with where to get it.
        DamagedError: wrong digest.
    """
    weights = recipe.weights
    local = given or (recipe.resolve(weights.path) if weights.path else None)
    if local is not None:
        if not local.is_file():
            raise MissingError("there are no weights", where=str(local), remedy=_remedy(weights))
        return local, check_weights(local, weights)
    name = weights.md5 or weights.sha256 or ""
    final = store.root / "weights" / name / weights.filename
    if final.is_file():
        try:
            return final, check_weights(final, weights)
        except DamagedError:
            final.unlink()
    url = f"{mirror.rstrip('/')}/{weights.filename}" if mirror else weights.url
    if url is None:
        raise MissingError("the recipe names no weights that can be fetched", remedy=_remedy(weights))
    with os_errors(final):
        final.parent.mkdir(parents=True, exist_ok=True)
    partial = final.with_name(final.name + ".part")
    _download(url, partial, weights, progress)
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


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects between web addresses only: never to a file of this machine."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        _check_scheme(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_scheme(url: str) -> None:
    try:
        scheme = urlsplit(url).scheme
    except ValueError:
        scheme = ""
    if scheme not in {"http", "https"}:
        raise InvalidInputError(
            f"weights come over http or https only, not from {safe_url(url)!r}",
            remedy="give a web address, or a local file with --weights FILE",
        )


def _download(url: str, partial: Path, weights: Weights, progress: Progress | None) -> None:
    _check_scheme(url)
    parts = urlsplit(url)
    request = urllib.request.Request(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))  # noqa: S310
    if parts.username:
        import base64

        token = base64.b64encode(f"{parts.username}:{parts.password or ''}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
    have = partial.stat().st_size if partial.exists() else 0
    if have:
        request.add_header("Range", f"bytes={have}-")
    opener = urllib.request.build_opener(_Redirects)
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as response:
            _receive(response, partial, have if response.status == 206 else 0, weights, progress)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # the whole file was there already: the digest decides
            return
        raise MissingError(
            f"the server answers {error.code} {excerpt(str(error.reason))}",
            where=safe_url(url),
            remedy=_remedy(weights),
        ) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError, HTTPException, ValueError) as error:
        # Python quotes the address in the message about an odd one, and a query may be a password.
        odd = isinstance(error, ValueError | InvalidURL)
        reason = "the address is not valid" if odd else excerpt(str(getattr(error, "reason", None) or error))
        raise MissingError(
            f"the weights cannot be fetched: {reason}; what has arrived is kept for the next try",
            where=safe_url(url),
            remedy=_remedy(weights),
        ) from error


def _receive(response: HTTPResponse, partial: Path, have: int, weights: Weights, progress: Progress | None) -> None:
    length = int(response.headers.get("Content-Length") or 0)
    total = have + length if length else 0
    too_large = ResourceError(
        f"the download is larger than {weights.max_bytes} bytes",
        remedy="raise weights -> max_bytes in the recipe if the file is really that large",
    )
    if total > weights.max_bytes:
        raise too_large
    with os_errors(partial):
        if total and shutil.disk_usage(partial.parent).free < total - have:
            raise ResourceError(
                f"the disk has no room for {total} bytes", where=str(partial.parent), remedy="free some space"
            )
        with partial.open("ab" if have else "wb") as file:
            while block := response.read(_BLOCK):
                have += len(block)
                if have > weights.max_bytes:
                    file.close()
                    partial.unlink()
                    raise too_large
                file.write(block)
                if progress:
                    progress(have, total)
            file.flush()
            import os

            os.fsync(file.fileno())
    if total and have < total:
        error: KitError = MissingError(
            f"the connection ended after {have} of {total} bytes; they are kept for the next try",
            remedy="run the same command again",
        )
        raise error
