"""Parity: real figures on real images, and every way in which the two can be apart."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from kit.inside.protocol import UserError

np: Any = pytest.importorskip("numpy", reason="numpy is in the extra 'runtime'")
onnx: Any = pytest.importorskip("onnx", reason="onnx is in the extra 'exporter'")
onnxruntime: Any = pytest.importorskip("onnxruntime", reason="onnxruntime is in the extra 'runtime'")

from kit.inside import parity  # noqa: E402 - after the skip

DIGITS = Path(__file__).parents[2] / "examples/digits"
PREPROCESS = {"resize": [72, 72], "crop": [64, 64], "mean": [0.35, 0.35, 0.35], "std": [0.348, 0.348, 0.348]}
NETWORK = json.dumps(
    {
        "architecture": "spnasnet_100",
        "classes": 10,
        "inputs": [{"name": "in", "shape": [3, 64, 64]}],
        "outputs": ["out"],
    }
)
pytestmark = pytest.mark.slow
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None or importlib.util.find_spec("timm") is None,
    reason="torch and timm are in the extra 'exporter'",
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from kit.inside import export

    out = tmp_path_factory.mktemp("model")
    weights = str(DIGITS / "spnasnet_digits.pth.tar")
    export.main(["--weights", weights, "--network", NETWORK, "--opset", "11", "--out", str(out)])
    return out / "model.onnx"


def run_parity(model: Path, out: Path, **changes: object) -> dict[str, Any]:
    options: dict[str, object] = {
        "weights": DIGITS / "spnasnet_digits.pth.tar",
        "onnx": model,
        "network": NETWORK,
        "images": DIGITS / "val",
        "preprocess": json.dumps(PREPROCESS),
        "samples": 12,
        "out": out,
    }
    merged = options | {name.replace("_", "-"): value for name, value in changes.items()}
    parity.main([word for name, value in merged.items() for word in (f"--{name}", str(value))])
    return read(out)


def read(out: Path) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads((out / "parity.json").read_bytes())
    return tree


def changed(model: Path, path: Path, scale: float, *, name: str = "classifier.bias") -> Path:
    """The model with one initializer multiplied."""
    proto = onnx.load(model)
    (tensor,) = [one for one in proto.graph.initializer if one.name == name]
    values = onnx.numpy_helper.to_array(tensor) * np.float32(scale)
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, name))
    onnx.save(proto, path)
    return path


@needs_torch
def test_the_exported_model_agrees(model: Path, tmp_path: Path) -> None:
    found = run_parity(model, tmp_path)
    assert found["passed"] is True
    assert found["samples"] == 12 == len(found["images"])
    assert 0 < found["max_abs"] == pytest.approx(found["max_abs_scaled"] * found["largest_logit"])
    assert found["max_abs_scaled"] < 1e-5
    assert 0.999999 < found["cosine"] <= 1
    assert found["top1_agreement"] == 1
    assert found["images"][0] == "digit_00000.jpeg"
    assert found["images"][-1] == "digit_00499.jpeg"


@needs_torch
def test_another_model_fails_and_the_result_is_written(model: Path, tmp_path: Path) -> None:
    other = changed(model, tmp_path / "other.onnx", -1.0, name="classifier.weight")
    with pytest.raises(UserError, match="beyond the tolerance") as caught:
        run_parity(other, tmp_path)
    assert caught.value.kind == "tolerance"
    for word in ("scaled difference", "cosine", "Top1 agreement"):
        assert word in caught.value.what
    found = read(tmp_path)
    assert found["passed"] is False
    assert found["top1_agreement"] < 0.5


@needs_torch
@pytest.mark.parametrize(
    ("bound", "word"),
    [({"max_abs": 1e-9}, "scaled difference"), ({"min_cosine": 1.1}, "cosine"), ({"min_top1": 1.1}, "Top1")],
)
def test_each_bound_fails_alone(model: Path, tmp_path: Path, bound: dict[str, float], word: str) -> None:
    with pytest.raises(UserError) as caught:
        run_parity(model, tmp_path, samples=3, **bound)
    assert word in caught.value.what
    assert ";" not in caught.value.what.partition(": ")[2]


@pytest.mark.parametrize("bound", ["max_abs", "min_cosine", "min_top1"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_bound_that_is_no_number(tmp_path: Path, bound: str, value: str) -> None:
    with pytest.raises(UserError, match=f"{value} is not a bound"):
        run_parity(tmp_path / "none", tmp_path, **{bound: value})


@needs_torch
def test_a_model_that_computes_nan(model: Path, tmp_path: Path) -> None:
    other = changed(model, tmp_path / "other.onnx", float("nan"))
    with pytest.raises(UserError, match="ONNX Runtime computes NaN") as caught:
        run_parity(other, tmp_path, samples=2)
    assert caught.value.where == str(other)


@needs_torch
def test_more_samples_than_images(model: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for number in (0, 1, 2):
        shutil.copy(DIGITS / f"val/digit_{number:05d}.jpeg", images)
    assert run_parity(model, tmp_path, images=images, samples=100)["samples"] == 3


@pytest.mark.parametrize("samples", [0, -1])
def test_no_samples(tmp_path: Path, samples: int) -> None:
    with pytest.raises(UserError, match="samples cannot be compared"):
        run_parity(tmp_path / "none", tmp_path, samples=samples)


@needs_torch
def test_a_model_of_another_shape(model: Path, tmp_path: Path) -> None:
    small = {**PREPROCESS, "crop": [32, 32]}
    with pytest.raises(UserError, match=r"takes inputs of \[3, 64, 64\]"):
        run_parity(model, tmp_path, preprocess=json.dumps(small))


@needs_torch
def test_a_model_whose_batch_is_fixed(model: Path, tmp_path: Path) -> None:
    proto = onnx.load(model)
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(proto, tmp_path / "fixed.onnx")
    with pytest.raises(UserError, match="cannot compute a batch of 8"):
        run_parity(tmp_path / "fixed.onnx", tmp_path, samples=12)


@needs_torch
def test_a_damaged_image_is_named(model: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    content = (DIGITS / "val/digit_00000.jpeg").read_bytes()
    (images / "a.jpeg").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError) as caught:
        run_parity(model, tmp_path, images=images)
    assert caught.value.where == str(images / "a.jpeg")
    assert caught.value.kind == "damaged"


def test_no_model(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        parity.open_session(str(tmp_path / "model.onnx"))
    assert caught.value.kind == "missing"


@needs_torch
@pytest.mark.parametrize("keep", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_model(model: Path, tmp_path: Path, keep: float) -> None:
    path = tmp_path / "model.onnx"
    content = model.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(UserError) as caught:
        parity.open_session(str(path))
    assert caught.value.kind == "damaged"
    assert caught.value.where == str(path)


def logits(*rows: list[float]) -> Any:
    return np.array(rows, dtype=np.float32)


def test_figures_by_hand() -> None:
    found = parity.compare(logits([3, 4], [0, -8]), logits([4, 3], [0, -8]))
    assert found["max_abs"] == 1
    assert found["max_abs_scaled"] == pytest.approx(1 / 8)
    assert found["cosine"] == pytest.approx(24 / 25)
    assert found["top1_agreement"] == 0.5


def test_equal_logits_are_equal_whatever_they_are() -> None:
    for rows in (logits([0, 0]), logits([1, 2], [0, 0]), logits([5, 5])):
        found = parity.compare(rows, rows.copy())
        assert found == {"max_abs": 0, "max_abs_scaled": 0, "cosine": 1, "top1_agreement": 1}


def test_zeros_against_numbers() -> None:
    found = parity.compare(logits([0, 0]), logits([0, 1]))
    assert found == {"max_abs": 1, "max_abs_scaled": 1, "cosine": 0, "top1_agreement": 0}


def test_a_tie_is_the_lowest_class() -> None:
    assert parity.compare(logits([1, 7, 7]), logits([1, 7, 6]))["top1_agreement"] == 1
    assert parity.compare(logits([1, 7, 7]), logits([1, 6, 7]))["top1_agreement"] == 0


@pytest.mark.parametrize(("total", "count"), [(10, 3), (10, 10), (10, 11), (1, 1), (500, 32), (3, 2), (7, 1)])
def test_samples_are_spread_and_never_twice(total: int, count: int) -> None:
    names = [f"{number:04d}" for number in range(total)]
    chosen = parity.chosen(names, count)
    assert len(chosen) == len(set(chosen)) == min(total, count)
    assert chosen == sorted(chosen)
    if count > 1:
        assert (chosen[0], chosen[-1]) == (names[0], names[-1])
