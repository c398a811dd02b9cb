"""Where TensorRT comes from: the vendor's image, or the archive that the user put into a folder."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from kit.doctor import Check, Finding
from kit.errors import DamagedError, Exit, MissingError
from kit.targets.tensorrt.config import base_of, options_of

if TYPE_CHECKING:
    from kit.planning.target import Job

__all__ = ["check"]

_BLOCK = 1 << 20
_MAGIC = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}


def _look(job: Job) -> Finding:
    options = options_of(job)
    if options.tarball is None:
        return Finding("ok", f"TensorRT comes with {base_of(job)}")
    path = job.recipe.resolve(options.packages) / options.tarball
    if not path.is_file():
        raise MissingError(
            "the TensorRT archive is not there",
            where=str(path),
            remedy="get it from developer.nvidia.com (with a login) and put it there, or drop options -> tarball",
        )
    with path.open("rb") as file:
        if not file.read(4).startswith(_MAGIC[path.suffix]):
            raise DamagedError(
                f"this is not a {path.suffix} archive: a download without login gives a web page",
                where=str(path),
                remedy="get it again",
            )
        if options.tarball_sha256:
            file.seek(0)
            whole = hashlib.sha256()
            while block := file.read(_BLOCK):
                whole.update(block)
            if whole.hexdigest() != options.tarball_sha256:
                raise DamagedError(
                    "the TensorRT archive has another sha256 than the recipe says",
                    where=str(path),
                    remedy="get it again",
                )
    return Finding("ok", f"{options.tarball}{'' if options.tarball_sha256 else ' (no checksum given)'}")


def check(job: Job) -> Check:
    """NGC image or archive."""
    return Check("TensorRT packages", lambda: _look(job), Exit.MISSING)
