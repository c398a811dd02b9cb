"""Whose store a folder is: a marker says that kit made it, and on which machine.

A store is believed: what its records say is not run again, and what it holds unrecorded is removed. So a folder is one
only if it carries the marker, and the marker names this machine. A clone or an archive cannot hold such a marker: it
would have to know the machine's id. `--adopt` takes over a store that is known to be good.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
from pathlib import Path
from typing import Any

from kit.errors import InvalidInputError, KitError
from kit.storage.root import PARTIAL, Root

__all__ = ["MARKER", "PLACES", "is_made", "take"]

MARKER = "store.json"
_FORMAT = 1
_LIMIT = 1 << 16
#: Folders of a store, and what names in them look like.
PLACES: dict[str, re.Pattern[str]] = {
    "artifacts": re.compile(r"[0-9a-f]{64}"),
    "records": re.compile(r"[0-9a-f]{64}\.json"),
    "partial": re.compile(r"[0-9a-f]{16}\.[0-9]+\.[0-9]+"),
    "logs": re.compile(r"[0-9a-f]{64}"),
    "damaged": re.compile(r"[0-9a-f]{64}\.[0-9]+"),
    "trees": re.compile(r"[0-9a-f]{64}\.json"),
    "images": re.compile(r"[a-z0-9._-]+\.json"),
    "weights": re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}"),
    "archives": re.compile(r"[0-9a-f]{64}"),
}
#: Files of a store.
_FILES = {MARKER, ".gitignore", "lock", "containers"}
_VERSION_CONTROL = (".git", ".hg", ".svn", ".bzr", ".jj", "CVS")


def is_made(root: Root, *, adopt: bool = False) -> bool:
    """Whether the folder is a store of this machine; False where it is not there, or empty, and may become one.

    Raises:
        InvalidInputError: it is something else, or somebody else's; ``adopt`` takes over what has the form of a store.
    """
    mode = root.mode()
    if mode is None:
        return False
    if stat.S_ISLNK(mode):
        raise _refused(root, "this store is a link", "name the folder itself with --store")
    if not stat.S_ISDIR(mode):
        raise _refused(root, "this is not a store of kit: it is not a folder", "name a new folder with --store")
    names = [name for name in root.names() if not _is_partial_marker(name)]
    if not names:
        return False
    owners = _owners(root) if MARKER in names else []
    if any(_is_here(owner, root) for owner in owners):
        return True
    if adopt:
        _check_form(root)
        _write(root, [*owners, _owner(root)])
        return True
    if MARKER in names:
        raise _refused(
            root,
            "this store was not made here",
            "if you trust all that is in it, take it over with --adopt; otherwise move it away",
        )
    if {"artifacts", "records"} & set(names):
        raise _refused(
            root,
            f"this is not a store of kit: it has no {MARKER} (older versions of kit wrote none)",
            "if kit made it on this machine, take it over with --adopt; otherwise name another folder with --store",
        )
    raise _refused(root, "this is not a store of kit", "name a new or an empty folder with --store")


def take(root: Root) -> None:
    """Make a new or an empty folder a store of this machine; several at once do no harm."""
    root.make()
    if root.mode(MARKER) is None:
        _write(root, [_owner(root)])


def _is_partial_marker(name: str) -> bool:
    """Another kit may be about to make this store, or died while it did."""
    return name.startswith(f".{MARKER}.") and name.endswith(PARTIAL)


def _refused(root: Root, what: str, remedy: str) -> KitError:
    return InvalidInputError(what, where=str(root.path), remedy=remedy)


def _owners(root: Root) -> list[dict[str, Any]]:
    try:
        tree = json.loads(root.read(MARKER, limit=_LIMIT))
        version, owners = tree["kit store"], tree["owners"]
        if not isinstance(version, int) or not isinstance(owners, list):
            raise TypeError("another form")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _refused(root, f"this is not a store of kit: its {MARKER} is damaged", "move the folder away") from error
    if version != _FORMAT:
        raise _refused(root, f"this store has format {version}, and this kit knows {_FORMAT}", "update kit")
    return [owner for owner in owners if isinstance(owner, dict)]


def _write(root: Root, owners: list[dict[str, Any]]) -> None:
    root.write(MARKER, data=json.dumps({"kit store": _FORMAT, "owners": owners}, indent=1).encode() + b"\n")


def _owner(root: Root) -> dict[str, Any]:
    with root.folder() as handle:
        inode = os.fstat(handle).st_ino
    path = hashlib.sha256(os.fsencode(root.path.resolve())).hexdigest()
    return {"machine": _machine(), "path": path, "inode": inode}


def _is_here(owner: dict[str, Any], root: Root) -> bool:
    """Made on this machine; below version control also in this place, for a clone may hold a copy of a real one."""
    here = _owner(root)
    if owner.get("machine") != here["machine"]:
        return False
    return owner.get("path") == here["path"] or owner.get("inode") == here["inode"] or not _is_versioned(root.path)


def _is_versioned(path: Path) -> bool:
    return any((folder / name).exists() for folder in path.resolve().parents for name in _VERSION_CONTROL)


def _machine() -> str:
    """Digest of what identifies this machine and is in no repository: its id, or that of its boot."""
    for place in ("/etc/machine-id", "/var/lib/dbus/machine-id", "/proc/sys/kernel/random/boot_id"):
        with contextlib.suppress(OSError):
            if text := Path(place).read_text(encoding="ascii", errors="replace").strip():
                return hashlib.sha256(f"kit store {text}".encode()).hexdigest()
    return hashlib.sha256(f"kit store {os.uname().nodename}".encode()).hexdigest()


def _check_form(root: Root) -> None:
    """Check that it holds only what kit itself writes: taking over somebody's project would empty its ``artifacts``.

    Raises:
        InvalidInputError: a foreign name, a link, a pipe; the first one.
    """
    known = set(PLACES) | _FILES
    for name in root.names():
        if name not in known and not _is_partial_marker(name):
            raise _refused(root, f"this is not a store of kit: it holds {name!r}", "name another folder with --store")
        if name not in PLACES:
            with contextlib.suppress(FileNotFoundError):
                os.close(root.open(name, flags=os.O_RDONLY))
            continue
        for inner in root.names(name):
            if not PLACES[name].fullmatch(inner) and not (inner.startswith(".") and inner.endswith(PARTIAL)):
                raise _refused(
                    root, f"this is not a store of kit: it holds {name}/{inner}", "name another folder with --store"
                )
    for folder, names, files, _ in os.fwalk(root.path):
        for name in (*names, *files):
            mode = (Path(folder) / name).lstat().st_mode
            if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
                raise InvalidInputError(
                    "this is a link or a special file, which no store holds",
                    where=str(Path(folder) / name),
                    remedy="remove it, or name another folder with --store",
                )
