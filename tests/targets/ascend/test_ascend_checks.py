"""Doctor's checks of an Ascend machine, on machines made of files and real nodes."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from kit import doctor
from kit.doctor import Check, Finding
from kit.errors import DeviceError, Exit, MissingError
from kit.planning.target import Job, load_target
from kit.recipe.schema import load_recipe

TABLE = """\
+--------------------------------------------------------------------------------------------+
| npu-smi 22.0.0                       Version: 22.0.0                                       |
+-------------------+-----------------+------------------------------------------------------+
| NPU     Name      | Health          | Power(W)     Temp(C)           Hugepages-Usage(page) |
| Chip    Device    | Bus-Id          | AICore(%)    Memory-Usage(MB)                        |
+===================+=================+======================================================+
| 0       {name:<9} | {health:<15} | 15.9         49                18   / 18             |
| 0       {device:<9} | 0000:87:00.0    | {load:<12} 958  / 23054                            |
+===================+=================+======================================================+
"""


class Machine:
    """The root of a machine with one card."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.driver = top / "usr/local/Ascend/driver"
        (self.driver / "lib64/driver").mkdir(parents=True)
        (self.driver / "lib64/driver/libascend_hal.so").write_bytes(b"\x7fELF")
        (self.driver / "version.info").write_text("Version=22.0.0\n")
        (top / "dev").mkdir()
        (top / "usr/local/bin").mkdir(parents=True)
        self.say(TABLE)
        for number, name in enumerate(("davinci0", "davinci_manager", "devmm_svm", "hisi_hdc")):
            self.node(name, number)

    def node(self, name: str, number: int, mode: int = 0o660) -> None:
        path = self.top / "dev" / name
        os.mknod(path, stat.S_IFCHR | mode, os.makedev(10, 240 + number))
        path.chmod(mode)

    def say(self, text: str, *, code: int = 0, **values: object) -> None:
        """What the machine's npu-smi prints."""
        facts = {"name": "310P3", "health": "OK", "device": 0, "load": 0, **values}
        text = text.format(**facts) if "{name" in text else text
        program = self.top / "usr/local/bin/npu-smi"
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{text}END\nexit {code}\n")
        program.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    if os.getuid() != 0:
        pytest.skip("mknod needs root")
    top = tmp_path / "machine"
    top.mkdir()
    monkeypatch.setenv("KIT_DEVICE_ROOT", str(top))
    return Machine(top)


def job(root: Path, /, target: str = "310P", *, device: int = 0, **options: object) -> Job:
    recipe = load_recipe(root)
    return Job(recipe, target, (1,), root, root, root, device=device, options=options)


def ask(root: Path, name: str, **changes: Any) -> Finding:
    made = job(root, **changes)
    (check,) = [one for one in load_target(made.target).checks(made) if one.name == name]
    ((_, finding),) = doctor.run([check])
    return finding


def test_a_good_machine_passes(root: Path, machine: Machine) -> None:
    made = job(root)
    found = doctor.run(load_target("310P").checks(made))
    states = {check.name: finding.state for check, finding in found}
    assert states.pop("vendor packages") == "fail"  # the checkout has none
    assert set(states.values()) == {"ok"}, states


