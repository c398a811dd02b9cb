"""Real device nodes through the real engine: what a container gets, sees and may open, and what it may not."""

from __future__ import annotations

import json
import os
import platform
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.containers import docker as docker_runner
from kit.containers.docker import DockerRunner
from kit.containers.runner import Binding
from kit.errors import BusyError, DeviceError
from kit.execution.selection import with_devices
from kit.planning.step import Devices, Step
from kit.planning.target import Job, load_target
from kit.recipe.schema import load_recipe

pytestmark = pytest.mark.docker

BASE = "kit-base:bookworm"
GID = 1234


class Quiet:
    def progress(self, done: int, total: int, unit: str) -> None: ...

    def line(self, text: str) -> None: ...


class Host:
    """A machine's root with nodes and driver files, and a runner on the engine here."""

    def __init__(self, top: Path, work: Path, client: Any) -> None:
        self.top, self.work = top, work
        images = client.images.list(name=BASE)
        if not images:
            pytest.skip(f"no image {BASE}: make it with images/base/make-base.sh")
        self.image = str(images[0].id)
        (work / "store").mkdir(parents=True)
        self.runner = DockerRunner(None, work / "store")  # type: ignore[arg-type]
        self.count = 0

    def node(self, name: str, number: int, *, mode: int = 0o660, gid: int = GID) -> None:
        # 1:3 is /dev/null and can really be opened; the numbers of a driver that is not loaded could not.
        path = self.top / "dev" / name
        os.mknod(path, stat.S_IFCHR | mode, os.makedev(1, 3 if number == 0 else 5))
        path.chmod(mode)
        os.chown(path, 0, gid)

    def run(self, step: Step) -> tuple[int, str, str]:
        self.count += 1
        folder = self.work / f"run{self.count}"
        out, logs, state = folder / "out", folder / "logs", folder / "in"
        for path in (out, logs, state):
            path.mkdir(parents=True)
        binding = Binding("0" * 64, dict.fromkeys(step.inputs, state), out, logs, self.image)
        outcome = self.runner.run(step, binding, Quiet())
        return outcome.exit_code, outcome.stdout.read_text(), outcome.stderr.read_text()


