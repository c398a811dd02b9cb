"""What is often found in the place of a large file: nothing, a Git LFS pointer, or a server's web page."""

from __future__ import annotations

from .protocol import UserError

__all__ = ["mistaken_for", "refuse_mistaken"]


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


def refuse_mistaken(start: bytes, wanted: str, path: str) -> None:
    """Refuse a file that is not the `wanted` one, by its first 512 bytes.

    Raises:
        UserError: it is empty, a Git LFS pointer or a web page.
    """
    if found := mistaken_for(start):
        what, remedy = found
        raise UserError(f"is {what}, not {wanted}", f"{remedy[0].upper()}{remedy[1:]}.", path, "damaged")
