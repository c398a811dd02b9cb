"""Whatever is changed in results, records, outputs or recipe after a run: `kit verify --strict` refuses it by name."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import lzma
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from kit.results.evidence import field_name
from kit.results.kept import SUFFIX, unpack
from kit.results.raw_outputs import RawOutputs
from kit.results.resultsfile import load_results
from kit.storage.store import MadeFile, Record, Store
from tests.results.conftest import Proven

pytestmark = pytest.mark.slow

#: What only the store knows: no number depends on it, and a wrong one only makes the store hash a file again.
BOOKKEEPING = {"mtime_ns", "inode"}


def other(value: Any) -> Any:
    """Another value of the same form."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value * 2 + 1
    if isinstance(value, str):
        return value[:-1] + ("0" if value[-1:] != "0" else "1")
    if isinstance(value, list):
        return [*value, copy.deepcopy(value[-1])] if value else ["x"]
    if isinstance(value, dict):
        return {**value, "x": next(iter(value.values()), "x")}
    return 1 if value is None else None


def places(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of a tree; of a list's entries the first and the last."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield (*place, key)
            yield from places(one, (*place, key))
    elif isinstance(value, list):
        for index in sorted({0, len(value) - 1} & set(range(len(value)))):
            yield (*place, index)
            yield from places(value[index], (*place, index))


def changed(tree: Any, place: tuple[str | int, ...]) -> Any:
    """A copy of the tree with another value at the place."""
    made = copy.deepcopy(tree)
    part = made
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = other(part[place[-1]])
    return made


def never_tried(value: Any, names: set[str]) -> set[str]:
    """Fields of a model, and of every model that stands in it, whose names are missing."""
    if isinstance(value, BaseModel):
        own = {name for name in type(value).model_fields if getattr(value, name) not in (None, (), {})}
        return (own - names).union(*(never_tried(getattr(value, name), names) for name in own))
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return set().union(*(never_tried(one, names) for one in inner))


def refused(site: Proven, *words: str, here: bool = True) -> str:
    """The first link that breaks; it must hold one of the words."""
    broken = site.verify_results(here=here) or site.verify(here=here)
    assert broken, "nothing was found"
    text = "\n".join(f"{one.subject}: {one.message}" for one in broken)
    assert any(word in text for word in words), f"none of {words} in {text}"
    return text


def test_an_untouched_report_is_proven_with_and_without_its_store(proven: Proven) -> None:
    assert proven.verify() == []
    assert proven.verify(here=False) == []


def test_every_field_of_the_results_is_bound(proven: Proven) -> None:
    original = proven.results.read_text()
    tree = json.loads(original)
    tried: dict[str, tuple[str | int, ...]] = {}
    for place in places(tree):
        # One place for each field; entries of lists count once, whatever their index.
        tried.setdefault(field_name(*("n" if isinstance(part, int) else part for part in place)), place)
    assert len(tried) > 150
    names = {str(part) for place in tried.values() for part in place}
    assert never_tried(load_results(proven.results), names) == set()
    metric = {"name": "mAP", "value": 0.9, "unit": "fraction"}
    proven.results.write_text(json.dumps(tree | {"metrics": [metric]}))
    refused(proven, "metrics")
    missed = []
    for place in tried.values():
        proven.results.write_text(json.dumps(changed(tree, place)))
        broken = proven.verify_results(here=False)
        text = "\n".join(f"{one.subject}: {one.message}" for one in broken if one.state == "wrong")
        named = [str(part) for part in place if not isinstance(part, int)]
        if place[0] == "runs" and len(place) > 1:
            named.append(tree["runs"][place[1]]["step"])
        if not broken or not any(name in text for name in named):
            missed.append((field_name(*place), text))
    proven.results.write_text(original)
    assert missed == []


def test_no_field_of_the_results_can_be_left_out(proven: Proven) -> None:
    tree = json.loads(proven.results.read_text())
    for name in tree:
        if name in {"format", "notes"} or tree[name] in (None, []):  # it has the same value where it is left out
            continue
        proven.results.write_text(json.dumps({key: one for key, one in tree.items() if key != name}))
        refused(proven, name, "an older kit", here=False)


def rewrite(store: Store, record: dict[str, Any], path: Path) -> None:
    """Write a record as the store does, with its own digest."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
    path.write_bytes(text + b"\nsha256 " + hashlib.sha256(text).hexdigest().encode() + b"\n")
    assert store.root


def test_every_field_of_the_records_is_bound(proven: Proven, run: Proven) -> None:
    shutil.rmtree(proven.folder / ".kit")
    shutil.copytree(run.folder / ".kit", proven.folder / ".kit", symlinks=True)
    store = proven.store()
    runs = {one.step: one.fingerprint for one in load_results(proven.results).runs}
    path = store.root / "records" / f"{runs['cpu/bench']}.json"
    original = path.read_bytes()
    tree = json.loads(original.split(b"\n")[0])
    listed = [one.name for one in fields(MadeFile)]
    seen = set()
    for place in places(tree):
        if place[0] == "files" and len(place) == 3 and listed[int(place[2])] in BOOKKEEPING:
            continue
        seen.add(str(place[0]))
        rewrite(store, changed(tree, place), path)
        refused(proven, "cpu/bench")
    path.write_bytes(original)
    assert seen == {one.name for one in fields(Record)}
    assert proven.verify() == []


def repack(site: Proven, change: Callable[[dict[str, bytes]], None]) -> None:
    """Change what the archive beside the results holds."""
    path = site.results.with_name(f"cpu{SUFFIX}")
    text = lzma.decompress(path.read_bytes())
    with tarfile.open(fileobj=io.BytesIO(text)) as archive:
        members = {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]
    change(members)
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    path.write_bytes(lzma.compress(made.getvalue()))


def test_every_field_of_the_kept_records_is_bound(proven: Proven) -> None:
    archive = proven.results.with_name(f"cpu{SUFFIX}")
    original = archive.read_bytes()
    name, data = next(
        (f"records/{one}.json", data) for one, data in unpack(archive).records.items() if b"inside.bench" in data
    )
    for place in places(json.loads(data)):
        proof = json.dumps(changed(json.loads(data), place), sort_keys=True, separators=(",", ":")).encode()
        repack(proven, lambda members, proof=proof: members.update({name: proof}))  # type: ignore[misc]
        refused(proven, "cpu/bench", f"cpu{SUFFIX}", here=False)
        archive.write_bytes(original)


def edit(site: Proven, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the results, and render the report over them."""
    tree = json.loads(site.results.read_text())
    change(tree)
    site.results.write_text(json.dumps(tree))
    site.render()


def hundredfold(tree: dict[str, Any]) -> None:
    for one in tree["throughput"]:
        one["rate"] *= 100
        one["repeats"] = [rate * 100 for rate in one["repeats"]]
        one["interval"] = None


def fifty_thousand(tree: dict[str, Any]) -> None:
    tree["accuracy"] |= {"n": 50000, "correct": [49900, 49990, 50000, 50000, 50000]}


def perfect_parity(tree: dict[str, Any]) -> None:
    tree["parity"] |= {"max_abs": 0.0, "cosine": 1.0, "samples": 1000}


def without_runs(tree: dict[str, Any]) -> None:
    tree["runs"], tree["artifacts"] = [], []


def swapped_runs(tree: dict[str, Any]) -> None:
    one, other = [run for run in tree["runs"] if run["step"] in {"cpu/infer", "cpu/bench"}]
    one["fingerprint"], other["fingerprint"] = other["fingerprint"], one["fingerprint"]


def swapped_artifacts(tree: dict[str, Any]) -> None:
    one, other = [found for found in tree["artifacts"] if found["path"].startswith("latencies-bs")]
    one["sha256"], other["sha256"] = other["sha256"], one["sha256"]


def another_batch(tree: dict[str, Any]) -> None:
    one = copy.deepcopy(tree["throughput"][0])
    tree["throughput"].append({**one, "batch": 128, "evidence": {}})


def planned_batch(tree: dict[str, Any]) -> None:
    another_batch(tree)
    tree["planned"]["batches"].append(128)


def swapped_batches(tree: dict[str, Any]) -> None:
    one, other = tree["throughput"]
    one["batch"], other["batch"] = other["batch"], one["batch"]


def no_batch(tree: dict[str, Any]) -> None:
    del tree["throughput"][0]


def one_batch_less(tree: dict[str, Any]) -> None:
    del tree["throughput"][0]
    tree["planned"]["batches"] = tree["planned"]["batches"][1:]


#: Change of the results -> a word of the place that must be named.
EDITS: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a hundred times the rate": (hundredfold, "throughput[0].r"),
    "images of a larger set": (fifty_thousand, "accuracy.n"),
    "perfect parity": (perfect_parity, "parity.max_abs"),
    "other hardware": (lambda tree: tree.update(hardware="H200"), "hardware"),
    "another toolchain": (lambda tree: tree.update(toolchain="CANN 9"), "toolchain"),
    "a faster processor": (lambda tree: tree["host"].update(cpu="another"), "host.cpu"),
    "containerized": (lambda tree: tree.update(containerized=not tree["containerized"]), "containerized"),
    "other run times": (lambda tree: tree["runs"][0].update(seconds=0.001), "runs[0].seconds"),
    "other image ids": (lambda tree: tree["runs"][0].update(image="sha256:1"), "runs[0].image"),
    "no artifacts and runs": (without_runs, "runs"),
    "runs swapped between steps": (swapped_runs, "cpu/"),
    "artifacts swapped between batches": (swapped_artifacts, "artifacts["),
    "numbers swapped between batches": (swapped_batches, "throughput["),
    "a batch that no record backs": (another_batch, "throughput"),
    "a planned batch that no record backs": (planned_batch, "128"),
    "a batch left out": (no_batch, "throughput"),
    "a planned batch left out": (one_batch_less, "cpu/bench"),
    "called simulated": (lambda tree: tree.update(source="simulated"), "source"),
    "a note removed or added": (lambda tree: tree.update(notes=["all is well"]), "notes"),
    "another command": (lambda tree: tree["commands"][-1]["argv"].append("--fast"), "commands["),
    "another model": (lambda tree: tree.update(model="resnet50"), "model"),
    "evidence of another line": (
        lambda tree: tree["throughput"][0]["evidence"]["repeats[0]"].update(place="repeats[1].rate"),
        "throughput[0].evidence",
    ),
}


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("here", [True, False], ids=["store", "clone"])
def test_edited_results_are_refused(proven: Proven, name: str, here: bool) -> None:
    change, word = EDITS[name]
    edit(proven, change)
    refused(proven, word, here=here)


