"""The printed ``docker run`` line and the SDK's call make the same container, field by field."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kit.containers.description import BindMount, ContainerRun

pytestmark = pytest.mark.docker

#: What differs between any two containers.
_OWN = {"Id", "Name", "Created", "HostnamePath", "HostsPath", "ResolvConfPath", "LogPath", "GraphDriver", "State"}


def inspected(engine: Any, container: str) -> dict[str, Any]:
    tree: dict[str, Any] = engine.api.inspect_container(container)
    tree = {name: value for name, value in tree.items() if name not in _OWN}
    tree["Config"].pop("Hostname")
    # Whoever starts `docker run` is attached to it and lets it be removed; the runner attaches and removes by itself.
    for name in ("AttachStdout", "AttachStderr", "Image", "OnBuild", "Labels"):
        tree["Config"].pop(name)
    for name in ("AutoRemove", "ContainerIDFile", "ConsoleSize"):
        tree["HostConfig"].pop(name, None)
    tree["Mounts"].sort(key=lambda mount: str(mount["Destination"]))  # the engine keeps these in no order
    tree["Config"]["Env"].sort()
    return tree


def emptied(value: Any) -> Any:
    """Null, no list and no map mean the same to the engine."""
    if isinstance(value, dict):
        return {name: emptied(one) for name, one in value.items() if emptied(one) not in (None, [], {}, "", 0, False)}
    if isinstance(value, list):
        return [emptied(one) for one in value]
    return value


@pytest.mark.parametrize("gpu", [False, True])
def test_the_printed_line_makes_the_container_of_the_sdk(engine: Any, tmp_path: Path, gpu: bool) -> None:
    image = engine.images.get("kit-base:bookworm").id
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    description = ContainerRun(
        image=image,
        command=("/bin/true", "a b", '{"json": [1]}'),
        user="65534:65534",
        workdir="/out",
        memory_bytes=1 << 28,
        pids=64,
        shm_bytes=1 << 26,
        environment={"ONE": "1", "TWO": "with blanks and = signs"},
        mounts=(
            BindMount(str(tmp_path / "in"), "/in/data"),
            BindMount(str(tmp_path / "out"), "/out", read_only=False),
        ),
        nodes=("/dev/null:/dev/davinci0",),
        groups=(7, 1001),
        gpus=("GPU-1", "GPU-2") if gpu else (),
        name=f"kit-device-{tmp_path.name}",
    )
    words = shlex.split(description.command_line())
    assert words[:3] == ["docker", "run", "--rm"]
    made = []
    try:
        made.append(description.create(engine, {}))
        through_sdk = inspected(engine, made[0])
        engine.api.remove_container(made.pop(), force=True)
        created = subprocess.run(["docker", "create", *words[3:]], capture_output=True, text=True, check=True)
        made.append(created.stdout.strip())
        through_line = inspected(engine, made[0])
    finally:
        for container in made:
            engine.api.remove_container(container, force=True)
    assert emptied(through_line) == emptied(through_sdk)
