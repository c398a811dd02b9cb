"""Files in memory as one tar file, or as files of a folder."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["tar_bytes", "write_members"]


def tar_bytes(members: Mapping[str, bytes]) -> bytes:
    """The members in the order of their names, without owner, mode and time: equal members give equal bytes."""
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in sorted(members.items()):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return text.getvalue()


def write_members(members: Mapping[str, bytes], folder: Path) -> None:
    """Write members into a folder; whoever read their names has made sure that they stay below it."""
    for name, data in sorted(members.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
