"""Whether the host's driver is installed, with the files that containers need of it."""

from __future__ import annotations

from pathlib import Path

from kit.doctor import Finding
from kit.planning.target import Job
from kit.targets.cards import host_root

__all__ = ["check", "driver_version", "npu_smi_program"]

_HAL = "libascend_hal.so"
_GET = "install the vendor's driver and firmware for this card, restart the host, then run npu-smi info"


def driver_version() -> str | None:
    """``Version`` of the driver's version.info; None where there is no driver."""
    try:
        lines = (host_root() / "usr/local/Ascend/driver/version.info").read_text(errors="replace").splitlines()
    except OSError:
        return None
    found = [line.partition("=")[2].strip() for line in lines if line.lower().startswith("version=")]
    return found[0] if found else "unknown"


def npu_smi_program() -> Path | None:
    """The host's npu-smi."""
    places = (host_root() / "usr/local/bin/npu-smi", host_root() / "usr/local/sbin/npu-smi")
    return next((place for place in places if place.is_file()), None)


def check(job: Job) -> Finding:  # noqa: ARG001 - the same for every job
    """Driver files of the host."""
    driver = host_root() / "usr/local/Ascend/driver"
    version = driver_version()
    if version is None:
        return Finding(
            "fail",
            "the Ascend driver is not installed: there is no /usr/local/Ascend/driver/version.info",
            _GET,
            prevents="dcmi module initialize failed. ret is -8005",
        )
    if not any((driver / "lib64" / part / _HAL).exists() for part in ("", "driver", "common")):
        return Finding(
            "fail",
            f"the driver's {_HAL} is missing under /usr/local/Ascend/driver/lib64",
            "install the driver again",
            prevents=f"error while loading shared libraries: {_HAL}: cannot open shared object file: No such file or"
            " directory",
        )
    if npu_smi_program() is None:
        return Finding(
            "fail",
            "npu-smi is not in /usr/local/bin or /usr/local/sbin",
            "install the driver again: npu-smi comes with it",
            prevents="npu-smi: command not found",
        )
    return Finding("ok", f"driver {version}")
