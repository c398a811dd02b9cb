"""Files of several shapes: what compilers are told of them, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.errors import InvalidInputError
from kit.planning.planner import plan
from kit.planning.step import Step
from kit.planning.target import Job, load_target
from kit.planning.task import task_of
from kit.recipe.schema import load_recipe
from kit.tasks.script.settings import script_settings
from tests.tasks.publishedfolders import several_shapes
from tests.tasks.test_published_folders import reproduce

RANGE = {"files": {"min": [3, 6, 6], "opt": [3, 8, 6], "max": [3, 9, 9]}}


def changed(top: Path, **script: Any) -> Path:
    recipe = several_shapes(top)
    tree = yaml.safe_load(recipe.read_text())
    tree["task"]["script"] |= script
    recipe.write_text(yaml.safe_dump(tree, sort_keys=False))
    return recipe


def planned(path: Path, target: str, toolchain: str | None = None, **options: Any) -> dict[str, Step]:
    recipe = load_recipe(path)
    entry = recipe.targets[target].model_copy(update={"toolchain": toolchain})
    recipe = recipe.model_copy(update={"targets": {target: entry}})
    job = Job(
        recipe, target, (1,), Path("/w"), Path("/i"), Path("/l"), simulate=True, options=options, task=task_of(recipe)
    )
    return {step.name: step for step in plan([(load_target(target), job)]).steps}


def test_a_list_is_profiles_of_atc_in_every_toolkit(tmp_path: Path) -> None:
    steps = planned(changed(tmp_path), "310P")
    convert, infer, bench = (steps[f"310P/{name}"].argv for name in ("convert-bs1", "bs1-infer", "bench-bs1"))
    assert {"--input_format=ND", "--input_shape=low:1,3,-1,-1", "--dynamic_dims=8,8;6,8;8,6"} <= set(convert)
    assert "--auto_set_dymdims_mode=1" in infer
    assert "--dymDims=low:1,3,8,8" in bench
    assert "--shapes" in steps["310P/files"].argv  # files get the batch axis that the tool wants


def test_a_range_is_one_of_atc_in_newer_toolkits(tmp_path: Path) -> None:
    recipe = changed(tmp_path, shapes=RANGE)
    with pytest.raises(InvalidInputError, match=r"CANN 5.1.RC1 of target 310P compiles for shapes that are listed"):
        planned(recipe, "310P")
    with pytest.raises(InvalidInputError, match="output_bytes: .* has to be told 1, not 0"):
        planned(recipe, "310P", "CANN 9.0.1")
    steps = planned(recipe, "310P", "CANN 9.0.1", output_bytes=[972])
    convert, infer, bench = (steps[f"310P/{name}"].argv for name in ("convert-bs1", "bs1-infer", "bench-bs1"))
    assert "--input_shape=low:1,3,6~9,6~9" in convert and not [word for word in convert if "dynamic" in word]
    assert {"--auto_set_dymshape_mode=1", "--outputSize=972"} <= set(infer)
    assert {"--dymShape=low:1,3,8,6", "--outputSize=972"} <= set(bench)


@pytest.mark.parametrize(("shapes", "low", "best", "high"), [
    (RANGE, "1x3x6x6", "1x3x8x6", "1x3x9x9"),
    ({"files": [[3, 8, 6], [3, 6, 8]]}, "1x3x6x6", "1x3x8x6", "1x3x8x8"),
])  # fmt: skip
def test_both_are_a_profile_of_trtexec(tmp_path: Path, shapes: Any, low: str, best: str, high: str) -> None:
    recipe = changed(tmp_path, shapes=shapes)
    for toolchain in (None, "TensorRT 10.16.1.11"):
        steps = planned(recipe, "T4", toolchain)
        profile = {f"--minShapes=low:{low}", f"--optShapes=low:{best}", f"--maxShapes=low:{high}"}
        assert profile <= set(steps["T4/convert-bs1"].argv)
        measured = [word for word in steps["T4/bench-bs1-run1"].argv if "hapes=" in word]
        assert measured == [f"--shapes=low:{best}"]


@pytest.mark.parametrize("target", ["310P", "T4"])
def test_a_compiler_needs_to_know_the_shapes(tmp_path: Path, target: str) -> None:
    with pytest.raises(InvalidInputError, match=f"target {target} compiles for fixed shapes"):
        planned(changed(tmp_path, shapes="files"), target)


def test_several_inputs_have_a_shape_each(tmp_path: Path) -> None:
    files = [[[3, 8, 8], [5]], [[3, 6, 8], [7]]]
    known = script_settings(load_recipe(changed(tmp_path, shapes={"files": files}))).known_shapes
    assert known and (known.low, known.high) == (((3, 6, 8), (5,)), ((3, 8, 8), (7,)))


@pytest.mark.parametrize(("shapes", "told"), [
    ({"files": [[3, 8, 8], [3, 6, 8]]}, "img_2.npy: the sample has the shape [3, 8, 6], and the recipe announces"),
    ({"files": [[3, 8, 8], [3, 6, 6]]}, "img_1.npy: the sample has the shape [3, 6, 8], which the recipe does not"),
    ({"files": [[8, 8], [6, 8]]}, "shapes of [2] sizes, one shape per input, and the model's inputs have [3]"),
    ({"files": [[3, 8, 8], [3, 8]]}, "all shapes need the same number of inputs, and of sizes"),
    ({"files": {"min": [3, 9, 8], "max": [3, 8, 8]}}, "min, opt and max are not in this order in each size"),
    ({"files": [[3, 8, 8]]}, "task -> script -> shapes -> files: Tuple should have at least 2 items"),
    ({"files": {"min": [3, 0, 8], "max": [3, 8, 8]}}, "shapes -> files -> min -> 1: Input should be greater than 0"),
    ("any", "task -> script -> shapes: Input should be 'fixed' or 'files'"),
])  # fmt: skip
def test_other_shapes_are_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shapes: Any, told: str
) -> None:
    assert reproduce(changed(tmp_path, shapes=shapes), "--target", "cpu", "--runner", "local") == 3
    assert told in capsys.readouterr().err


def test_one_file_is_one_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = several_shapes(tmp_path)
    recipe.write_text(recipe.read_text().replace("batches:\n- 1\n", "batches: [1, 4]\n"))
    assert reproduce(recipe, "--target", "cpu", "--runner", "local") == 3
    assert "run one a call" in capsys.readouterr().err
