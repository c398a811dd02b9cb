"""A cluster on this machine, and what goes away while kit works on it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from kit.storage.store import Store
from tests.faults.faultsite import ROOT, Bench, Outcomes, ended, scenario
from tests.fleet.fleetsite import FleetSite
from tests.fleet.raycluster import RayCluster, ray_cluster

_OFFERS = ({"kit_cpu": 1, "kit_quiet": 1}, {"kit_openvino": 1, "kit_quiet": 1}, {"kit_cpu": 1, "kit_quiet": 1})
_WORDS = ("--runner", "local", "--target", "cpu", "--target", "openvino", "--shards", "2")


@contextlib.contextmanager
def _cluster(site: FleetSite) -> Iterator[RayCluster]:
    data = {"KIT_IMAGES": str(site.folder / "val"), "KIT_LABELS": str(site.labels), "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory(prefix="kit-ray-") as folder, ray_cluster(Path(folder), _OFFERS, data) as one:
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
    "SIGKILL at random moments of `kit reproduce --on` with two targets in two shards each, on three hosts of a Ray"
    " cluster, in turn to a worker, to the raylet of a host and to kit at home; every fifth time the run is finished",
    short=0,
    long=50,
    needs=("ray", "onnxruntime", "openvino", "torch"),
)
def kill_on_cluster(bench: Bench, count: int) -> Outcomes:
    site = FleetSite(bench.folder("home"))
    site.done("reproduce", *_WORDS)
    targets = ("cpu", "openvino")
    reference = {target: site.made(target) for target in targets}
    shutil.rmtree(site.report)
    with _cluster(site) as cluster:
        words = ("reproduce", "--on", cluster.address, *_WORDS)
        done = 0
        while done < count:
            _forget(cluster)
            before = done
            while done < min(count, before + 5):
                victim = ("worker", "raylet", "kit")[done % 3]
                if not _kill(bench, site, cluster, words, victim):
                    break
                done += 1
            site.done(*words, environment=cluster.environment)
            assert {target: site.made(target) for target in targets} == reference
            assert (left := _left(cluster)) == [], left
            assert "0 wrong" in site.done("verify").stdout
            yield from ["resumed, same digests, nothing left"] * (done - before)


def _kill(bench: Bench, site: FleetSite, cluster: RayCluster, words: tuple[str, ...], victim: str) -> bool:
    """Start, and kill at a random moment after a host began; False where the run had ended before."""
    child = site.start(*words, environment=cluster.environment)
    while not cluster.kits():
        if child.poll() is not None:
            out, err = child.communicate()
            assert child.returncode == 0, f"{out}\n{err}"
            return False
        time.sleep(0.05)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(bench.chance.uniform(0, 8))
    if child.poll() is not None or not (kits := cluster.kits()):
        code, out, err = ended(child, 120)
        assert code == 0, f"{out}\n{err}"
        return False
    if victim == "kit":
        child.kill()
        child.communicate()
        return True
    number = bench.chance.randrange(1, len(cluster.hosts))
    os.kill(kits[0][1] if victim == "worker" else cluster.raylet(number), signal.SIGKILL)
    code, out, err = ended(child, 120)
    assert code in {0, 7}, f"exit code {code}\n{out}\n{err}"  # 0: the host was idle
    assert "Traceback" not in err, err
    if victim == "raylet":
        cluster.end(number)
        cluster.start(number)
    return True
