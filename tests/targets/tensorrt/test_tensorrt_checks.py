"""Doctor's checks of a machine with GPUs, on machines made of files, with an nvidia-smi of the test's own."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any, ClassVar

import pytest

from kit import doctor
from kit.doctor import Finding
from kit.errors import EngineError
from kit.planning.target import Job, load_target
from kit.recipe.schema import load_recipe
from kit.targets.tensorrt.checks.driver import fits
from kit.targets.tensorrt.toolchains import TOOLCHAINS

UUID = "GPU-2a7fadae-a692-1c44-2c57-6645a0d117e4"


class Machine:
    """The root of a machine with one T4, and its nvidia-smi."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.proc = top / "proc/driver/nvidia"
        self.gpu = self.proc / "gpus/0000:13:00.0"
        self.gpu.mkdir(parents=True)
        self.version("450.80.02")
        self.model("Tesla T4")
        (top / "dev").mkdir()
        for name in ("nvidiactl", "nvidia-uvm"):
            (top / "dev" / name).touch()
        (top / "bin").mkdir()
        self.says(f"{UUID}, 0, 0, 45")

    def version(self, number: str) -> None:
        (self.proc / "version").write_text(
            f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {number}  Wed Sep 23 01:13:39 UTC 2020\nGCC version: 9\n"
        )

    def model(self, name: str) -> None:
        (self.gpu / "information").write_text(f"Model: \t\t {name}\nGPU UUID: \t {UUID}\n")

    def says(self, gpus: str, apps: str = "", code: int = 0) -> None:
        program = self.top / "bin/nvidia-smi"
        program.write_text(
            '#!/bin/sh\ncase "$*" in\n'
            f"*query-compute-apps*) printf '%s' '{apps}';;\n"
            f"*) cat <<'END'\n{gpus}\nEND\n;;\nesac\nexit {code}\n"
        )
        program.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("KIT_DEVICE_ROOT", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setattr("kit.targets.tensorrt.checks.idle._PAUSE_S", 0.0)
    return made


def ask(root: Path, name: str, *, device: int = 0, **options: object) -> Finding:
    recipe = load_recipe(root)
    job = Job(recipe, "T4", (1,), root, root, root, device=device, options=options)
    (check,) = [one for one in load_target("T4").checks(job) if one.name == name]
    ((_, finding),) = doctor.run([check])
    return finding


@pytest.mark.parametrize("name", ["NVIDIA driver", "GPU", "idle GPU", "TensorRT packages"])
def test_a_good_machine_passes(root: Path, machine: Machine, name: str) -> None:
    finding = ask(root, name)
    assert finding.state == "ok", finding


@pytest.mark.parametrize(
    ("spoil", "check", "message", "prevents"),
    [
        (lambda m: (m.proc / "version").unlink(), "NVIDIA driver", "not loaded", "driver not loaded"),
        (lambda m: m.version("440.10"), "NVIDIA driver", "440.10 is too old", "cuda>=11.3"),
        (lambda m: m.model("NVIDIA A100-SXM4-40GB"), "GPU", "is NVIDIA A100", "another"),
        (lambda m: (m.gpu / "information").unlink(), "GPU", "no NVIDIA GPU", "No devices were found"),
        (lambda m: m.says(f"{UUID}, 4096, 0, 45"), "idle GPU", "4096 MiB", "too low"),
        (lambda m: m.says(f"{UUID}, 0, 87, 45"), "idle GPU", "87 %", "too low"),
        (lambda m: m.says(f"{UUID}, 0, 0, 90"), "idle GPU", "90 C", "too low"),
        (lambda m: m.says(f"{UUID}, 0, 0, 45", f"{UUID}, 4711, python3, 9 MiB\n"), "idle GPU", "python3 (4711)", "low"),
        (lambda m: m.says("Failed to initialize NVML: Driver/library version mismatch", code=18),
         "idle GPU", "different versions", "NVML"),
        (lambda m: m.says("No devices were found", code=6), "idle GPU", "sees no GPU", ""),
        (lambda m: m.says("", code=3), "idle GPU", "exit code 3", ""),
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


@pytest.mark.parametrize(
    ("version", "good"),
    [("418.39", False), ("418.87", True), ("430.50", False), ("440.33.01", True), ("450.51.05", True),
     ("455.32", False), ("460.27.04", True), ("465.19.01", True), ("535.104", True), ("unknown", True)],
)  # fmt: skip
def test_branches_of_the_driver(version: str, good: bool) -> None:
    assert fits(version, TOOLCHAINS["7.2.3.4"]) is good


@pytest.mark.parametrize(
    ("toolchain", "version", "good"),
    [("8.6.3", "470.82", True), ("8.6.3", "510.47", False), ("8.6.3", "525.60", True), ("10.0.1.6", "470.82", True),
     ("10.16.1.11", "535.104", True), ("10.16.1.11", "550.54", False), ("11.0.0.114", "580.95", True)],
)  # fmt: skip
def test_newer_toolchains_need_newer_drivers(toolchain: str, version: str, good: bool) -> None:
    assert fits(version, TOOLCHAINS[toolchain]) is good


def test_another_base_image_is_the_users_own_business(root: Path, machine: Machine) -> None:
    machine.version("440.10")
    assert ask(root, "NVIDIA driver", base="nvcr.io/nvidia/tensorrt:20.11-py3").state == "ok"


def test_a_gpu_that_is_not_there(root: Path, machine: Machine) -> None:
    assert "no GPU number 1; this machine has 1" in ask(root, "GPU", device=1).message
    assert "no GPU GPU-99999999" in ask(root, "GPU", gpu="GPU-99999999-2222-3333-4444-555555555555").message


def test_nodes_that_the_driver_has_not_made_yet_are_a_warning(root: Path, machine: Machine) -> None:
    (machine.top / "dev/nvidia-uvm").unlink()
    finding = ask(root, "GPU")
    assert finding.state == "warn" and "/dev/nvidia-uvm is not there" in finding.message


def test_an_engine_without_the_container_toolkit(root: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    class Client:
        runtimes: ClassVar[dict[str, Any]] = {"runc": {}}

        def info(self) -> dict[str, Any]:
            return {"Runtimes": self.runtimes}

    monkeypatch.setattr("kit.containers.client.connect", Client)
    finding = ask(root, "container toolkit")
    assert finding.state == "fail"
    assert 'could not select device driver ""' in finding.prevents
    Client.runtimes = {"nvidia": {}}
    assert ask(root, "container toolkit").state == "ok"
    Client.runtimes = {}
    (machine.top / "bin/nvidia-container-runtime-hook").write_text("#!/bin/sh\n")
    (machine.top / "bin/nvidia-container-runtime-hook").chmod(0o755)
    assert ask(root, "container toolkit").state == "ok"

    def refuse() -> None:
        raise EngineError("no engine answers", remedy="start Docker")

    monkeypatch.setattr("kit.containers.client.connect", refuse)
    assert ask(root, "container toolkit").message == "the engine cannot be asked: no engine answers"


def test_the_archive_is_checked(root: Path, tmp_path: Path) -> None:
    (tmp_path / "kit.yaml").write_text((root / "kit.yaml").read_text())
    name = "TensorRT-7.2.3.4.Ubuntu-18.04.x86_64-gnu.cuda-11.0.cudnn8.1.tar.gz"
    finding = ask(tmp_path, "TensorRT packages", tarball=name)
    assert finding.state == "fail" and "is not there" in finding.message and "developer.nvidia.com" in finding.remedy
    path = tmp_path / "packages/tensorrt" / name
    path.parent.mkdir(parents=True)
    path.write_text("<html>log in</html>")
    assert "not a .gz archive" in ask(tmp_path, "TensorRT packages", tarball=name).message
    path.write_bytes(gzip.compress(b"tar"))
    assert ask(tmp_path, "TensorRT packages", tarball=name).message.endswith("(no checksum given)")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert ask(tmp_path, "TensorRT packages", tarball=name, tarball_sha256=digest).state == "ok"
    path.write_bytes(gzip.compress(b"tat"))
    assert "another sha256" in ask(tmp_path, "TensorRT packages", tarball=name, tarball_sha256=digest).message
