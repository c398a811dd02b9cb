"""Nodes, driver files, groups and runtime, with real device nodes in a folder."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from kit.targets.ascend.passthrough import device_access, has_chip, has_runtime

MANAGERS = ("davinci_manager", "devmm_svm", "hisi_hdc")


def make_nodes(top: Path, chips: int = 1, *, gid: int = 1000, mode: int = 0o660) -> None:
    """Device nodes as the driver makes them (major 10 is for misc devices; nothing opens these)."""
    if os.getuid() != 0:
        pytest.skip("mknod needs root")
    (top / "dev").mkdir(parents=True, exist_ok=True)
    for number, name in enumerate([*(f"davinci{chip}" for chip in range(chips)), *MANAGERS]):
        path = top / "dev" / name
        os.mknod(path, stat.S_IFCHR | mode, os.makedev(10, 240 + number))
        path.chmod(mode)
        os.chown(path, 0, gid)


def test_plain_nodes_with_their_group(tmp_path: Path) -> None:
    make_nodes(tmp_path, gid=1234)
    found = device_access(0, top=tmp_path).devices
    assert found.nodes == tuple(f"{tmp_path}/dev/{name}:/dev/{name}" for name in ("davinci0", *MANAGERS))
    assert found.groups == (1234,)
    assert found.runtime is None
    assert has_chip(0, top=tmp_path)
    assert not has_chip(1, top=tmp_path)


@pytest.mark.parametrize(("mode", "groups"), [(0o666, ()), (0o660, (77,)), (0o600, ()), (0o640, ())])
def test_a_group_is_added_only_where_it_opens_the_nodes(tmp_path: Path, mode: int, groups: tuple[int, ...]) -> None:
    make_nodes(tmp_path, gid=77, mode=mode)
    assert device_access(0, top=tmp_path).devices.groups == groups


def test_only_driver_files_that_are_there_are_mounted(tmp_path: Path) -> None:
    (tmp_path / "usr/local/Ascend/driver/lib64").mkdir(parents=True)
    (tmp_path / "usr/local/bin").mkdir(parents=True)
    (tmp_path / "usr/local/bin/npu-smi").write_text("#!/bin/sh\n")
    files = device_access(0, top=tmp_path).devices.files
    assert files == (
        f"{tmp_path}/usr/local/Ascend/driver:/usr/local/Ascend/driver",
        f"{tmp_path}/usr/local/bin/npu-smi:/usr/local/bin/npu-smi",
    )


def test_on_the_host_itself_paths_stand_for_themselves() -> None:
    assert device_access(0, "devices", top=Path("/")).devices.nodes == (
        "/dev/davinci0", "/dev/davinci_manager", "/dev/devmm_svm", "/dev/hisi_hdc",
    )  # fmt: skip


def configure(top: Path, text: str) -> None:
    (top / "etc/docker").mkdir(parents=True, exist_ok=True)
    (top / "etc/docker/daemon.json").write_text(text)


def test_the_vendors_runtime_is_used_where_it_is_installed(tmp_path: Path) -> None:
    program = tmp_path / "usr/local/Ascend/Ascend-Docker-Runtime/ascend-docker-runtime"
    configure(tmp_path, json.dumps({"runtimes": {"ascend": {"path": "/" + str(program.relative_to(tmp_path))}}}))
    assert not has_runtime(tmp_path)  # configured, but the program is gone
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    assert has_runtime(tmp_path)
    found = device_access(2, top=tmp_path)
    assert found.devices.runtime == "ascend"
    assert found.devices.nodes == found.devices.files == ()
    assert found.environment == {"ASCEND_VISIBLE_DEVICES": "0-2"}
    assert device_access(0, top=tmp_path).environment == {"ASCEND_VISIBLE_DEVICES": "0"}
    assert device_access(0, "devices", top=tmp_path).devices.runtime is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"runtimes": []}', '{"runtimes": {"ascend": {"path": 3}}}'])
def test_a_damaged_engine_configuration_means_plain_nodes(tmp_path: Path, text: str) -> None:
    configure(tmp_path, text)
    assert not has_runtime(tmp_path)
