"""Where TensorRT comes from: the vendor's image, or the archive that the user put into a folder."""

from __future__ import annotations

from kit.doctor import Finding
from kit.errors import DamagedError, MissingError
from kit.planning.target import Job
from kit.storage.digests import digest_file
from kit.targets.tensorrt.config import base_of, options_of

__all__ = ["check"]

_MAGIC = {".gz": b"\x1f\x8b", ".zst": b"\x28\xb5\x2f\xfd"}


def check(job: Job) -> Finding:
    """NGC image or archive."""
    options = options_of(job)
    if options.tarball is None:
        return Finding("ok", f"TensorRT comes with {base_of(job)}")
    path = job.recipe.resolve(options.packages) / options.tarball
    if not path.is_file():
        raise MissingError(
            "the TensorRT archive is not there",
            where=str(path),
            remedy="get it from developer.nvidia.com (with a login) and put it there, or remove options -> tarball",
        )
    with path.open("rb") as file:
        if not file.read(4).startswith(_MAGIC[path.suffix]):
            raise DamagedError(
                f"this is not a {path.suffix} archive: a download without login gives a web page",
                where=str(path),
                remedy="download it again",
            )
    if options.tarball_sha256 and digest_file(path, md5=False).sha256 != options.tarball_sha256:
        raise DamagedError(
            "the TensorRT archive has another sha256 than the recipe says", where=str(path), remedy="download it again"
        )
    return Finding("ok", f"{options.tarball}{'' if options.tarball_sha256 else ' (no checksum given)'}")
