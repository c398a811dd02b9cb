"""What often lies under the name of a large file: nothing, a Git LFS pointer, or the web page of a server's answer."""

from __future__ import annotations

__all__ = ["mistaken_for"]


def mistaken_for(start: bytes) -> tuple[str, str] | None:
    """What a file is by its first 512 bytes, and what to do; None where it may be the right one."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        return "an empty file", "fetch it again"
    if text.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer", "fetch the file itself with `git lfs pull`"
    if text.startswith(b"<"):
        return "a web page", "open the address in a browser, see what it says, and fetch the file itself"
    return None
