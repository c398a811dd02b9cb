"""What every container of a run may do, as the engine itself says; and a local stage that is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.faults.faultsite import Site
from tests.faults.givenfiles import small_model

pytestmark = [pytest.mark.slow]

_STEPS = {"export", "parity", "cpu/infer", "cpu/metrics", "cpu/bench"}


@pytest.mark.docker
def test_the_engine_says_that_every_container_is_locked_up(engine: Any, tmp_path: Path) -> None:
    site = Site(tmp_path / "site", images=12)
    seen: dict[str, dict[str, Any]] = {}
    events = engine.events(decode=True, filters={"event": "start", "label": f"kit.store={site.store}"})

    def look() -> None:
        for event in events:
            step = event["Actor"]["Attributes"]["kit.step"]
            seen[step] = engine.api.inspect_container(event["id"])

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        site.done("reproduce", "--runner", "docker")
    finally:
        events.close()
    watcher.join(5)
    assert set(seen) == _STEPS
    for step, found in seen.items():
        host = found["HostConfig"]
        assert host["NetworkMode"] == "none", step
        assert host["ReadonlyRootfs"] is True, step
        assert host["CapDrop"] == ["ALL"] and not host["CapAdd"], step
        assert host["Privileged"] is False, step
        assert host["SecurityOpt"] == ["no-new-privileges"], step
        assert 0 < host["Memory"] == host["MemorySwap"] and 0 < host["PidsLimit"] <= 4096, step
        assert not host["Devices"] and not host["DeviceRequests"] and not host["Binds"], step
        assert host["PidMode"] == "" and host["IpcMode"] != "host" and host["UsernsMode"] != "host", step
        assert found["Config"]["User"].split(":")[0] not in {"", "0"}, step
        writable = [mount["Destination"] for mount in found["Mounts"] if mount["RW"]]
        assert writable == ["/out"], step
        assert not any("docker.sock" in mount["Source"] for mount in found["Mounts"]), step
    assert site.leftovers(engine) == []


def test_a_killed_local_stage_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    words = ("infer", "-t", "cpu", "--runner", "local", "--use", "export=model.onnx")
    whole = Site(tmp_path / "whole", images=12)
    small_model(whole.folder / "model.onnx")
    whole.done(*words)
    site = Site(tmp_path / "site", images=12)
    small_model(site.folder / "model.onnx")
    chance = random.Random(os.getpid())
    for _ in range(4):
        child = site.start(*words)
        try:
            child.wait(chance.uniform(0.1, 1.0))
        except subprocess.TimeoutExpired:
            child.kill()
        child.communicate()
        assert child.returncode in {0, -signal.SIGKILL}
    site.done(*words)
    assert site.digests() == whole.digests()
    assert site.leftovers() == []