def test_an_invented_target_is_refused(proven: Proven) -> None:
    tree = json.loads(proven.results.read_text())
    for one in tree["throughput"]:
        one["rate"] *= 1000
        one |= {"repeats": [], "interval": None}
    proven.results.with_name("H200.json").write_text(json.dumps({**tree, "target": "H200"}))
    proven.render()
    refused(proven, "the recipe has no target H200")


def test_a_target_of_the_recipe_that_never_ran_is_refused(proven: Proven) -> None:
    tree = json.loads(proven.results.read_text()) | {"target": "T4"}
    proven.results.with_name("T4.json").write_text(json.dumps(tree))
    proven.render()
    refused(proven, "results/T4.json")


#: Text of the recipe -> what stands there after the run, and a word of the place.
RECIPES = {
    "reference": ("top1: 99.8", "top1: 10", "published.reference.top1"),
    "tolerance of accuracy": ("accuracy_points: 0.5", "accuracy_points: 1000000000", "tolerance.accuracy_points"),
    "tolerance of throughput": ("throughput_percent: 10", "throughput_percent: 999", "tolerance.throughput_percent"),
    "preprocessing": ("resize: [72, 72]", "resize: [64, 64]", "preprocess.resize"),
    "batches": ("batches: [1, 4]", "batches: [1]", "batches"),
    "more batches": ("batches: [1, 4]", "batches: [1, 4, 8]", "batches"),
    "repeats": ("repeats: 3", "repeats: 50", "bench.repeats"),
    "images": (f"count: {24}", "count: 23", "dataset.count"),
    "target": ("\n  cpu:\n", "\n  cpu: {options: {infer_batch: 8}}\n", "targets.cpu"),
    "no target": ("\n  cpu:\ndefault: [cpu]", "\ndefault: [T4]", "the recipe has no target cpu"),
    "classes": ("classes: 10", "classes: 11", "model.classes"),
    "opset": ("opset: 11", "opset: 13", "opset"),
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_that_was_changed_after_the_run_is_told(proven: Proven, name: str) -> None:
    old, new, word = RECIPES[name]
    path = proven.folder / "kit.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    proven.render()
    refused(proven, word)


def test_a_report_is_proven_while_the_store_holds_another_run_that_is_quoted(proven: Proven, run: Proven) -> None:
    own_store(proven, run)
    again = ("reproduce", "--runner", "local", "--force", "cpu/bench", "--reports", "again")
    ran = subprocess.run(
        [sys.executable, "-m", "kit", *again], cwd=proven.folder, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert proven.verify_results(), "the store's record is not the one that the results quote, and nobody quotes it"
    shutil.move(proven.folder / "again" / "digits", proven.report / "here")
    committed, kept = load_results(proven.results), unpack(proven.results.with_name(f"cpu{SUFFIX}"))
    here = load_results(proven.report / "here" / "results" / "cpu.json")
    (bench,) = [one for one in committed.runs if one.step == "cpu/bench"]
    (other,) = [one for one in here.runs if one.step == "cpu/bench"]
    assert bench.fingerprint == other.fingerprint and bench.record != other.record
    sources = RawOutputs.of(committed, proven.store(), kept, quoted=[other.record or ""])
    assert sources.another_run == {bench.fingerprint}
    assert proven.verify() == []
    edit(proven, hundredfold)
    assert any("throughput[0].r" in one.subject + one.message for one in proven.verify())


def own_store(proven: Proven, run: Proven) -> dict[str, Path]:
    shutil.rmtree(proven.folder / ".kit")
    shutil.copytree(run.folder / ".kit", proven.folder / ".kit", symlinks=True)
    return {one.step: proven.store().artifact(one.fingerprint) for one in load_results(proven.results).runs}


def test_a_model_replaced_together_with_its_digest_is_refused(proven: Proven, run: Proven) -> None:
    model = own_store(proven, run)["export"] / "model.onnx"
    model.write_bytes(b"no model at all")
    digest = hashlib.sha256(b"no model at all").hexdigest()

    def change(tree: dict[str, Any]) -> None:
        (one,) = [one for one in tree["artifacts"] if one["path"] == "model.onnx"]
        one |= {"sha256": digest, "md5": None, "bytes": 15}

    edit(proven, change)
    assert "export/model.onnx" in refused(proven, "export/model.onnx")


def test_a_record_that_was_made_to_fit_breaks_the_next_step(proven: Proven, run: Proven) -> None:
    """Model, record and results agree, and parity and inference still say which model they took."""
    model = own_store(proven, run)["export"] / "model.onnx"
    model.write_bytes(b"no model at all")
    digest = hashlib.sha256(b"no model at all").hexdigest()
    store = proven.store()
    path = next((store.root / "records").glob(f"{model.parent.name}.json"))
    tree = json.loads(path.read_bytes().split(b"\n")[0])
    tree["files"] = [[one[0], 15, digest, "", *one[4:]] if one[0] == "model.onnx" else one for one in tree["files"]]
    rewrite(store, tree, path)
    record = store.load(model.parent.name)
    assert record is not None
    edit(proven, lambda results: results["runs"][0].update(record=record.sha256))
    assert "its input model is not the one that export made" in refused(proven, "its input model")


@pytest.mark.parametrize("name", ["metrics.json", "bench.json", "parity.json", "export.json"])
def test_an_output_edited_against_the_stores_record_is_refused(proven: Proven, run: Proven, name: str) -> None:
    for folder in own_store(proven, run).values():
        for path in folder.glob(name):
            path.write_bytes(path.read_bytes().replace(b"2", b"3").replace(b"1", b"2"))
    refused(proven, name)


@pytest.mark.parametrize("name", ["metrics.json", "bench.json", "parity.json", "export.json"])
def test_an_output_edited_in_the_archive_is_refused(proven: Proven, name: str) -> None:
    def change(members: dict[str, bytes]) -> None:
        members |= {member: data.replace(b"1", b"2") for member, data in members.items() if member.endswith(name)}

    repack(proven, change)
    refused(proven, f"cpu{SUFFIX}", here=False)
    refused(proven, f"cpu{SUFFIX}")


def test_archives_that_are_missing_cut_or_foreign_prove_nothing(proven: Proven) -> None:
    path = proven.results.with_name(f"cpu{SUFFIX}")
    data = path.read_bytes()
    path.unlink()
    assert "not on this machine" in refused(proven, "cpu", here=False)
    path.write_bytes(data[: len(data) // 2])
    refused(proven, path.name, here=False)
    path.write_bytes(b"no archive")
    refused(proven, path.name, here=False)
    path.write_bytes(data)
    repack(proven, lambda members: members.update({"../../outside": b"x"}))
    assert "neither a record nor an output" in refused(proven, path.name, here=False)
    path.write_bytes(data)
    path.with_name(f"T4{SUFFIX}").write_bytes(data)
    refused(proven, f"T4{SUFFIX}", here=False)


def test_a_rehearsal_called_a_measurement_is_refused(proven: Proven, run: Proven) -> None:
    """The results say measured; the records still say what they are."""
    own_store(proven, run)
    store = proven.store()
    for one in load_results(proven.results).runs:
        path = store.root / "records" / f"{one.fingerprint}.json"
        tree = json.loads(path.read_bytes().split(b"\n")[0])
        tree["parts"]["simulated"] = True
        rewrite(store, tree, path)
    refused(proven, "fingerprint is not the digest of its parts")


def test_results_of_a_rehearsal_have_their_own_folder(proven: Proven) -> None:
    shutil.copytree(proven.report / "results", proven.report / "simulated" / "results")
    refused(proven, "measured lie where simulated ones belong")


@pytest.mark.parametrize("name", ["README.md", "README.en.md", "report.html", "report.json", "plots/throughput.svg"])
def test_an_edited_report_is_refused(proven: Proven, name: str) -> None:
    path = proven.report / name
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    refused(proven, name)