@pytest.fixture
def host(engine: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    if os.getuid() != 0:
        pytest.skip("mknod needs root")
    tmp_path.chmod(0o755)
    top = tmp_path / "machine"
    driver = top / "usr/local/Ascend/driver"
    (driver / "lib64").mkdir(parents=True)
    (driver / "version.info").write_text("Version=22.0.0\n")
    (top / "usr/local/bin").mkdir(parents=True)
    (top / "usr/local/bin/npu-smi").write_text("#!/bin/sh\necho npu-smi of the host\n")
    (top / "usr/local/bin/npu-smi").chmod(0o755)
    (top / "dev").mkdir()
    monkeypatch.setenv("KIT_DEVICE_ROOT", str(top))
    made = Host(top, tmp_path / "work", engine)
    for number, name in enumerate(("davinci0", "davinci_manager", "devmm_svm", "hisi_hdc")):
        made.node(name, number)
    return made


def planned(job: Job) -> Sequence[Step]:
    target = load_target(job.target)
    return target.plan(with_devices(target, job))


def infer(root: Path, **changes: Any) -> Step:
    """The inference step of target 310P with another program: only what surrounds it is looked at."""
    recipe = load_recipe(root / "examples/digits")
    job = Job(recipe, "310P", (1,), root, root, root, **changes)
    steps = {step.name: step for step in planned(job)}
    return replace(steps["310P/infer-bs1"], links={})


def shell(step: Step, script: str) -> Step:
    return replace(step, argv=("sh", "-c", script))


def test_the_container_has_the_nodes_the_driver_and_nothing_else(root: Path, host: Host) -> None:
    script = (
        "ls /dev | sort | tr '\\n' ' '; echo; id -G; stat -c '%a %g' /dev/davinci0; "
        "cat /usr/local/Ascend/driver/version.info; npu-smi; "
        "touch /usr/local/Ascend/driver/x 2>/dev/null || echo read-only; "
        "grep -h '^Cap\\|^NoNewPrivs' /proc/self/status"
    )
    code, out, err = host.run(shell(infer(root), script))
    assert code == 0, err
    lines = out.splitlines()
    nodes = [name for name in lines[0].split() if name not in
             {"core", "fd", "full", "mqueue", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout",
              "tty", "urandom", "zero", "console"}]  # fmt: skip
    assert nodes == ["davinci0", "davinci_manager", "devmm_svm", "hisi_hdc"]
    assert str(GID) in lines[1].split()
    assert lines[2] == f"660 {GID}"
    assert lines[3:6] == ["Version=22.0.0", "npu-smi of the host", "read-only"]
    facts = dict(line.split(":", 1) for line in lines[6:])
    assert {facts[name].strip() for name in ("CapPrm", "CapEff", "CapBnd")} == {"0" * 16}
    assert facts["NoNewPrivs"].strip() == "1"


def test_the_group_opens_the_node_and_without_it_nothing_does(root: Path, host: Host) -> None:
    step = infer(root)
    opens = "exec 3<>/dev/davinci0 && echo opened"
    code, out, _ = host.run(shell(step, opens))
    assert (code, out) == (0, "opened\n")
    outsider = replace(step, devices=replace(step.devices, groups=()))
    code, out, err = host.run(shell(outsider, opens))
    assert code != 0
    assert "ermission denied" in err


def test_a_node_that_is_not_named_is_not_there_and_cannot_be_made(root: Path, host: Host) -> None:
    host.node("davinci1", 0)
    script = "ls /dev/davinci1; mknod /tmp/d c 1 3; python3 -c \"open('/dev/davinci1')\""
    code, _, err = host.run(shell(infer(root), script))
    assert code != 0
    assert "No such file" in err
    assert "Operation not permitted" in err


def test_device_1_brings_the_chips_from_0_to_1(root: Path, host: Host) -> None:
    host.node("davinci1", 0)
    _, out, _ = host.run(shell(infer(root, device=1), "ls /dev | grep davinci[0-9]"))
    assert out.split() == ["davinci0", "davinci1"]


def test_a_missing_node_is_a_sentence(root: Path, host: Host) -> None:
    (host.top / "dev/hisi_hdc").unlink()
    with pytest.raises(DeviceError, match="a device node is missing on this host") as caught:
        host.run(shell(infer(root), "true"))
    assert "kit doctor" in caught.value.remedy


def test_a_second_run_finds_the_chip_taken(root: Path, host: Host, engine: Any) -> None:
    step = infer(root)
    name = f"kit-device-{step.devices.leases[0]}"
    held = engine.containers.create(host.image, ["sleep", "60"], name=name)
    try:
        with pytest.raises(BusyError, match="the device is held by"):
            host.run(shell(step, "true"))
    finally:
        held.remove(force=True)


GOLDEN = {
    "AutoRemove": False,
    "CapAdd": None,
    "CapDrop": ["ALL"],
    "DeviceRequests": None,
    "GroupAdd": [str(GID)],
    "Init": True,
    "IpcMode": "private",
    "Memory": 16 << 30,
    "MemorySwap": 16 << 30,
    "NetworkMode": "none",
    "PidMode": "",
    "PidsLimit": 1024,
    "Privileged": False,
    "ReadonlyRootfs": True,
    "Runtime": "runc",
    "SecurityOpt": ["no-new-privileges"],
}


def test_docker_inspect_against_the_golden_text(
    root: Path, host: Host, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []
    remove = docker_runner._remove

    def look(client: Any, container: str) -> None:
        seen.append(client.api.inspect_container(container))
        remove(client, container)

    monkeypatch.setattr(docker_runner, "_remove", look)
    host.run(shell(infer(root), "true"))
    (facts,) = seen
    assert {key: facts["HostConfig"].get(key) for key in GOLDEN} == GOLDEN
    devices = [(one["PathInContainer"], one["CgroupPermissions"]) for one in facts["HostConfig"]["Devices"]]
    assert devices == [(f"/dev/{name}", "rw") for name in ("davinci0", "davinci_manager", "devmm_svm", "hisi_hdc")]
    mounts = {one["Destination"]: one["RW"] for one in facts["Mounts"]}
    assert mounts == {
        "/in/engine": False,
        "/in/state": False,
        "/in/tensors": False,
        "/out": True,
        "/usr/local/Ascend/driver": False,
        "/usr/local/bin/npu-smi": False,
    }
    assert facts["Config"]["User"] == "65534:65534"
    assert facts["Config"]["WorkingDir"] == "/out"


def test_conversion_gets_no_device(root: Path, host: Host) -> None:
    recipe = load_recipe(root / "examples/digits")
    job = Job(recipe, "310P", (1,), root, root, root)
    step = next(step for step in planned(job) if step.stage == "convert")
    assert step.devices == Devices()
    _, out, _ = host.run(shell(step, "ls /dev | grep -c davinci"))
    assert out.strip() == "0"


def test_the_printed_line_can_be_pasted(root: Path, host: Host) -> None:
    step = shell(infer(root), "ls /dev | grep -c davinci; id -G")
    folder = host.work / "pasted"
    (folder / "in").mkdir(parents=True)
    (folder / "out").mkdir()
    binding = Binding("0" * 64, dict.fromkeys(step.inputs, folder / "in"), folder / "out", folder, host.image)
    line = host.runner.command_line(step, binding)
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == "2"
    assert str(GID) in done.stdout.split()


def test_a_rehearsal_passes_real_nodes_to_the_stand_ins_but_not_the_real_driver(root: Path, host: Host) -> None:
    step = infer(root, simulate=True)
    assert step.devices.nodes[0].endswith("/dev/davinci0:/dev/davinci0")
    assert step.devices.groups == (GID,)
    assert step.devices.files == ()
    assert "KIT_SIM_DEVICES" not in step.environment
    assert json.dumps(step.argv).count(platform.machine()) <= 1


def test_the_printed_line_brings_its_links(root: Path, host: Host) -> None:
    recipe = load_recipe(root / "examples/digits")
    job = Job(recipe, "310P", (1,), root, root, root)
    step = next(step for step in planned(job) if step.name == "310P/infer-bs1")
    step = shell(step, "cat digits_bs1.om prep_bin/a.bin digits_val.info")
    folder = host.work / "linked"
    (folder / "tensors/prep_bin").mkdir(parents=True)
    (folder / "out").mkdir()
    (folder / "tensors/prep_bin/a.bin").write_text("tensor\n")
    (folder / "tensors/dataset.info").write_text("0 ./prep_bin/a.bin 64 64\n")
    (folder / "made.om").write_text("engine\n")
    inputs = {"engine": folder / "made.om", "tensors": folder / "tensors", "state": folder / "tensors"}
    binding = Binding("0" * 64, inputs, folder / "out", folder, host.image)
    done = subprocess.run(
        ["sh", "-c", host.runner.command_line(step, binding)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "engine\ntensor\n0 ./prep_bin/a.bin 64 64\n", done.stderr