@pytest.mark.parametrize(
    ("spoil", "check", "message", "prevents"),
    [
        (lambda m: shutil.rmtree(m.driver), "Ascend driver", "driver is not installed", "-8005"),
        (lambda m: shutil.rmtree(m.driver / "lib64"), "Ascend driver", "libascend_hal.so is missing", "shared object"),
        (lambda m: (m.top / "usr/local/bin/npu-smi").unlink(), "Ascend driver", "npu-smi is not", "command not found"),
        (lambda m: (m.top / "dev/hisi_hdc").unlink(), "device nodes", "missing: /dev/hisi_hdc", "507033"),
        (lambda m: shutil.rmtree(m.top / "dev"), "device nodes", "no Ascend chip", "aclrtSetDevice"),
        (lambda m: (m.top / "dev/davinci0").chmod(0o600), "permissions", "only root may use /dev/davinci0", "207006"),
        (lambda m: m.say(TABLE, name="310P1"), "chip", "the chip is Ascend310P1", "507008"),
        (lambda m: m.say(TABLE, health="Alarm"), "chip", "health is Alarm", ""),
        (lambda m: m.say(TABLE, load=40), "chip", "in use: AICore 40 %", "too low"),
        (lambda m: m.say(TABLE, device=1), "chip", "shows no device 0", "107001"),
        (
            lambda m: m.say("dcmi module initialize failed. ret is -8005\n", code=1),
            "chip", "cannot reach the driver (-8005)", "-8005",
        ),
    ],
)  # fmt: skip
def test_a_spoilt_machine_is_found_out(
    root: Path, machine: Machine, spoil: Any, check: str, message: str, prevents: str
) -> None:
    spoil(machine)
    finding = ask(root, check)
    assert finding.state == "fail"
    assert message in finding.message
    assert prevents in finding.prevents
    assert finding.remedy


def test_a_file_in_the_place_of_a_node_is_found_out(root: Path, machine: Machine) -> None:
    (machine.top / "dev/devmm_svm").unlink()
    (machine.top / "dev/devmm_svm").write_text("")
    assert ask(root, "device nodes").message == "not a character device: /dev/devmm_svm"


def test_a_device_that_is_not_there_names_those_that_are(root: Path, machine: Machine) -> None:
    finding = ask(root, "device nodes", device=2)
    assert "missing: /dev/davinci1, /dev/davinci2; the chips here are 0" in finding.message


def test_the_old_name_of_the_chip_fits(root: Path, machine: Machine) -> None:
    machine.say(TABLE, name="710")
    assert ask(root, "chip").state == "ok"


def test_root_may_use_what_only_root_may_use(root: Path, machine: Machine) -> None:
    (machine.top / "dev/davinci0").chmod(0o600)
    made = job(root, root=True)
    (check,) = [one for one in load_target("310P").checks(made) if one.name == "permissions"]
    assert check.run().state == "ok"


def test_a_driver_that_was_never_seen_with_the_toolkit_is_a_warning(root: Path, machine: Machine) -> None:
    (machine.driver / "version.info").write_text("Version=1.0.17\n")
    assert ask(root, "driver and toolkit").state == "warn"


def test_a_silent_npu_smi_is_no_hang(root: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    program = machine.top / "usr/local/bin/npu-smi"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr("kit.targets.cards._ANSWER_S", 0.2)
    assert "does not answer" in ask(root, "chip").message


def test_packages_that_are_missing_have_their_own_exit_code(root: Path, machine: Machine) -> None:
    made = job(root)
    error = doctor.failure(doctor.run(load_target("310P").checks(made)))
    assert isinstance(error, MissingError)
    assert error.exit_code == Exit.MISSING


def test_no_machine_at_all(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIT_DEVICE_ROOT", str(tmp_path))
    error = doctor.failure(doctor.run(load_target("310").checks(job(root, "310"))))
    assert isinstance(error, DeviceError)
    assert error.exit_code == Exit.DEVICE
    assert "more: `kit doctor` lists them" in error.what


def test_a_rehearsal_needs_no_machine(root: Path) -> None:
    recipe = load_recipe(root)
    made = Job(recipe, "310P", (1,), root, root, root, simulate=True)
    assert list(load_target("310P").checks(made)) == []


def test_a_check_that_cannot_look_is_a_finding() -> None:
    def broken() -> Finding:
        raise PermissionError(13, "Permission denied", "/dev/x")

    ((_, finding),) = doctor.run([Check("x", broken)])
    assert finding.state == "fail"
    assert finding.message == "/dev/x: Permission denied"
