"""The image of a rehearsal: real device nodes with a group, passed into a container that may do nothing else."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import onnx
import pytest

from kit.containers.images import BuildOptions, Images
from kit.planning.target import ImageSpec
from kit.resources import resource

pytestmark = [pytest.mark.docker, pytest.mark.slow]

NODES = ("davinci0", "davinci_manager", "devmm_svm", "hisi_hdc")
GROUP = 4321
RUN = """
ln -s /in/prep_bin prep_bin
atc --model=/in/m.onnx --framework=5 --output=m --soc_version=Ascend310P3 --input_shape="actual_input_1:4,3,16,16" >&2
benchmark.$(uname -m) -model_type=vision -device_id=0 -batch_size=4 -om_path=m.om -input_text_path=/in/dataset.info \
    -input_width=16 -input_height=16
ls result/dumpOutput_device0 | wc -l
npu-smi info
trtexec --onnx=/in/m.onnx --shapes=actual_input_1:4x3x16x16 --duration=0
echo "trtexec $?"
"""


@pytest.fixture(scope="module")
def image(engine: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    spec = ImageSpec("simulated", resource("images") / "simulated", base="runtime", code=("simulated",))
    images = Images((spec,), tmp_path_factory.mktemp("store"), BuildOptions.from_environment(), lambda _: None)
    return images.build("simulated")


@pytest.fixture
def folder(tmp_path: Path, images: Any, model: onnx.ModelProto) -> Path:
    del images, model
    work = tmp_path / "work"
    for path in (*work.rglob("*"), work, *work.parents):
        if path.is_relative_to(tmp_path.parent.parent):
            path.chmod(path.stat().st_mode | 0o555)
    return work


def run(engine: Any, image: str, folder: Path, nodes: list[str], groups: list[int], **env: str) -> str:
    output: bytes = engine.containers.run(
        image,
        ["bash", "-c", RUN],
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        user="1234:1234",
        group_add=groups,
        devices=nodes,
        tmpfs={"/tmp": "mode=1777"},
        working_dir="/tmp",
        volumes={str(folder): {"bind": "/in", "mode": "ro"}},
        environment={"KIT_SIM_CHIP": "310P3", **env},
        remove=True,
        stdout=True,
        stderr=True,
    )
    return output.decode()


def test_virtual_devices(engine: Any, image: str, folder: Path) -> None:
    text = run(engine, image, folder, [], [], KIT_SIM_DEVICES="virtual:1")
    assert "ATC run success" in text
    assert "\n10\n" in text
    assert "| 0       310P3     | OK " in text
    assert "trtexec 0" in text


def test_no_devices(engine: Any, image: str, folder: Path) -> None:
    text = run(engine, image, folder, [], [])
    assert "ATC run success" in text  # a conversion needs no device
    assert "[ERROR] aclrtSetDevice failed!" in text
    assert "dcmi module initialize failed. ret is -8005" in text
    assert "Cuda failure: CUDA driver version is insufficient for CUDA runtime version" in text
    assert "trtexec 134" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="making device nodes needs root")
def test_real_nodes_need_the_group(engine: Any, image: str, folder: Path, tmp_path: Path) -> None:
    devices = []
    for number, name in enumerate(NODES):
        node = tmp_path / name
        try:
            os.mknod(node, stat.S_IFCHR | 0o660, os.makedev(236, number))
        except PermissionError:
            pytest.skip("no device nodes can be made here")
        os.chown(node, 0, GROUP)
        node.chmod(0o660)
        devices.append(f"{node}:/dev/{name}:rwm")
    refused = run(engine, image, folder, devices, [])
    assert "[ERROR] aclrtSetDevice failed!" in refused
    assert "/dev/davinci0: no permission (207006)" in refused
    allowed = run(engine, image, folder, devices, [GROUP])
    assert "\n10\n" in allowed
    assert "| 0       310P3     | OK " in allowed
    partial = run(engine, image, folder, devices[:-1], [GROUP])
    assert "/dev/hisi_hdc is not there" in partial
