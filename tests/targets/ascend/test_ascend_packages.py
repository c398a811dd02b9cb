"""The vendor's files in the user's folder: names, versions, architecture, checksums; really damaged ones."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

import pytest

from kit.errors import DamagedError, InvalidInputError, KitError, MissingError
from kit.planning.target import Job, load_target
from kit.recipe.schema import load_recipe
from kit.targets.ascend.packages import elf_machine, verify

INSTALLER = "Ascend-cann-toolkit_5.1.RC1_linux-x86_64.run"


def elf(machine: int, *, big: bool = False) -> bytes:
    """The first bytes of a program for a machine."""
    order: Literal["big", "little"] = "big" if big else "little"
    return b"\x7fELF" + bytes([2, 2 if big else 1, 1]) + bytes(9) + (2).to_bytes(2, order) + machine.to_bytes(2, order)


@pytest.fixture
def site(tmp_path: Path, root: Path) -> Path:
    (tmp_path / "kit.yaml").write_text((root / "kit.yaml").read_text())
    folder = tmp_path / "packages/ascend"
    folder.mkdir(parents=True)
    (folder / INSTALLER).write_bytes(b"#!/bin/sh\nexit 0\n" + b"payload" * 100)
    (folder / "benchmark.x86_64").write_bytes(elf(62))
    return tmp_path


def job(site: Path, **options: object) -> Job:
    recipe = load_recipe(site)
    return Job(recipe, "310P", (1,), site, site, site, options={"arch": "x86_64", **options})


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_good_files_are_listed(site: Path) -> None:
    assert verify(job(site)) == [f"{INSTALLER} (no checksum given)", "benchmark.x86_64 (no checksum given)"]


@pytest.mark.parametrize("form", ["file", "options"])
def test_checksums_are_held(site: Path, form: str) -> None:
    path = site / "packages/ascend" / INSTALLER
    options: dict[str, Any] = {}
    if form == "file":
        (path.parent / "SHA256SUMS").write_text(f"{digest(path)} *{INSTALLER}\n")
    else:
        options["sha256"] = {INSTALLER: digest(path)}
    assert "holds" in verify(job(site, **options))[0]
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedError, match="has sha256 .*, expected"):
        verify(job(site, **options))


@pytest.mark.parametrize(
    ("name", "data", "error", "words"),
    [
        (INSTALLER, None, MissingError, "is not there"),
        (INSTALLER, b"", DamagedError, "an empty file"),
        (INSTALLER, b"<!DOCTYPE html><html>login", DamagedError, "web page"),
        (INSTALLER, b"version https://git-lfs.github.com/spec/v1\n", DamagedError, "Git LFS pointer"),
        (INSTALLER, b"\x7fELF" + bytes(60), DamagedError, "not an installer"),
        ("benchmark.x86_64", None, MissingError, "benchmark.x86_64 is not there"),
        ("benchmark.x86_64", elf(183), DamagedError, "it is for aarch64"),
        ("benchmark.x86_64", b"#!/bin/sh\n", DamagedError, "not a program"),
        ("benchmark.x86_64", b"\x7fEL", DamagedError, "not a program"),
    ],
)
def test_a_bad_file_is_named(site: Path, name: str, data: bytes | None, error: type[KitError], words: str) -> None:
    path = site / "packages/ascend" / name
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(error, match=words) as caught:
        verify(job(site))
    assert caught.value.remedy


@pytest.mark.parametrize(
    "other", ["Ascend-cann-toolkit_6.0.1_linux-x86_64.run", "Ascend-cann-toolkit_5.1.RC1_linux-aarch64.run"]
)
def test_another_version_or_architecture_is_named(site: Path, other: str) -> None:
    folder = site / "packages/ascend"
    (folder / INSTALLER).rename(folder / other)
    with pytest.raises(InvalidInputError) as caught:
        verify(job(site))
    assert other in caught.value.what and INSTALLER in caught.value.what


def test_the_recipe_says_which_version(site: Path) -> None:
    text = (site / "kit.yaml").read_text()
    (site / "kit.yaml").write_text(text.replace("CANN 5.1.RC1", "CANN 6.0.1"))
    with pytest.raises(InvalidInputError, match=r"need Ascend-cann-toolkit_6\.0\.1_linux-x86_64\.run"):
        verify(job(site))


def test_ais_bench_needs_its_two_wheels(site: Path) -> None:
    folder = site / "packages/ascend"
    with pytest.raises(MissingError, match="no aclruntime wheel for x86_64"):
        verify(job(site, tool="ais_bench"))
    (folder / "aclruntime-0.0.2-cp37-cp37m-linux_x86_64.whl").write_bytes(b"PK\x03\x04")
    (folder / "ais_bench-0.0.2-py3-none-any.whl").write_bytes(b"not a zip")
    with pytest.raises(DamagedError, match="it is not a wheel"):
        verify(job(site, tool="ais_bench"))
    (folder / "ais_bench-0.0.2-py3-none-any.whl").write_bytes(b"PK\x03\x04")
    assert len(verify(job(site, tool="ais_bench"))) == 3


@pytest.mark.parametrize("line", ["nonsense", "abc  file", "0" * 64 + "file"])
def test_a_damaged_checksum_list_names_its_line(site: Path, line: str) -> None:
    (site / "packages/ascend/SHA256SUMS").write_text(f"# list\n{line}\n")
    with pytest.raises(InvalidInputError, match="line 2 is not a checksum"):
        verify(job(site))


def test_a_checksum_without_its_file_is_an_error(site: Path) -> None:
    with pytest.raises(MissingError, match=r"checksum for gone\.run"):
        verify(job(site, sha256={"gone.run": "0" * 64}))


def test_the_image_is_told_what_to_check(site: Path) -> None:
    path = site / "packages/ascend" / INSTALLER
    (spec,) = load_target("310P").images(job(site, sha256={INSTALLER: digest(path)}, base="ubuntu:18.04"))
    assert spec.args == {"ARCH": "x86_64", "CANN_VERSION": "5.1.RC1", "CANN_SHA256": digest(path)}
    assert spec.files == site / "packages/ascend"
    assert spec.base == "ubuntu:18.04"


def test_without_the_folder_a_plan_can_still_be_printed(site: Path) -> None:
    (site / "packages/ascend" / INSTALLER).unlink()
    (site / "packages/ascend/benchmark.x86_64").unlink()
    (site / "packages/ascend").rmdir()
    (spec,) = load_target("310P").images(job(site))
    assert spec.files is None


@pytest.mark.parametrize(
    ("data", "machine"),
    [(elf(62), "x86_64"), (elf(183), "aarch64"), (elf(183, big=True), "aarch64"), (elf(8), "machine 8"), (b"", None)],
)
def test_the_machine_of_a_program(tmp_path: Path, data: bytes, machine: str | None) -> None:
    (tmp_path / "program").write_bytes(data)
    assert elf_machine(tmp_path / "program") == machine
