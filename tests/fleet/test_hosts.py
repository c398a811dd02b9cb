"""What is refused before anything runs, and what a host takes from another: without a cluster."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit import __version__
from kit.cli import main
from kit.errors import DamagedError, EngineError, InvalidInputError, KitError, ResourceError
from kit.execution.selection import Choice, Selection
from kit.fleet import hoststate, remote
from kit.fleet.cluster import Cluster, Host
from kit.fleet.delivery import Delivery, pack
from kit.fleet.expedition import _check, _check_alike
from kit.fleet.hoststate import HostState, base_digests, look
from kit.fleet.order import Order, files_of
from kit.recipe.schema import load_recipe
from tests.fleet.fleetsite import FleetSite
from tests.tasks.publishedfolders import several_inputs

ORDER = Order("one", "cpu", runner="local", data={"images": "i", "labels": "l"})
HOST = Host("n", "alpha", {"kit_cpu": 1, "kit_quiet": 1})
OTHER = Host("m", "beta", {"kit_openvino": 1, "kit_quiet": 1})
STATE: HostState = {
    "version": __version__, "code": "c", "label": "host 0000", "images": "i", "labels": "l",
    "ids": {"runtime": "sha256:a"}, "bases": {"runtime": "b"},
}  # fmt: skip


def going_on() -> bool:
    return False


def refused(changes: dict[str, Any], kind: type[KitError], *words: str) -> None:
    with pytest.raises(kind) as caught:
        _check(HOST, ORDER, STATE | changes, "c")
    assert caught.value.where == "alpha"
    assert all(word in str(caught.value) for word in words), caught.value
    assert caught.value.remedy


def test_a_host_with_another_kit_or_data_set_is_refused() -> None:
    _check(HOST, ORDER, STATE, "c")
    refused({"version": "9.9"}, EngineError, "kit 9.9", "this machine kit")
    refused({"code": "d"}, EngineError, "with other files")
    refused({"images": "x"}, DamagedError, "images are not those of this machine")
    refused({"labels": "x"}, DamagedError, "labels are not those of this machine")
    told = {"code": 10, "what": "the disk is full: 3 MiB are free", "where": "/data", "remedy": "make room there"}
    refused({"error": told}, ResourceError, "/data: the disk is full")


def test_hosts_with_other_images_are_refused() -> None:
    alike = [(HOST, ORDER, STATE), (OTHER, ORDER, STATE)]
    _check_alike(alike, {"runtime": "b"})
    with pytest.raises(EngineError, match="alpha: image runtime there is not built from what"):
        _check_alike(alike, {"runtime": "x"})
    built = STATE | {"ids": {"runtime": "sha256:b"}}
    _check_alike([(HOST, ORDER, STATE), (OTHER, ORDER, built)], {})  # each builds its own, and runs a target whole
    cut = replace(ORDER, shards=2)
    for ids in ({"runtime": "sha256:b"}, {"runtime": ""}):
        with pytest.raises(EngineError, match="beta: image runtime is another one there"):
            _check_alike([(HOST, cut, STATE), (OTHER, cut, STATE | {"ids": ids})], {})
    with pytest.raises(DamagedError, match="alpha, beta: the hosts do not have the same labels"):
        _check_alike([(HOST, ORDER, STATE), (OTHER, ORDER, STATE | {"labels": "m"})], {})


def test_what_is_lacking_is_told_with_what_is_there() -> None:
    cluster = Cluster.__new__(Cluster)
    cluster.address = "ray://head:10001"
    with pytest.raises(KitError) as caught:
        cluster.fitting("T4", {"kit_T4": 1, "kit_quiet": 1}, [HOST, OTHER])
    for words in ("alpha lacks kit_T4 (it has kit_cpu, kit_quiet)", "beta lacks kit_T4 (it has kit_openvino"):
        assert words in str(caught.value)
    with pytest.raises(KitError, match="no host offers anything of kit"):
        cluster.fitting("T4", {"kit_T4": 1}, [])


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FleetSite:
    pytest.importorskip("torch")
    made = FleetSite(tmp_path / "home")
    monkeypatch.setenv("KIT_STORE", str(tmp_path / "host" / ".kit"))
    monkeypatch.setenv("KIT_IMAGES", str(made.folder / "val"))
    monkeypatch.setenv("KIT_LABELS", str(made.labels))
    return made


def order_of(site: FleetSite, **changes: Any) -> tuple[Order, Delivery]:
    parcels, weights = files_of(Selection(load_recipe(site.recipe), Choice(("cpu",))), site.recipe, "one")
    return Order("one", "cpu", weights=weights, runner="local", **changes), parcels


def test_a_host_looks_at_its_room_data_and_packages(site: FleetSite, monkeypatch: pytest.MonkeyPatch) -> None:
    state = look(*order_of(site))
    assert "error" not in state
    assert set(state["ids"]) == {"exporter", "runtime"} and state["bases"] == {}
    assert state["label"] == look(*order_of(site))["label"], "a host has one label"
    (site.folder / "val" / "zz.png").write_bytes(b"")
    assert "has 41 images" in look(*order_of(site))["error"]["what"]
    monkeypatch.setattr(hoststate, "_LEAST_BYTES", 1 << 62)
    assert "the disk is full" in look(*order_of(site))["error"]["what"]


def test_a_host_gets_all_files_of_the_recipe_but_the_data(tmp_path: Path) -> None:
    recipe = several_inputs(tmp_path)
    recipe.write_text(recipe.read_text().replace("code: scripts", "code: scripts\n    packages: locked.txt"))
    (recipe.parent / "locked.txt").write_text(f"numpy==2.4.6 --hash=sha256:{'0' * 64}\n")
    parcels, weights = files_of(Selection(load_recipe(recipe), Choice(("cpu",))), recipe, "one")
    assert weights is not None
    assert set(parcels.files) == {"kit.yaml", "locked.txt", "scripts/prep.py", "scripts/post.py", weights}


def test_what_would_not_travel_is_refused(tmp_path: Path) -> None:
    recipe = several_inputs(tmp_path)
    scripts = (recipe.parent / "scripts").rename(tmp_path / "elsewhere")
    recipe.write_text(recipe.read_text().replace("code: scripts", f"code: {scripts}"))
    with pytest.raises(InvalidInputError, match="outside of the recipe's folder") as caught:
        files_of(Selection(load_recipe(recipe), Choice(("cpu",))), recipe, "one")
    assert caught.value.where == str(scripts)


def test_images_from_another_base_are_told_apart(site: FleetSite) -> None:
    selection = Selection(load_recipe(site.recipe), Choice(("cpu",)))
    ours = base_digests(selection, "docker", None)
    assert set(ours) == {"exporter", "runtime"}
    assert base_digests(selection, "docker", "other:1") != ours
    assert base_digests(selection, "local", None) == {}


def test_a_worker_takes_no_recipe_that_kit_refuses(site: FleetSite) -> None:
    order, parcels = order_of(site)
    site.recipe.write_text(site.recipe.read_text() + "run: [sh, -c, 'touch /tmp/x']\n")
    evil = Delivery("one", {**parcels.files, **pack(site.folder, [site.recipe])})
    assert look(order, evil)["error"]["code"] == 3
    ran = remote.run(order, evil, lambda _: None, going_on)
    assert ran["code"] == 3
    assert "run" in ran["said"] and "Traceback" not in ran["said"]


@pytest.mark.slow
def test_a_host_stops_where_it_is_told_to(site: FleetSite) -> None:
    order, parcels = order_of(site)
    heard: list[dict[str, Any]] = []
    assert remote.run(order, parcels, heard.append, lambda: True)["code"] == 130 and not heard

    def begun() -> bool:
        return any(one["event"] == "start" for one in heard)

    ran = remote.run(order, parcels, heard.append, begun)
    assert ran["code"] == 130 and "interrupted" in ran["said"]
    assert not any(one["event"] == "finished" for one in heard)


@pytest.mark.slow
def test_a_shard_of_another_host_is_taken_only_as_its_record_says(
    site: FleetSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, parcels = order_of(site, shards=2)
    parts = []
    for number in (1, 2):
        monkeypatch.setenv("KIT_STORE", str(tmp_path / f"host{number}" / ".kit"))
        ran = remote.run(replace(order, shard=number), parcels, lambda _: None, going_on)
        assert ran["code"] == 0, ran["said"]
        parts.append(ran["delivery"])
    monkeypatch.setenv("KIT_STORE", str(tmp_path / "whole" / ".kit"))
    name = next(name for name in parts[1].files if name.endswith("scores.npy"))
    other = next(name for name in parts[1].files if name.endswith("images.txt"))
    changed = Delivery("one", {**parts[1].files, name: parts[1].files[other]})
    ran = remote.run(order, parcels, lambda _: None, going_on, [parts[0], changed])
    assert ran["code"] == 5 and "a shard is not what its record says" in ran["said"]
    late = Delivery("zero", parts[1].files)
    ran = remote.run(order, parcels, lambda _: None, going_on, [parts[0], late])
    assert ran["code"] == 5 and "an earlier attempt came back late" in ran["said"]

    heard: list[dict[str, Any]] = []
    both = Delivery(
        "one", {**parts[0].files, **parts[1].files}
    )  # of a target with batches a host sends several records
    ran = remote.run(order, parcels, heard.append, going_on, [both])
    assert ran["code"] == 0, ran["said"]
    unchanged = {one["step"] for one in heard if one["event"] == "unchanged"}
    assert {"cpu/infer-shard1of2", "cpu/infer-shard2of2"} <= unchanged, json.dumps(heard)
    assert not list((tmp_path / "whole").glob(".kit.orders/*-*"))


def test_parts_that_need_an_engine_of_their_host_stay_on_one(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["reproduce", "--recipe", str(root / "examples" / "digits"), "--store", str(tmp_path / "store")]
    with pytest.raises(SystemExit) as end:  # nobody listens there: it is refused before the cluster is looked for
        main([*words, "--target", "T4", "--simulate", "--shards", "2", "--on", "127.0.0.1:1"])
    assert end.value.code == 3
    told = capsys.readouterr().err
    assert "the shards of target T4 must come from one engine" in told and "--devices 0-3" in told
