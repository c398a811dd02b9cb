"""The example is what its README and its recipe say, and what its script makes."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.rereading import numbers_read_again

FOLDER = Path(__file__).parents[2] / "examples/digits"
WEIGHTS = FOLDER / "spnasnet_digits.pth.tar"
IMAGES = sorted((FOLDER / "val").iterdir())


def labels() -> dict[str, int]:
    rows = [line.split(" ") for line in (FOLDER / "val_label.txt").read_text().splitlines()]
    return {name: int(label) for name, label in rows}


@pytest.fixture(scope="module")
def script() -> Any:
    for name in ("sklearn", "torch", "timm", "numpy", "PIL"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"train.py needs {name}")
    specification = importlib.util.spec_from_file_location("digits_train", FOLDER / "train.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["digits_train"] = module
    specification.loader.exec_module(module)
    return module


def test_labels_and_images_belong_together() -> None:
    assert [path.name for path in IMAGES] == sorted(labels()) == [f"digit_{n:05d}.jpeg" for n in range(500)]
    assert set(labels().values()) == set(range(10))


def test_digests_in_recipe_and_readme_are_those_of_the_file() -> None:
    content = WEIGHTS.read_bytes()
    md5, sha256 = hashlib.md5(content).hexdigest(), hashlib.sha256(content).hexdigest()
    recipe = yaml.safe_load((FOLDER / "kit.yaml").read_text())
    assert (recipe["weights"]["md5"], recipe["weights"]["sha256"]) == (md5, sha256)
    readme = (FOLDER / "README.md").read_text()
    assert re.findall(r"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{32})(?![0-9a-f])", readme) == [md5, sha256]
    assert f"{len(content):,} bytes" in readme


@pytest.mark.slow
def test_the_script_makes_these_images(script: Any) -> None:
    _, _, jpegs, numbers = script.load_split()
    assert dict(zip((path.name for path in IMAGES), numbers.tolist(), strict=True)) == labels()
    import PIL.features

    if PIL.features.version("libjpeg_turbo") is None or [jpegs[0]] != [IMAGES[0].read_bytes()]:
        pytest.skip("another JPEG encoder than the one that made the images")
    assert jpegs == [path.read_bytes() for path in IMAGES]


@pytest.mark.slow
def test_no_test_image_was_trained_on(script: Any) -> None:
    train, _, test, _ = script.load_split()
    assert (len(train), len(test), len(set(train) & set(test))) == (1297, 500, 0)


def test_the_preprocessing_of_the_script_is_the_recipe_s(script: Any) -> None:
    from kit.inside.preprocess import Preprocessor

    config = yaml.safe_load((FOLDER / "kit.yaml").read_text())["preprocess"]
    preprocess = Preprocessor(config)
    for path in IMAGES[:20]:
        assert abs(preprocess.prep(str(path)) - script.preprocess(path.read_bytes())).max() < 1e-6


@pytest.mark.slow
def test_the_accuracy_that_is_published(script: Any) -> None:
    import numpy as np
    import torch

    from kit.inside.network import build

    model = build("spnasnet_100", 10, (3, 64, 64))
    state = torch.load(WEIGHTS, weights_only=True)["state_dict"]
    model.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in state.items()})
    inputs = torch.from_numpy(np.stack([script.preprocess(path.read_bytes()) for path in IMAGES]))
    numbers = torch.tensor([labels()[path.name] for path in IMAGES])
    assert script.hits(model, inputs, numbers) == [499, 500, 500, 500, 500]
    reference = yaml.safe_load((FOLDER / "kit.yaml").read_text())["published"]["reference"]
    assert (reference["top1"], reference["top5"]) == (99.8, 100)


@pytest.mark.parametrize("target", ["cpu", "openvino"])
def test_each_committed_number_is_found_again_without_a_store(root: Path, target: str) -> None:
    assert numbers_read_again(root / "reports/digits/results" / f"{target}.json") > 200
