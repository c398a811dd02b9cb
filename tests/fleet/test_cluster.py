"""A real cluster of two hosts on this machine: the same digests as without one, also after a worker was killed."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.faultsite import DETERMINISTIC, ROOT, Site, sentence
from tests.fleet.raycluster import RayCluster, ray_cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return Site(tmp_path_factory.mktemp("home") / "site", 8)


@pytest.fixture(scope="module")
def cluster(site: Site) -> Iterator[RayCluster]:
    pytest.importorskip("ray")
    data = {"KIT_IMAGES": str(site.folder / "val"), "KIT_LABELS": str(site.labels), "PYTHONPATH": str(ROOT)}
    offers = [{"kit_cpu": 1, "kit_quiet": 1}, {"kit_openvino": 1, "kit_quiet": 1}]
    with tempfile.TemporaryDirectory(prefix="kit-ray-") as folder, ray_cluster(Path(folder), offers, data) as one:
        yield one


def artifacts(report: Path, target: str) -> dict[str, str]:
    """Step/file -> digest of what must be equal wherever it is made."""
    results = json.loads((report / "results" / f"{target}.json").read_bytes())
    made = {f"{one['step']}/{one['path']}": one["sha256"] for one in results["artifacts"]}
    same = {name: digest for name, digest in made.items() if name.rpartition("/")[2] in DETERMINISTIC}
    assert any(name.endswith("predictions.npy") for name in same)
    return same


def on(cluster: RayCluster, *targets: str) -> list[str]:
    words = ["reproduce", "--on", cluster.address, "--runner", "local", "--json"]
    return [*words, *(word for target in targets for word in ("--target", target))]


def test_a_killed_worker_is_told_and_the_next_run_equals_one_without_a_cluster(site: Site, cluster: RayCluster) -> None:
    child = site.start(*on(cluster, "cpu", "openvino"), environment=cluster.environment)
    assert child.stdout is not None
    for line in child.stdout:
        message = json.loads(line)
        if message.get("event") == "start":
            assert {"host", "label", "target", "step"} <= set(message)
            break
    os.kill(worker_of(cluster), signal.SIGKILL)
    _, err = child.communicate(timeout=120)
    assert child.returncode == 7, err
    assert "the worker or its host ended while it was running target" in err
    assert "Traceback" not in err

    site.done(*on(cluster, "cpu", "openvino"), environment=cluster.environment)
    assert "0 wrong" in site.done("verify").stdout
    there = {target: artifacts(site.report, target) for target in ("cpu", "openvino")}
    site.done("reproduce", "--runner", "local", "--target", "cpu", "--target", "openvino")
    assert {target: artifacts(site.report, target) for target in there} == there


def worker_of(cluster: RayCluster) -> int:
    """The process that started kit on a host."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for place in Path("/proc").glob("[0-9]*"):
            try:
                words = (place / "cmdline").read_bytes()
                parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if b".kit.orders/" in words and str(cluster.folder).encode() in words:
                return parent
        time.sleep(0.1)
    raise AssertionError("no host runs kit")


def test_no_host_with_the_card_is_told_before_anything_runs(site: Site, cluster: RayCluster) -> None:
    ran = site.kit(*on(cluster, "torch"), environment=cluster.environment)
    sentence(ran, 8, "no host can run target torch", "lacks kit_torch")


def test_a_stranger_without_the_token_is_refused(site: Site, cluster: RayCluster, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0" * 64)
    environment = cluster.environment | {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "token")}
    ran = site.kit(*on(cluster, "cpu"), environment=environment)
    said = sentence(ran, 7, "token")
    assert (cluster.folder / "token").read_text() not in said + ran.stderr
