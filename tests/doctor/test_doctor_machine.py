"""The checks that need no accelerator: disk, memory, data set, weights, engine, images; and how findings are shown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from kit import doctor
from kit.containers.images import BuildOptions, Images
from kit.doctor import Check, Finding, dataset, disk, engine, images, memory, show, weights
from kit.errors import EngineError, Exit, ResourceError
from kit.planning.step import GIB, Step
from kit.recipe.schema import Recipe, load_recipe


def step(stage: Any, **changes: Any) -> Step:
    values = {"name": stage, "stage": stage, "title": "", "image": "", "argv": (), "outputs": ()} | changes
    return Step(**values)


def ask(check: Check) -> Finding:
    ((_, finding),) = doctor.run([check])
    return finding


@pytest.fixture
def recipe(root: Path) -> Recipe:
    return load_recipe(root)


def test_disk_counts_a_tensor_per_image_and_a_result_per_run_of_a_vendors_tool(recipe: Recipe) -> None:
    assert disk.needed(recipe, []) == 2 * GIB
    tensors = disk.needed(recipe, [step("preprocess")]) - 2 * GIB
    assert tensors == 50_000 * 602_112  # a whole number of blocks
    results = disk.needed(recipe, [step("infer"), step("infer")]) - 2 * GIB
    assert results == 2 * 50_000 * 12_288  # 1,000 numbers of ten characters in blocks of 4,096
    assert disk.needed(recipe, [step("infer", code=("evaluate",))]) == 2 * GIB


def test_a_full_disk_is_found_out_before_it_is_full(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = disk.check(tmp_path / "not" / "yet", recipe, [step("preprocess")])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100 * GIB, 0, 100 * GIB))
    assert ask(check).state == "ok"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100 * GIB, 80 * GIB, 20 * GIB))
    finding = ask(check)
    assert finding.state == "fail"
    assert "20.0 GiB are free, 30.0 GiB are needed for 50000 images" in finding.message
    assert isinstance(doctor.failure([(check, finding)]), ResourceError)
    done = disk.check(tmp_path, recipe, [step("preprocess")], frozenset({"preprocess"}))
    assert ask(done).state == "ok"


@pytest.mark.parametrize(
    ("available", "convert", "state"),
    [(1, False, "fail"), (3, False, "ok"), (3, True, "warn"), (16, True, "ok")],
)
def test_memory(tmp_path: Path, available: int, convert: bool, state: str) -> None:
    path = tmp_path / "meminfo"
    path.write_text(f"MemTotal: {32 << 20} kB\nMemFree: 1 kB\nMemAvailable: {available << 20} kB\nHugepagesize:\n")
    assert ask(memory.check([step("convert")] if convert else [], path)).state == state


def test_memory_of_this_machine() -> None:
    assert "GiB are available" in ask(memory.check()).message


def site(root: Path, tmp_path: Path, count: int = 3, labels: int = 3) -> tuple[Recipe, Path, Path]:
    text = (root / "examples/digits/kit.yaml").read_text().replace("count: 500", "count: 3")
    (tmp_path / "kit.yaml").write_text(text)
    images = tmp_path / "val"
    images.mkdir()
    for number in range(count):
        (images / f"{number}.JPG").write_bytes(b"")
    (images / ".hidden.jpg").write_bytes(b"")
    (tmp_path / "val_label.txt").write_text("".join(f"{number}.JPG 0\n" for number in range(labels)) + "\n")
    return load_recipe(tmp_path), images, tmp_path / "val_label.txt"


@pytest.mark.parametrize(
    ("count", "labels", "state", "words"),
    [
        (3, 3, "ok", "3 images, 3 labels"),
        (2, 3, "fail", "has 2 images, the recipe says 3"),
        (3, 2, "fail", "1 of 3 images have no label: 2.JPG"),
        (3, 4, "fail", "1 of 4 labels have no image: 3"),
    ],
)
def test_the_data_set_is_counted(root: Path, tmp_path: Path, count: int, labels: int, state: str, words: str) -> None:
    recipe, folder, file = site(root, tmp_path, count, labels)
    finding = ask(dataset.check(recipe, folder, file, lambda: None))
    assert finding.state == state
    assert words in finding.message


def test_weights_are_held_against_both_checksums(root: Path, tmp_path: Path) -> None:
    recipe = load_recipe(root / "examples/digits")
    path = root / "examples/digits/spnasnet_digits.pth.tar"
    assert "checksums hold" in ask(weights.check(recipe, path)).message
    damaged = tmp_path / path.name
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    damaged.write_bytes(data)
    finding = ask(weights.check(recipe, damaged))
    assert finding.state == "fail"
    assert "the weights' md5 is" in finding.message
    assert ask(weights.check(recipe, tmp_path / "gone")).state == "fail"


def test_weights_that_can_be_fetched_are_a_note(recipe: Recipe, tmp_path: Path) -> None:
    finding = ask(weights.check(recipe, tmp_path / "model_best.pth.tar"))
    assert finding.state == "note"
    assert "will be fetched from https://" in finding.message


def test_an_engine_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise EngineError("no engine answers", where="/var/run/docker.sock", remedy="start Docker")

    monkeypatch.setattr("kit.containers.client.connect", refuse)
    check = engine.check()
    finding = ask(check)
    assert finding == Finding("fail", "/var/run/docker.sock: no engine answers", "start Docker", exit_code=Exit.ENGINE)
    error = doctor.failure([(check, finding)])
    assert error is not None and error.exit_code == Exit.ENGINE


@pytest.mark.parametrize(
    ("facts", "api", "state", "words"),
    [
        ({"MemoryLimit": True, "PidsLimit": True, "Driver": "overlay2"}, "1.41", "ok", "overlay2"),
        ({"MemoryLimit": False, "PidsLimit": True}, "1.41", "warn", "does not enforce MemoryLimit"),
        ({}, "1.39", "warn", "too old"),
    ],
)
def test_an_engine_with_its_limits(
    monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any], api: str, state: str, words: str
) -> None:
    class Client:
        def info(self) -> dict[str, Any]:
            return facts

        def version(self) -> dict[str, str]:
            return {"ApiVersion": api, "Version": "1"}

    monkeypatch.setattr("kit.containers.client.connect", Client)
    monkeypatch.setattr("kit.containers.client.version", lambda: "Docker 1")
    finding = ask(engine.check())
    assert finding.state == state
    assert words in finding.message


@pytest.mark.docker
def test_the_engine_here(engine: Any) -> None:
    from kit.doctor import engine as module

    assert ask(module.check()).state in {"ok", "warn"}


@pytest.mark.docker
def test_images_that_must_be_pulled_are_a_note(engine: Any, tmp_path: Path) -> None:
    made = Images((), tmp_path, BuildOptions(base="registry.invalid/none:1"), lambda _: None)
    finding = ask(images.check(made, ["runtime"]))
    assert finding.state == "note"
    assert finding.message == "to be built: runtime; to be pulled: registry.invalid/none:1"


SECTIONS = {
    "machine": [
        (Check("engine", lambda: Finding("ok", ""), Exit.ENGINE), Finding("ok", "Docker 1", "never shown")),
        (Check("disk", lambda: Finding("ok", ""), Exit.RESOURCE), Finding("warn", "little", "free some", "ENOSPC")),
    ],
    "target x": [
        (Check("nodes", lambda: Finding("ok", "")), Finding("fail", "none", "load it", "message of the vendor")),
    ],
}


def test_findings_for_people() -> None:
    assert show.as_text(SECTIONS, show.outlook(SECTIONS, ["x", "y"])) == (
        "machine\n"
        "  engine  ok    Docker 1\n"
        "  disk    warn  little\n"
        "                do: free some\n"
        "                prevents: ENOSPC\n"
        "\n"
        "target x\n"
        "  nodes   FAIL  none\n"
        "                do: load it\n"
        "                prevents: message of the vendor\n"
        "\n"
        "3 checks: 1 failed, 1 warnings\n"
        "works here today: y\n"
        "does not: x (nodes)"
    )


def test_findings_for_machines() -> None:
    tree = json.loads(show.as_json(SECTIONS, {"x": ["nodes"]}))
    assert tree["forbid"] == {"x": ["nodes"]}
    assert (tree["ok"], tree["exit_code"]) == (False, 8)
    assert [one["state"] for one in tree["checks"]] == ["ok", "warn", "fail"]
    assert tree["checks"][2]["section"] == "target x"
    assert show.exit_code({"machine": SECTIONS["machine"]}) == Exit.OK
