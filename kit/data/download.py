"""Downloads over http and https: resumed, bounded in size, credentials never shown."""

from __future__ import annotations

import os
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse, InvalidURL
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

from kit.errors import InvalidInputError, KitError, MissingError, ResourceError
from kit.recipe.schema import Weights, safe_url
from kit.storage.files import os_errors
from kit.storage.root import Root
from kit.toollogs.messages import excerpt

__all__ = ["download"]

_BLOCK = 1 << 18
#: Silence of a server, and all of a download: one that sends a byte now and then is never silent.
_TIMEOUT_S, _TOTAL_S = 60, 24 * 3600
#: No file has a length of more digits.
_LENGTH = re.compile(r"[0-9]{1,18}")
Progress = Callable[[int, int], None]


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
            f"weights are fetched over http or https only, not from {safe_url(url)!r}",
            remedy="give a web address, or a local file with --weights FILE",
        )


def download(url: str, partial: Path, weights: Weights, *, remedy: str, progress: Progress | None = None) -> None:
    """Fetch ``url`` into ``partial``; what is there already is continued, and kept where the connection ends.

    Raises:
        MissingError: no connection, or the server refuses.
        InvalidInputError: not a web address.
        ResourceError: larger than the recipe allows, or no room.
    """
    _check_scheme(url)
    parts = urlsplit(url)
    request = urllib.request.Request(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))  # noqa: S310
    if parts.username:
        import base64

        token = base64.b64encode(f"{parts.username}:{parts.password or ''}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {token}")
    have = partial.lstat().st_size if partial.is_file() else 0
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
            remedy=remedy,
        ) from error
    except (urllib.error.URLError, TimeoutError, ConnectionError, HTTPException, ValueError) as error:
        # Python quotes an invalid address in its message, and the query may hold a password.
        invalid = isinstance(error, ValueError | InvalidURL)
        reason = "the address is not valid" if invalid else excerpt(str(getattr(error, "reason", None) or error))
        raise MissingError(
            f"the weights cannot be fetched: {reason}; what has arrived is kept for the next try",
            where=safe_url(url),
            remedy=remedy,
        ) from error


def _receive(response: HTTPResponse, partial: Path, have: int, weights: Weights, progress: Progress | None) -> None:
    declared = response.headers.get("Content-Length") or ""
    length = int(declared) if _LENGTH.fullmatch(declared) else 0
    end = time.monotonic() + _TOTAL_S
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
                f"there is no space on the disk for {total} bytes", where=str(partial.parent), remedy="free some space"
            )
        with os.fdopen(_open(partial, keep=have > 0), "ab") as file:
            while block := response.read1(_BLOCK):  # what is there: a whole block of a slow server may take days
                if time.monotonic() > end:
                    raise MissingError(
                        f"the download took longer than {_TOTAL_S} s; what has arrived is kept for the next try",
                        remedy="run the same command again, or fetch the file from a faster server",
                    )
                have += len(block)
                if have > weights.max_bytes:
                    file.close()
                    partial.unlink()
                    raise too_large
                file.write(block)
                if progress:
                    progress(have, total)
            file.flush()
            os.fsync(file.fileno())
    if total and have < total:
        error: KitError = MissingError(
            f"the connection ended after {have} of {total} bytes; they are kept for the next try",
            remedy="run the same command again",
        )
        raise error


def _open(partial: Path, *, keep: bool) -> int:
    """Descriptor to write on; a link in its place, which a cloned store may hold, is not followed."""
    flags = os.O_WRONLY | os.O_APPEND | (0 if keep else os.O_TRUNC)
    return Root(partial.parent).open(partial.name, flags=flags, create=True)
