"""Three cards in three hosts with two engines: one report, equal to that of one machine, after an interruption, too."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import secondengine
from tests.faults.faultsite import ROOT, sentence
from tests.fleet.fleetsite import FleetSite
from tests.fleet.raycluster import RayCluster, ray_cluster
from tests.secondengine import SecondEngine

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]

TARGETS = ("310", "310P", "T4")
WORDS = ("reproduce", "--simulate", "--runner", "docker", "--batch", "4", *(f"--target={one}" for one in TARGETS))
WORDS += ("--device", "5")  # its lease is held by nobody else who rehearses on this machine's engine
OFFERS = ({"kit_quiet": 1}, {"kit_quiet": 1, "kit_cpu": 1}, {"kit_quiet": 1})
#: Made from the same inputs by programs of kit: the same bytes wherever they run.
SAME = ("model.onnx", "metrics.json", "predictions.npy", "scores.npy", "prep_bin/", "dataset.info")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> FleetSite:
    pytest.importorskip("ray")
    folder = tmp_path_factory.mktemp("cards")
    folder.chmod(0o755)
    made = FleetSite(folder / "site", 12)
    made.recipe.write_text(made.recipe.read_text().replace("\n  T4:\n", "\n  T4: {options: {runs: 1}}\n"))
    return made


@pytest.fixture(scope="module")
def alone(engine: Any, site: FleetSite) -> Iterator[subprocess.Popen[str]]:
    """The run without a cluster, in a store of its own; it goes on while engine and hosts start."""
    child = site.start(*WORDS, "--store", "alone", "--reports", "single")
    yield child
    child.kill()
    child.communicate()


@pytest.fixture(scope="module")
def second(alone: subprocess.Popen[str], site: FleetSite) -> Iterator[SecondEngine]:
    """The second host's engine, with the images of the steps but that of the export."""
    if lacking := secondengine.missing():
        pytest.skip(f"a second engine needs {lacking}")
    with tempfile.TemporaryDirectory(prefix="kit-e-", dir="/tmp") as folder:
        one = SecondEngine(Path(folder))
        try:
            one.start()
            notes = {name: site.folder / "alone" / "images" / f"{name}.json" for name in ("runtime", "simulated")}
            wait_for(lambda: all(note.exists() for note in notes.values()), alone)
            tags = [f"kit/{name}:{json.loads(note.read_text())['context'][:12]}" for name, note in notes.items()]
            with subprocess.Popen(["docker", "save", *tags], stdout=subprocess.PIPE) as saved:
                load = ["docker", "--host", one.socket, "load", "--quiet"]
                subprocess.run(load, stdin=saved.stdout, stdout=subprocess.DEVNULL, check=True)
            yield one
        finally:
            one.stop()


@pytest.fixture(scope="module")
def cluster(site: FleetSite, second: SecondEngine) -> Iterator[RayCluster]:
    data = {"KIT_IMAGES": str(site.folder / "val"), "KIT_LABELS": str(site.labels), "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryDirectory(prefix="kit-ray-") as folder:
        Path(folder).chmod(0o755)
        with ray_cluster(Path(folder), OFFERS, data, {1: {"DOCKER_HOST": second.socket}}) as one:
            site.done("convert", "--target", "cpu", "--store", str(one.hosts[1] / ".kit"))  # its engine lacks the image
            yield one


def wait_for(condition: Callable[[], Any], child: subprocess.Popen[str]) -> Any:
    """What it says when it is true; not longer than the child runs that makes it so."""
    deadline = time.monotonic() + 240
    while not (said := condition()):
        assert child.poll() is None, child.communicate()
        if time.monotonic() > deadline:
            child.send_signal(signal.SIGINT)
            raise AssertionError(child.communicate(timeout=120))
        time.sleep(0.05)
    return said


def made(report: Path) -> dict[str, str]:
    found = {}
    for target in TARGETS:
        results: dict[str, Any] = json.loads((report / "results" / f"{target}.json").read_bytes())
        assert results["source"] == "simulated"
        for one in results["artifacts"]:
            if one["path"] in SAME:
                found[f"{target}: {one['step']}/{one['path']}"] = one["sha256"]
    return found


def containers(engine: Any, cluster: RayCluster) -> list[Any]:
    stores = [str(host / ".kit") for host in cluster.hosts]
    there = engine.containers.list(all=True, ignore_removed=True)
    return [one for one in there if one.labels.get("kit.store") in stores]


def test_an_interruption_empties_both_engines_and_what_comes_then_equals_one_machine(
    engine: Any, site: FleetSite, alone: subprocess.Popen[str], second: SecondEngine, cluster: RayCluster
) -> None:
    _, err = alone.communicate(timeout=240)  # before the others: a device belongs to one container
    assert alone.returncode == 0, err
    words = (*WORDS, "--on", cluster.address)
    child = site.start(*words, environment=cluster.environment)
    here, there = engine, second.client
    both = wait_for(
        lambda: (one := containers(here, cluster)) and (two := containers(there, cluster)) and one + two, child
    )
    for host in (one.attrs["HostConfig"] for one in both):  # as at home
        assert (host["NetworkMode"], host["ReadonlyRootfs"], host["Privileged"]) == ("none", True, False)
        assert (host["CapDrop"], host["SecurityOpt"]) == (["ALL"], ["no-new-privileges"])
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=120)
    assert child.returncode == 130, err
    assert "Traceback" not in err
    assert containers(here, cluster) == containers(there, cluster) == []

    told = site.done(*words, environment=cluster.environment, timeout=400)
    assert len({line.split()[2] for line in told.stderr.splitlines() if line.endswith("finished")}) == 3
    assert containers(here, cluster) == containers(there, cluster) == []
    report = site.report / "simulated"
    assert "0 wrong" in site.done("verify").stdout
    assert (report / "README.en.md").read_text().count("SIMULATED") > 10
    found = made(report)
    assert made(site.folder / "single" / "digits" / "simulated") == found
    assert len(found) >= 9


def test_an_engine_without_the_image_is_refused_for_shards(site: FleetSite, cluster: RayCluster) -> None:
    words = ("reproduce", "--on", cluster.address, "--runner", "docker", "--target", "cpu", "--shards", "2")
    ran = site.kit(*words, environment=cluster.environment)
    sentence(ran, 7, "image exporter is another one there, or not there at all")
    assert "docker load" in ran.stderr


def test_an_engine_that_dies_on_a_host_is_told_and_then_refused(
    site: FleetSite, second: SecondEngine, cluster: RayCluster
) -> None:
    """The last test: the second engine does not survive it."""
    words = ("reproduce", "--on", cluster.address, "--runner", "docker", "--target", "cpu")
    child = site.start(*words, environment=cluster.environment)
    wait_for(lambda: containers(second.client, cluster), child)
    second.end(signal.SIGKILL)
    out, err = child.communicate(timeout=120)
    sentence(subprocess.CompletedProcess([], child.returncode, out, err), 7, "target cpu: ")
    sentence(site.kit(*words, environment=cluster.environment), 7, second.socket)
