"""The vendor's files, which may not be redistributed: the user puts them into a folder, kit checks them.

``Ascend-cann-toolkit_<version>_linux-<arch>.run`` and ``benchmark.<arch>`` (or the wheels of ais_bench); optionally
``SHA256SUMS``, the host's ``version.info`` and ``ascend_install.info``, and ``Python-3.7.5.tar.xz``. A toolchain with a
public image needs no installer; if there is one it is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kit.doctor import Finding
from kit.errors import DamagedError, InvalidInputError, MissingError
from kit.inside.mistaken import mistaken_for
from kit.planning.target import Job
from kit.storage.digests import digest_file
from kit.targets.ascend.config import architecture, options_of
from kit.targets.ascend.toolchains import Cann, toolchain_of

__all__ = ["Packages", "check", "checksums", "elf_machine", "find", "verify"]

_TOOLKIT = re.compile(r"Ascend-cann-toolkit_(?P<version>[\w.]+)_linux-(?P<arch>x86_64|aarch64)\.run")
_SUM = re.compile(r"([0-9a-fA-F]{64}) [ *](\S.*)")
#: e_machine of an ELF header.
_MACHINES = {62: "x86_64", 183: "aarch64"}


@dataclass(frozen=True)
class Packages:
    """The vendor's files that were found; ``folder`` is None where it does not exist."""

    folder: Path | None
    wanted: Path
    arch: str
    toolchain: Cann
    tool: str
    toolkits: tuple[Path, ...] = ()
    benchmark: Path | None = None
    wheels: tuple[Path, ...] = ()
    sums: Mapping[str, str] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """Version of the toolkit."""
        return self.toolchain.version

    @property
    def python_tag(self) -> str:
        """``cp311`` for an image with Python 3.11: aclruntime is compiled for one minor version."""
        return "cp" + "".join(self.toolchain.python.split(".")[:2])

    @property
    def toolkit(self) -> Path | None:
        """The installer of the recipe's toolkit version and this architecture."""
        name = f"Ascend-cann-toolkit_{self.version}_linux-{self.arch}.run"
        return next((path for path in self.toolkits if path.name == name), None)

    @property
    def arguments(self) -> dict[str, str]:
        """ARGs of the Dockerfile: the build checks what the recipe says, too."""
        names = {
            "CANN_SHA256": f"Ascend-cann-toolkit_{self.version}_linux-{self.arch}.run",
            "BENCHMARK_SHA256": f"benchmark.{self.arch}",
        }
        given = {key: self.sums[name] for key, name in names.items() if name in self.sums}
        return {"ARCH": self.arch, "CANN_VERSION": self.version, **given}


def find(job: Job) -> Packages:
    """Look into the folder of the recipe; nothing is read yet."""
    options = options_of(job)
    row, tool = toolchain_of(job), options.tool or "benchmark"
    arch = architecture(options)
    wanted = job.recipe.resolve(options.packages)
    if not wanted.is_dir():
        return Packages(None, wanted, arch, row, tool, sums=options.sha256)
    names = sorted(wanted.iterdir())
    benchmark = wanted / f"benchmark.{arch}"
    return Packages(
        folder=wanted,
        wanted=wanted,
        arch=arch,
        toolchain=row,
        tool=tool,
        sums=options.sha256,
        toolkits=tuple(path for path in names if _TOOLKIT.fullmatch(path.name)),
        benchmark=benchmark if benchmark.is_file() else None,
        wheels=tuple(path for path in names if re.fullmatch(r"(aclruntime|ais_bench)-.*\.whl", path.name)),
    )


def check(job: Job) -> Finding:
    """Whether the vendor's packages are in their folder; a missing or damaged one raises, and doctor reports that."""
    return Finding("ok", "; ".join(verify(job)))


def verify(job: Job) -> list[str]:
    """Check names, architecture, form and checksums; returns what was checked, one line per file.

    Raises:
        MissingError: a file is not there.
        InvalidInputError: a file is for another version or architecture.
        DamagedError: a file is not what its name says, or its checksum is wrong.
    """
    found = find(job)
    sums = checksums(found.wanted) | options_of(job).sha256
    lines = []
    if found.toolkit or found.toolchain.image is None:
        toolkit = _the_toolkit(found)
        lines.append(_verified(toolkit, sums, _shell_archive(toolkit)))
    else:
        lines.append(f"CANN {found.version} is in the public image {found.toolchain.image}")
    if found.tool == "benchmark":
        if found.benchmark is None:
            raise MissingError(
                f"the benchmark tool benchmark.{found.arch} is not there",
                where=str(found.wanted),
                remedy="get it from the vendor and put it there, or set options -> tool: ais_bench",
            )
        machine = elf_machine(found.benchmark)
        problem = None if machine == found.arch else f"it is for {machine}" if machine else "it is not a program"
        lines.append(_verified(found.benchmark, sums, problem))
    else:
        lines += _verified_wheels(found, sums)
    unknown = sorted(name for name in options_of(job).sha256 if not (found.wanted / name).is_file())
    if unknown:
        raise MissingError(
            f"the recipe has a checksum for {unknown[0]}, which is not there",
            where=str(found.wanted),
            remedy="put the file there, or remove its line from options -> sha256",
        )
    return lines


