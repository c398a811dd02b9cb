from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from kit.errors import InvalidInputError
from kit.planning.planner import choose_batches, plan
from kit.planning.step import Devices, External, Limits, Made, Step, fill, fingerprint_of, fingerprint_parts
from kit.planning.target import Job, load_target, target_names
from kit.recipe.schema import load_recipe


def job(root: Path, target: str, **changes: object) -> Job:
    recipe = load_recipe(root / "examples" / "digits")
    values: dict[str, object] = {
        "recipe": recipe,
        "target": target,
        "batches": recipe.batches_of(target),
        "weights": Path("/w"),
        "images": Path("/i"),
        "labels": Path("/l"),
    }
    return Job(**(values | changes))  # type: ignore[arg-type]


def test_targets_are_found_by_entry_point() -> None:
    assert {"310", "310P", "T4", "cpu"} <= set(target_names())
    with pytest.raises(InvalidInputError, match="no target '311'") as caught:
        load_target("311")
    assert "310P" in caught.value.remedy


def test_the_cpu_plan_measures_last_and_respects_inputs(root: Path) -> None:
    made = plan([(load_target("cpu"), job(root, "cpu"))])
    names = [step.name for step in made.steps]
    assert names == ["export", "parity", "cpu/infer", "cpu/metrics", "cpu/bench"]
    assert "1,4,8,16,32,64" in made.steps[-1].argv  # all batches in one step: they take turns
    assert all(step.limits.network is False for step in made.steps)


def test_an_equal_step_of_two_targets_is_one(root: Path) -> None:
    class Other:
        name = "other"

        def plan(self, job: Job) -> Sequence[Step]:
            return load_target("cpu").plan(replace(job, target="cpu"))

    once = plan([(load_target("cpu"), job(root, "cpu"))])
    twice = plan([(load_target("cpu"), job(root, "cpu")), (Other(), replace(job(root, "cpu"), target="other"))])  # type: ignore[list-item]
    assert twice.steps == once.steps
    assert twice.of_target["other"] == twice.of_target["cpu"]


def test_a_batch_outside_the_recipe_is_refused() -> None:
    assert choose_batches((1, 4, 8), (8, 1), "cpu") == (1, 8)
    assert choose_batches((1, 4), (), "cpu") == (1, 4)
    with pytest.raises(InvalidInputError, match="batch 3 is not in the recipe for target cpu"):
        choose_batches((1, 4), (3,), "cpu")


STEP = Step(
    name="s",
    stage="bench",
    title="t",
    image="runtime",
    argv=("python3", "{in:model}", "{out}/x"),
    outputs=("x",),
    inputs={"model": Made("export", "model.onnx"), "images": External(Path("/i"))},
)


def key(step: Step = STEP, **changes: object) -> str:
    values: dict[str, object] = {"image": "sha256:1", "inputs": {"model": "a", "images": "b"}, "code": "c"}
    return fingerprint_of(fingerprint_parts(step, **(values | changes)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"argv": ("python3", "{in:model}", "{out}/y")},
        {"environment": {"A": "1"}},
        {"devices": Devices(nodes=("/dev/davinci0",))},
        {"outputs": ("x", "y")},
        {"simulated": True},
        {"workdir": "/tmp"},
        {"root": True},
    ],
)
def test_the_fingerprint_follows_everything_that_decides_the_output(changes: dict[str, object]) -> None:
    changed = replace(STEP, **changes)  # type: ignore[arg-type]
    assert key(changed) != key()


def test_the_fingerprint_follows_image_inputs_code_and_for_measurements_the_host() -> None:
    assert key(image="sha256:2") != key()
    assert key(inputs={"model": "z", "images": "b"}) != key()
    assert key(code="d") != key()
    assert key(host="one") == key(host="two")
    timed = replace(STEP, timed=True)
    assert key(timed, host="one") != key(timed, host="two")
    assert key(replace(STEP, title="other words")) == key()
    assert key(replace(STEP, limits=Limits(pids=7))) == key()


def test_placeholders_are_filled_and_other_braces_kept() -> None:
    filled = fill('{in:model} {out}/a {code} {"json":[1]} {in}', inputs=lambda name: f"<{name}>", out="O", code="C")
    assert filled == '<model> O/a C {"json":[1]} {in}'
    assert STEP.after == ("export",)
