"""A real cluster of three hosts on this machine: what comes home is what one machine makes, whatever goes away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.faultsite import ROOT, sentence
from tests.fleet.fleetsite import FleetSite
from tests.fleet.raycluster import RayCluster, ray_cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

OFFERS = ({"kit_cpu": 1, "kit_quiet": 1}, {"kit_openvino": 1, "kit_quiet": 1}, {"kit_cpu": 1, "kit_quiet": 1})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> FleetSite:
    for name in ("ray", "onnxruntime", "openvino", "torch"):  # torch: its version stands for the image of the check
        pytest.importorskip(name)
    return FleetSite(tmp_path_factory.mktemp("home") / "site")


@pytest.fixture(scope="module")
def cluster(site: FleetSite) -> Iterator[RayCluster]:
    data = {"KIT_IMAGES": str(site.folder / "val"), "KIT_LABELS": str(site.labels), "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory(prefix="kit-ray-") as folder, ray_cluster(Path(folder), OFFERS, data) as one:
        yield one


def on(cluster: RayCluster, *words: str) -> list[str]:
    return ["reproduce", "--on", cluster.address, "--runner", "local", *words]


def begun(child: subprocess.Popen[str]) -> dict[str, object]:
    """The message of the first step that a host begins."""
    assert child.stdout is not None
    for line in child.stdout:
        message: dict[str, object] = json.loads(line)
        if message.get("event") == "start":
            return message
    raise AssertionError(child.communicate()[1])


def test_a_killed_worker_is_told_and_the_next_run_equals_one_without_a_cluster(
    site: FleetSite, cluster: RayCluster
) -> None:
    words = on(cluster, "--target", "cpu", "--target", "openvino", "--json")
    child = site.start(*words, environment=cluster.environment)
    assert {"host", "label", "target", "step"} <= set(begun(child))
    os.kill(cluster.worker(), signal.SIGKILL)
    _, err = child.communicate(timeout=120)
    assert child.returncode == 7, err
    assert "the worker or its host ended while it was running target" in err
    assert "Traceback" not in err
    assert cluster.quiet()

    told = site.done(*words, environment=cluster.environment).stderr
    assert "0 wrong" in site.done("verify").stdout
    there = {target: site.made(target) for target in ("cpu", "openvino")}
    results = {target: json.loads((site.report / "results" / f"{target}.json").read_bytes()) for target in there}
    labels = [str(one["host"]["host"]) for one in results.values()]
    assert all(label.startswith("host ") and label in told for label in labels) and len(set(labels)) == 2
    text = (site.report / "README.en.md").read_text()
    assert all(f"{target} on {label}" in text for target, label in zip(results, labels, strict=True))

    site.done("reproduce", "--runner", "local", "--target", "cpu", "--target", "openvino")
    assert {target: site.made(target) for target in there} == there


def test_shards_on_two_hosts_are_one_run(site: FleetSite, cluster: RayCluster) -> None:
    if not site.report.exists():
        site.done("reproduce", "--runner", "local")
    whole = site.made("cpu")
    told = site.done(*on(cluster, "--target", "cpu", "--shards", "3", "--json"), environment=cluster.environment).stdout
    messages = [json.loads(line) for line in told.splitlines()]
    ran = {(one["label"], one["shard"]) for one in messages if one["event"] == "finished" and "shard" in one}
    assert {shard for _, shard in ran} == {1, 2, 3}
    assert len({label for label, _ in ran}) == 2, "all shards ran on one host"
    assert "0 wrong" in site.done("verify").stdout
    cut = site.made("cpu")
    assert {name: digest for name, digest in cut.items() if "shard" not in name} == whole


def test_an_interruption_ends_the_work_on_all_hosts(site: FleetSite, cluster: RayCluster) -> None:
    words = on(cluster, "--target", "cpu", "--target", "openvino", "--force", "metrics", "--json")
    child = site.start(*words, environment=cluster.environment)
    begun(child)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=120)
    assert child.returncode == 130, err
    assert "Traceback" not in err
    assert cluster.quiet()


def test_what_cannot_be_is_told_before_anything_runs(site: FleetSite, cluster: RayCluster, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0" * 64)
    foreign = cluster.environment | {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "token")}
    apart = ("--store", str(tmp_path / "apart"))  # the two run at once
    stranger = site.start(*on(cluster, "--target", "cpu", *apart), environment=foreign)

    ran = site.kit(*on(cluster, "--target", "T4"), environment=cluster.environment)
    said = sentence(ran, 8, "no host can run target T4", "lacks kit_T4")
    assert said.count("lacks") == 3

    other = site.folder / "other.txt"  # labels that no host has
    other.write_text(site.labels.read_text().replace(" 1\n", " 2\n"))
    ran = site.kit(*on(cluster, "--target", "cpu", "--labels", str(other)), environment=cluster.environment)
    sentence(ran, 5, "the data set's labels are not those of this machine")

    out, err = stranger.communicate(timeout=120)
    said = sentence(subprocess.CompletedProcess([], stranger.returncode, out, err), 7, "token")
    secret = (cluster.folder / "token").read_text()
    assert secret not in said + err + out
    for log in (*cluster.folder.glob("host*/log"), *(cluster.folder / "ray").rglob("*.log")):
        assert secret not in log.read_text(errors="replace"), log


def test_a_head_that_goes_is_one_sentence(site: FleetSite, cluster: RayCluster) -> None:
    """The last test: the cluster does not survive it."""
    child = site.start(
        *on(cluster, "--target", "openvino", "--force", "infer", "--json"), environment=cluster.environment
    )
    begun(child)
    cluster.worker()
    os.kill(cluster.kits()[0][0], signal.SIGSTOP)  # or it may end before anybody misses the head
    os.kill(cluster.head(), signal.SIGKILL)
    out, err = child.communicate(timeout=60)
    ran = subprocess.CompletedProcess([], child.returncode, out, err)
    assert cluster.address in sentence(ran, 7, "the cluster's head has gone")