def _the_toolkit(found: Packages) -> Path:
    if found.toolkit:
        return found.toolkit
    name = f"Ascend-cann-toolkit_{found.version}_linux-{found.arch}.run"
    if found.toolkits:
        raise InvalidInputError(
            f"the installer there is {found.toolkits[0].name}, this recipe and machine need {name}",
            where=str(found.wanted),
            remedy="get that one from the vendor, or change the target's toolchain in the recipe",
        )
    raise MissingError(
        f"the CANN installer {name} is not there",
        where=str(found.wanted),
        remedy="get it from the vendor (its licence forbids redistribution) and put it into this folder",
    )


def _verified_wheels(found: Packages, sums: dict[str, str]) -> list[str]:
    lines = []
    for kind in ("aclruntime", "ais_bench"):
        fitting = [
            wheel
            for wheel in found.wheels
            if wheel.name.startswith(f"{kind}-") and (wheel.name.endswith("-any.whl") or _fits(wheel.name, found))
        ]
        if not fitting:
            raise MissingError(
                f"there is no {kind} wheel for {found.arch} and Python {found.toolchain.python}",
                where=str(found.wanted),
                remedy=f"build or get {kind}-*-{found.python_tag}-*_{found.arch}.whl of ais_bench and put it there"
                + (", or set options -> tool: benchmark" if found.toolchain.tool == "benchmark" else ""),
            )
        with fitting[0].open("rb") as file:
            problem = None if file.read(2) == b"PK" else "it is not a wheel"
        lines.append(_verified(fitting[0], sums, problem))
    return lines


def _fits(name: str, found: Packages) -> bool:
    return name.endswith(f"_{found.arch}.whl") and f"-{found.python_tag}-" in name


def _verified(path: Path, sums: dict[str, str], problem: str | None) -> str:
    if problem:
        raise DamagedError(f"{path.name}: {problem}", where=str(path), remedy="get the file from the vendor again")
    if path.name not in sums:
        return f"{path.name} (no checksum given)"
    found = digest_file(path, md5=False).sha256
    if found != sums[path.name].lower():
        raise DamagedError(
            f"{path.name} has sha256 {found[:12]}…, expected {sums[path.name][:12]}…",
            where=str(path),
            remedy="get the file from the vendor again, or correct the checksum",
        )
    return f"{path.name} (sha256 {sums[path.name][:12]}… holds)"


def _shell_archive(path: Path) -> str | None:
    """What is obviously wrong with a self-extracting installer: an error page or a pointer file may have its name."""
    with path.open("rb") as file:
        start = file.read(512)
    if found := mistaken_for(start):
        return f"it is {found[0]}: {found[1]}"
    return None if start.startswith(b"#!") else "it is not an installer"


def elf_machine(path: Path) -> str | None:
    """The architecture of a program as ``uname -m`` says it; None for anything else."""
    with path.open("rb") as file:
        head = file.read(20)
    if head[:4] != b"\x7fELF" or len(head) < 20:
        return None
    machine = int.from_bytes(head[18:20], "little" if head[5] == 1 else "big")
    return _MACHINES.get(machine, f"machine {machine}")


def checksums(folder: Path) -> dict[str, str]:
    """Name -> sha256 of the folder's ``SHA256SUMS``, if it has one.

    Raises:
        InvalidInputError: a line is not of the form that sha256sum prints.
    """
    path = folder / "SHA256SUMS"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            "the checksums cannot be read", where=str(path), remedy="make them with sha256sum"
        ) from error
    found = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _SUM.fullmatch(line.rstrip())
        if not match:
            raise InvalidInputError(
                f"line {number} is not a checksum",
                where=str(path),
                remedy="make the file with `sha256sum * > SHA256SUMS`",
            )
        found[match[2]] = match[1].lower()
    return found
