"""Every target plans every task: the table of docs/tasks.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.planning.planner import plan
from kit.planning.target import Job, load_target, target_names
from kit.planning.task import task_names, task_of
from kit.recipe.schema import Recipe, load_recipe
from tests.tasks.publishedfolders import several_inputs, several_shapes

EXAMPLES = {"classification": "digits", "detection": "scenes_detection", "segmentation": "scenes_segmentation"}


def recipes(root: Path, tmp_path: Path) -> dict[str, Recipe]:
    found = {task: load_recipe(root / "examples" / name) for task, name in EXAMPLES.items()}
    folders = {"script": several_inputs(tmp_path), "script, files of several shapes": several_shapes(tmp_path)}
    return found | {name: load_recipe(path) for name, path in folders.items()}


@pytest.mark.parametrize("target", target_names())
def test_every_target_takes_every_task(root: Path, tmp_path: Path, target: str) -> None:
    found = recipes(root, tmp_path)
    page = (root / "docs" / "tasks.md").read_text()
    assert f"`{target}` |" in page
    assert {name.partition(",")[0] for name in found} == set(task_names())
    for name, recipe in found.items():
        assert f"| {name} | yes |" in page
        if target == "torch" and recipe.model.source == "onnx":
            continue  # it runs the network itself
        task: Any = task_of(recipe)
        batches = recipe.batches_of("cpu")
        job = Job(recipe, target, batches, Path("/w"), Path("/i"), Path("/l"), simulate=True, task=task)
        steps = plan([(load_target(target), job)]).steps
        assert any(step.stage == "infer" for step in steps), (target, name)
