"""The GPU request for real: a second engine with a stand-in for NVIDIA's hook, which is told what a container gets.

An engine offers GPUs if it finds ``nvidia-container-runtime-hook`` on its PATH when it starts, and then runs it before
each container that asks for one. The stand-in writes down what it was given.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.containers.client import connect
from kit.containers.docker import DockerRunner
from kit.containers.runner import Binding
from kit.errors import DeviceError
from kit.execution.selection import with_devices
from kit.planning.step import Step
from kit.planning.target import Job, load_target
from kit.recipe.schema import load_recipe
from tests.secondengine import SecondEngine, missing

pytestmark = [pytest.mark.docker, pytest.mark.slow]

UUID = "GPU-2a7fadae-a692-1c44-2c57-6645a0d117e4"
HOOK = """#!/bin/sh
# What the container runtime hands to a prestart hook: its state on standard input, the bundle's configuration on disk.
state=$(cat)
bundle=$(printf '%s' "$state" | sed -n 's/.*"bundle":"\\([^"]*\\)".*/\\1/p')
printf '%s\\n' "$*" >"{folder}/argv"
printf '%s' "$state" >"{folder}/state.json"
cp "$bundle/config.json" "{folder}/config.json"
"""
PROGRAM = '#include <stdio.h>\nint main(void) { puts("ran"); return 0; }\n'


class Quiet:
    def progress(self, done: int, total: int, unit: str) -> None: ...

    def line(self, text: str) -> None: ...


def image(second: SecondEngine) -> str:
    """An image of one static program."""
    folder = second.folder
    (folder / "program.c").write_text(PROGRAM)
    subprocess.run(["cc", "-static", "-o", str(folder / "trtexec"), str(folder / "program.c")], check=True)
    with tarfile.open(folder / "root.tar", "w") as tar:
        tar.add(folder / "trtexec", "usr/bin/trtexec")
    data = (folder / "root.tar").read_bytes()
    answer = second.client.api.import_image_from_data(data, repository="kit-gpu", tag="test")
    return str(json.loads(answer.splitlines()[-1])["status"])


@pytest.fixture(scope="module")
def second(engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondEngine]:
    if lacking := missing() or ("" if shutil.which("cc") else "cc"):
        pytest.skip(f"this needs {lacking}")
    folder = Path(tmp_path_factory.mktemp("e"))
    hook = folder / "bin/nvidia-container-runtime-hook"
    hook.parent.mkdir()
    hook.write_text(HOOK.format(folder=folder))
    hook.chmod(0o755)
    made = SecondEngine(folder, hook.parent)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def gpu_step(root: Path, **options: object) -> Step:
    recipe = load_recipe(root / "examples/digits")
    job = Job(recipe, "T4", (1,), root, root, root, options=options)
    steps = {step.name: step for step in load_target("T4").plan(with_devices(load_target("T4"), job))}
    return replace(steps["T4/convert-bs1"], argv=("trtexec",))


def run(step: Step, image: str, folder: Path) -> str:
    for name in ("out", "logs", "in", "store"):
        (folder / name).mkdir(parents=True)
    binding = Binding("0" * 64, dict.fromkeys(step.inputs, folder / "in"), folder / "out", folder / "logs", image)
    outcome = DockerRunner(None, folder / "store").run(step, binding, Quiet())  # type: ignore[arg-type]
    assert outcome.exit_code == 0, outcome.stderr.read_text()
    return outcome.stdout.read_text()


def test_the_hook_is_told_the_uuid_and_the_capabilities(
    root: Path, second: SecondEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = image(second)
    monkeypatch.setattr("kit.containers.docker.connect", lambda: second.client)
    step = gpu_step(root, gpu=UUID)
    assert step.devices.gpus == (UUID,)
    assert run(step, made, tmp_path) == "ran\n"
    assert (second.folder / "argv").read_text().strip() == "prestart"
    config = json.loads((second.folder / "config.json").read_text())
    environment = dict(word.split("=", 1) for word in config["process"]["env"])
    assert environment["NVIDIA_VISIBLE_DEVICES"] == UUID
    assert set(environment["NVIDIA_DRIVER_CAPABILITIES"].split(",")) == {"compute", "utility"}
    assert config["root"]["readonly"] is True
    assert config["process"]["capabilities"].get("effective", []) == []
    assert config["process"]["noNewPrivileges"] is True
    assert json.loads((second.folder / "state.json").read_text())["status"] in {"created", "creating"}


def test_a_step_without_a_gpu_does_not_call_the_hook(
    root: Path, second: SecondEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = image(second)
    (second.folder / "argv").unlink(missing_ok=True)
    monkeypatch.setattr("kit.containers.docker.connect", lambda: second.client)
    step = gpu_step(root)
    run(replace(step, devices=replace(step.devices, gpus=())), made, tmp_path)
    assert not (second.folder / "argv").exists()


def test_a_hook_that_fails_is_a_sentence(
    root: Path, second: SecondEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = image(second)
    hook = second.folder / "bin/nvidia-container-runtime-hook"
    good = hook.read_text()
    words = "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.9, please update your driver"
    hook.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{words}' >&2\nexit 1\n")
    monkeypatch.setattr("kit.containers.docker.connect", lambda: second.client)
    try:
        with pytest.raises(DeviceError, match="the GPU driver is too old for the image"):
            run(gpu_step(root), made, tmp_path)
    finally:
        hook.write_text(good)


def test_an_engine_without_the_hook_is_a_sentence(root: Path, engine: Any, tmp_path: Path) -> None:
    if shutil.which("nvidia-container-runtime-hook"):
        pytest.skip("this host has the NVIDIA container toolkit")
    images = connect().images.list(name="kit-base:bookworm")
    if not images:
        pytest.skip("no image kit-base:bookworm: make it with images/base/make-base.sh")
    with pytest.raises(DeviceError, match="no driver for the requested GPU") as caught:
        run(gpu_step(root), str(images[0].id), tmp_path)
    assert "container toolkit" in caught.value.remedy
