"""Packages of the user's own network: a layer on the exporter image, which the steps with PyTorch take."""

from __future__ import annotations

from pathlib import Path

from kit.execution.selection import image_specs
from kit.planning.planner import plan
from kit.planning.target import Job, load_target
from kit.recipe.schema import load_recipe

RECIPE = """
kit: 1
model: {name: own, source: code, build: "net.py:build", classes: 5, requirements: req.txt}
weights: {path: w.pth, sha256: "0000000000000000000000000000000000000000000000000000000000000000"}
input: {shape: [3, 16, 16]}
dataset: {name: d, images: val, labels: l.txt, count: 20}
preprocess: {resize: 16, crop: [16, 16], interpolation: bilinear}
targets: {cpu: , torch: }
batches: [1]
"""


def test_a_layer_on_the_exporter_image(tmp_path: Path) -> None:
    (tmp_path / "kit.yaml").write_text(RECIPE)
    locked = "tqdm==4.70.1 \\\n    --hash=sha256:" + "c" * 64 + "\n"
    (tmp_path / "req.txt").write_text(locked)
    recipe = load_recipe(tmp_path)
    jobs = [
        (load_target(name), Job(recipe, name, (1,), Path("/w"), Path("/i"), Path("/l"), False, 0, {}))
        for name in ("cpu", "torch")
    ]
    specs = {spec.name: spec for spec in image_specs(jobs)}
    layer = specs["exporter-packages"]
    assert (layer.base, layer.folder.name, layer.args) == ("exporter", "packages", {"REQUIREMENTS": locked})
    assert specs["torch"].base == "exporter-packages"
    steps = {step.name: step for step in plan(jobs).steps}
    assert steps["export"].image == steps["parity"].image == "exporter-packages"
