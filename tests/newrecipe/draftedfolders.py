"""What tests of ``kit init --script`` share: the parts of published folders, and one that drafts and runs them."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import yaml
from onnx import TensorProto, helper
from PIL import Image

from kit.cli import main

__all__ = ["PRE", "RESIZING", "becomes_a_recipe_that_runs", "images", "write"]


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text).lstrip())


def mean_model(folder: Path, size: int) -> None:
    """Image -> its three means, scaled so that the red one of an image is its number."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, size, size])
    means = helper.make_tensor_value_info("means", TensorProto.FLOAT, ["n", 3, 1, 1])
    graph = helper.make_graph([helper.make_node("GlobalAveragePool", ["image"], ["means"])], "net", [image], [means])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), folder / "net.onnx")


def images(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        Image.fromarray(np.full((9, 7, 3), number, np.uint8)).save(folder / f"im_{number:03}.png")


PRE = """
    import os, sys
    import numpy as np
    from PIL import Image
    from resizing import resized
    def convert(source, target):
        os.makedirs(target, exist_ok=True)
        for name in os.listdir(source):
            pixels = np.asarray(resized(Image.open(os.path.join(source, name))), np.float32)
            np.ascontiguousarray(pixels.transpose(2, 0, 1)).tofile(os.path.join(target, name.split(".")[0] + ".bin"))
"""
RESIZING = """
    def resized(image):
        return image.resize((8, 8))
"""


def call(*words: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return int(end.value.code or 0)


def becomes_a_recipe_that_runs(
    folder: Path, data: str, metric: str, value: float, unit: str, wanted: dict[str, Any]
) -> None:
    """Whether the draft for `folder` has the settings `wanted`, and prints the metric when it is run."""
    tmp_path = folder.parent
    mean_model(folder, 8)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert call("init", "--script", folder, "--images", tmp_path / data, "--out", tmp_path) == 0
    recipe = tmp_path / "kit.yaml"
    tree = yaml.safe_load(recipe.read_text())
    script = tree["task"]["script"]
    assert {name: script[name] for name in wanted} == wanted
    tree["bench"] = {"warmup": 1, "repeats": 2, "seconds": 0.02, "limit": 0.2}
    recipe.write_text(yaml.safe_dump(tree, sort_keys=False))
    command = ("reproduce", "--recipe", tmp_path, "--runner", "local", "--store", tmp_path / "store")
    assert call(*command, "--reports", tmp_path / "reports") == 0
    (results,) = (tmp_path / "reports").rglob("cpu.json")
    found = {one["name"]: one for one in json.loads(results.read_text())["metrics"]}
    assert found[metric]["value"] == value and found[metric]["unit"] == unit
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
