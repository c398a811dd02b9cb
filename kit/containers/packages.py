"""What is installed in an image: its package lists, read in a container of the image."""

from __future__ import annotations

from kit.containers.client import connect, engine_errors
from kit.errors import EngineError

__all__ = ["list_packages"]

#: dpkg's list, the heads of Python's, and version files, folders and libraries where installers of vendors leave them.
_SCRIPT = r"""
echo @release; cat /etc/os-release 2>/dev/null
echo @dpkg; cat /var/lib/dpkg/status 2>/dev/null
echo @python
find / -xdev -path '*.dist-info/METADATA' -exec grep -m 8 -H -E '^(Name|Version|License|License-Expression): ' {} +
echo @vendor
find /usr/local /opt -xdev -maxdepth 6 -type f -size -64k \
    \( -name version.info -o -name version.json -o -name version.txt -o -name version.cfg -o -name '*_install.info' \) \
    -exec grep -m 200 -H -i -E 'name|version' {} +
echo @folders
find /usr/local /opt -xdev -maxdepth 2 -type d -name '*-[0-9]*.[0-9]*' -prune
find /usr/local /opt -xdev -path '*/site-packages' -prune -o -type f -name 'lib*.so.[0-9]*.[0-9]*' -print
echo @end
"""
_MOST = 16 << 20


def list_packages(image: str) -> str:
    """Package lists of an image, by id, in sections that begin with ``@``: for :mod:`kit.archive.sbom`.

    The container has no network, no capabilities and a read-only root.

    Raises:
        EngineError: no engine, it does not have the image, or the image has no shell.
    """
    import docker.errors

    with engine_errors("reading the package lists of an image"):
        client = connect()
        try:
            client.images.get(image)  # running a missing image would pull it
            output: bytes = client.containers.run(
                image, ["-c", _SCRIPT], entrypoint="sh", user="65534:65534", network_mode="none", read_only=True,
                cap_drop=["ALL"], security_opt=["no-new-privileges"], pids_limit=64, mem_limit="1g", remove=True,
                stderr=False,
            )  # fmt: skip
        except docker.errors.ImageNotFound as error:
            raise EngineError(
                "the engine of this machine does not have this image", remedy="archive on the machine that measured"
            ) from error
        except docker.errors.ContainerError:
            output = b""
    if len(output) > _MOST or not output.endswith(b"@end\n"):
        raise EngineError("the image gives no package lists", remedy="see that it has sh, find and grep")
    return output.decode(errors="replace")
