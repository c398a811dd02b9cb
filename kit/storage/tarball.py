"""Files in memory as one tar file."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

__all__ = ["tar_bytes"]


def tar_bytes(members: Mapping[str, bytes]) -> bytes:
    """The members in the order of their names, without owner, mode and time: equal members give equal bytes."""
    text = io.BytesIO()
    with tarfile.open(fileobj=text, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in sorted(members.items()):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return text.getvalue()
