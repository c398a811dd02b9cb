"""Results, recipe or report changed after a run: `kit verify --strict` refuses them by name."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from kit.reports.folder import rendered, write
from kit.results.resultsfile import load_all
from kit.verification.records import around_difference
from tests.verification.conftest import Proven
from tests.verification.manipulation import edit, hundredfold, refused

pytestmark = pytest.mark.slow


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


def test_results_of_a_rehearsal_have_their_own_folder(proven: Proven) -> None:
    edit(proven, lambda tree: tree.update(source="simulated"))
    refused(proven, "simulated lie where measured ones belong")


def test_a_rehearsal_may_hold_what_was_measured_on_the_way(proven: Proven) -> None:
    folder = proven.report / "simulated"
    shutil.copytree(proven.report / "results", folder / "results")
    write(folder, rendered(proven.recipe, folder, load_all(folder)))
    assert proven.verify() == []


def test_a_long_command_is_quoted_where_it_differs() -> None:
    assert around_difference("['a']", "['b']") == ["['a']", "['b']"]
    start, end = "x" * 500, "y" * 500
    one, other = around_difference(start + "--batch=1" + end, start + "--batch=8" + end)
    assert "--batch=1yy" in one
    assert "--batch=8yy" in other
    assert one[0] == one[-1] == "…"
    assert around_difference(start, start + "z")[1].endswith("z")


@pytest.mark.parametrize("name", ["README.md", "README.en.md", "report.html", "report.json", "plots/throughput.svg"])
def test_an_edited_report_is_refused(proven: Proven, name: str) -> None:
    path = proven.report / name
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    refused(proven, name)
