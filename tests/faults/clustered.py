"""A cluster on this machine, and what goes away while kit works on it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from kit.storage.store import Store
from tests.faults.faultsite import ROOT, Bench, Outcomes, ended, scenario, sentence
from tests.fleet.fleetsite import FleetSite
from tests.fleet.link import Link
from tests.fleet.raycluster import RayCluster, ray_cluster

_OFFERS = ({"kit_cpu": 1, "kit_quiet": 1}, {"kit_openvino": 1, "kit_quiet": 1}, {"kit_cpu": 1, "kit_quiet": 1})
_TARGETS = ("cpu", "openvino")
_WORDS = ("--runner", "local", "--target", "cpu", "--target", "openvino", "--shards", "2")


#: How soon a head misses a host: Ray itself takes a minute and more.
_SOON = {
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "5000",
    "RAY_health_check_failure_threshold": "3",
}


@contextlib.contextmanager
def _cluster(
    site: FleetSite, more: Mapping[str, str] | None = None, links: Mapping[int, Link] | None = None
) -> Iterator[RayCluster]:
    data = {"KIT_IMAGES": str(site.folder / "val"), "KIT_LABELS": str(site.labels), "PYTHONPATH": str(ROOT)}
    offers = _OFFERS[:2] if links else _OFFERS
    with (
        tempfile.TemporaryDirectory(prefix="kit-ray-") as folder,
        ray_cluster(Path(folder), offers, {**data, **(more or {})}, links=links) as one,
    ):
        yield one


def _forget(cluster: RayCluster) -> None:
    """Let the hosts run everything again but the check of the model."""
    for host in cluster.hosts:
        store = Store(host / ".kit")
        for record in store.records():
            if record.step != "export":
                store.forget(record.fingerprint)


def _left(cluster: RayCluster) -> list[str]:
    """What a run must not leave on the hosts: programs of kit, half-made things, folders of orders."""
    found = [] if cluster.quiet() else [f"kit {kits}" for kits in cluster.kits()]
    for host in cluster.hosts:
        found += [str(path) for path in Store(host / ".kit").leftovers()]
        found += [str(path) for path in host.glob(".kit.orders/*-*")]
    return found


@scenario(
    "Cluster",
    "`kill -9` of workers, raylets and kit",
    "SIGKILL at random moments of `kit reproduce --on` with two targets, one of them in two shards, on three hosts of a"
    " Ray cluster, in turn to a worker, to a host's raylet and to kit at home; every fifth time the run is finished",
    short=0,
    long=50,
    needs=("ray", "onnxruntime", "openvino", "torch"),
)
def kill_on_cluster(bench: Bench, count: int) -> Outcomes:
    site = FleetSite(bench.folder("home"), 12)
    site.done("reproduce", *_WORDS)
    reference = {target: site.made(target) for target in _TARGETS}
    shutil.rmtree(site.report)
    with _cluster(site) as cluster:
        words = ("reproduce", "--on", cluster.address, *_WORDS)
        child = site.start(*words, environment=cluster.environment)
        _wait_for_kit(cluster, child)
        begun = time.monotonic()
        assert child.wait(120) == 0
        seconds = time.monotonic() - begun  # in which hosts work: kills fall into them
        done = 0
        while done < count:
            _forget(cluster)
            before = done
            while done < min(count, before + 5):
                victim = ("worker", "raylet", "kit")[done % 3]
                if _kill(site, cluster, words, victim, bench.chance.uniform(0, seconds), bench.chance.randrange(1, 3)):
                    done += 1
                else:  # it had ended before
                    _forget(cluster)
            site.done(*words, environment=cluster.environment)
            assert {target: site.made(target) for target in _TARGETS} == reference
            assert (left := _left(cluster)) == [], left
            assert "0 wrong" in site.done("verify").stdout
            yield from ["resumed, same digests, nothing left"] * (done - before)


@scenario(
    "Cluster",
    "`kill -9` of the head",
    "SIGKILL to the head while a host works, with kit at `HEAD:6379` and through `ray://HEAD:10001` in turn; then the"
    " cluster is started again",
    short=0,
    long=6,
    needs=("ray", "onnxruntime", "openvino", "torch"),
)
def kill_head(bench: Bench, count: int) -> Outcomes:
    site = FleetSite(bench.folder("home"), 12)
    site.done("reproduce", *_WORDS)
    reference = {target: site.made(target) for target in _TARGETS}
    with _cluster(site) as cluster:
        for number in range(count):
            address = f"ray://{cluster.client}" if number % 2 else cluster.address
            words = ("reproduce", "--on", address, *_WORDS)
            _forget(cluster)
            child = site.start(*words, environment=cluster.environment)
            _wait_for_kit(cluster, child)
            time.sleep(bench.chance.uniform(0, 1))
            for pid, _ in cluster.kits():
                os.kill(pid, signal.SIGSTOP)  # or it may end before anybody misses the head
            os.kill(cluster.head(), signal.SIGKILL)
            said = sentence(subprocess.CompletedProcess([], *ended(child, 120)), 7, "the cluster's head has gone")
            assert address in said
            cluster.stop()
            cluster.start(*range(len(cluster.hosts)))
            site.done(*words, environment=cluster.environment)
            assert {target: site.made(target) for target in _TARGETS} == reference
            assert (left := _left(cluster)) == [], left
            yield "exit code 7, then resumed, same digests, nothing left"


@scenario(
    "Cluster",
    "The network to a host is cut",
    "a host in a network namespace of its own, whose only wire is cut while it works; then it is joined again, and the"
    " host is started again",
    short=0,
    long=4,
    needs=("root", "ray", "onnxruntime", "openvino", "torch"),
)
def cut_network(bench: Bench, count: int) -> Outcomes:
    site = FleetSite(bench.folder("home"), 12)
    targets = [word for target in _TARGETS for word in ("--target", target)]
    site.done("reproduce", "--runner", "local", *targets)
    reference = {target: site.made(target) for target in _TARGETS}
    link = Link()
    with contextlib.ExitStack() as undone:
        undone.callback(link.stop)
        link.start()
        cluster = undone.enter_context(_cluster(site, _SOON, {1: link}))
        words = ("reproduce", "--on", cluster.address, "--runner", "local", *targets)
        for _ in range(count):
            _forget(cluster)
            child = site.start(*words, "--json", environment=cluster.environment)
            assert child.stdout is not None
            for line in child.stdout:
                if {"event": "start", "target": "openvino"}.items() <= json.loads(line).items():
                    break
            link.cut()
            sentence(subprocess.CompletedProcess([], *ended(child, 120)), 7, "target openvino")
            link.restore()
            cluster.end(1)
            cluster.start(1)
            told = site.done(*words, environment=cluster.environment).stderr
            assert "unchanged" in told
            assert {target: site.made(target) for target in _TARGETS} == reference
            assert (left := _left(cluster)) == [], left
            assert "0 wrong" in site.done("verify").stdout
            yield "exit code 7, then resumed, same digests, nothing left"


def _kill(site: FleetSite, cluster: RayCluster, words: tuple[str, ...], victim: str, delay: float, number: int) -> bool:
    """Start, and kill some seconds after a host began, of raylets this one's; False where the run had ended before."""
    child = site.start(*words, environment=cluster.environment)
    _wait_for_kit(cluster, child)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(delay)
    if child.poll() is not None or not (kits := cluster.kits()):
        code, out, err = ended(child, 120)
        assert code == 0, f"{out}\n{err}"
        return False
    if victim == "kit":
        child.kill()
        child.communicate()
        return True
    os.kill(kits[0][1] if victim == "worker" else cluster.raylet(number), signal.SIGKILL)
    code, out, err = ended(child, 120)
    assert code in {0, 7}, f"exit code {code}\n{out}\n{err}"  # 0: the host was idle
    assert "Traceback" not in err, err
    if victim == "raylet":
        cluster.end(number)
        cluster.start(number)
    return True


def _wait_for_kit(cluster: RayCluster, child: subprocess.Popen[str]) -> None:
    while not cluster.kits() and child.poll() is None:
        time.sleep(0.05)
