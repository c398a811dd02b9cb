"""``kit doctor`` as a person starts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def nothing_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No devices, no engine."""
    monkeypatch.setenv("KIT_DEVICE_ROOT", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


def test_without_a_recipe_the_machine_alone_is_looked_at(tmp_path: Path, kit: Any) -> None:
    done = kit(tmp_path, "doctor")
    assert done.returncode == 7
    assert done.stdout.startswith("machine\n  engine  FAIL")
    assert "no engine answers" in done.stdout


@pytest.mark.parametrize("words", [("doctor",), ("worker", "--resources"), ("compare", "cpu", "torch")])
def test_a_recipe_that_is_named_and_missing_is_told(tmp_path: Path, kit: Any, words: tuple[str, ...]) -> None:
    done = kit(tmp_path, *words, "--recipe", "typo.yaml")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: typo.yaml: there is no recipe\n")


def test_a_target_without_its_machine(root: Path, tmp_path: Path, kit: Any) -> None:
    done = kit(tmp_path, "doctor", "-r", str(root / "examples/digits"), "-t", "310P", "-t", "T4", "--json")
    tree = json.loads(done.stdout)
    assert done.returncode == tree["exit_code"] == 7
    failed = {(one["section"], one["name"]) for one in tree["checks"] if one["state"] == "fail"}
    assert {
        ("target 310P", "Ascend driver"),
        ("target 310P", "device nodes"),
        ("target 310P", "vendor packages"),
        ("target T4", "NVIDIA driver"),
        ("target T4", "GPU"),
    } <= failed
    assert all(one["remedy"] for one in tree["checks"] if one["state"] == "fail")
    assert not (tmp_path / ".kit").exists()


def test_an_unknown_target_is_a_sentence(root: Path, tmp_path: Path, kit: Any) -> None:
    done = kit(tmp_path, "doctor", "-r", str(root / "examples/digits"), "-t", "T5")
    assert done.returncode == 3
    assert "target 'T5' is not in the recipe" in done.stderr


def test_reproduce_says_what_is_missing_before_anything_is_built(root: Path, tmp_path: Path, kit: Any) -> None:
    done = kit(tmp_path, "reproduce", "-r", str(root / "examples/digits"), "-t", "310P")
    assert done.returncode == 8
    assert "the Ascend driver is not installed" in done.stderr
    assert "--simulate" in done.stderr
    assert not (tmp_path / ".kit").exists()
