"""Networks of timm with weights: what fits, and one sentence for everything that does not."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from kit.inside.protocol import UserError

torch: Any = pytest.importorskip("torch", reason="torch is in the extra 'exporter'")
pytestmark = pytest.mark.slow
if importlib.util.find_spec("timm") is None:  # not imported here: kit.inside.network knows how
    pytest.skip("timm is in the extra 'exporter'", allow_module_level=True)

from kit.inside.checkpoint import read_checkpoint  # noqa: E402 - after the skip
from kit.inside.network import build, load_weights  # noqa: E402

DIGITS = Path(__file__).parents[2] / "examples/digits/spnasnet_digits.pth.tar"
ARCHITECTURE, CLASSES, SHAPE = "spnasnet_100", 10, (3, 64, 64)


@pytest.fixture(scope="module")
def network() -> Any:
    return build(ARCHITECTURE, CLASSES, SHAPE)


def state() -> dict[str, Any]:
    weights: dict[str, Any] = torch.load(DIGITS, weights_only=True)["state_dict"]
    return weights


def refused(network: Any, tmp_path: Path, weights: dict[str, Any], kind: str = "invalid") -> str:
    path = tmp_path / "w.pth"
    torch.save(weights, path)
    with pytest.raises(UserError) as caught:
        load_weights(network, read_checkpoint(str(path)), ARCHITECTURE, CLASSES)
    assert caught.value.kind == kind
    assert caught.value.where == str(path)
    return caught.value.what


def test_weights_are_put_in_as_they_are(network: Any) -> None:
    load_weights(network, read_checkpoint(str(DIGITS)), ARCHITECTURE, CLASSES)
    got = network.state_dict()
    for name, tensor in state().items():
        assert torch.equal(got[name], tensor.to(got[name].dtype)), name
    assert not network.training


def test_counters_may_be_missing(network: Any, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save({name: tensor for name, tensor in state().items() if not name.endswith("num_batches_tracked")}, path)
    load_weights(network, read_checkpoint(str(path)), ARCHITECTURE, CLASSES)


def test_missing_weights(network: Any, tmp_path: Path) -> None:
    weights = state()
    del weights["conv_stem.weight"]
    assert "lacks 1 of the 386 weights of spnasnet_100: conv_stem.weight" in refused(network, tmp_path, weights)


def test_unexpected_weights(network: Any, tmp_path: Path) -> None:
    what = refused(network, tmp_path, state() | {"head.extra": torch.ones(1)})
    assert "does not have: head.extra" in what


def test_weights_of_another_network(network: Any, tmp_path: Path) -> None:
    what = refused(network, tmp_path, {"fc.weight": torch.ones(2, 2)})
    assert "lacks 322 of the 386 weights" in what
    assert "and 319 more" in what


def test_another_number_of_classes(network: Any, tmp_path: Path) -> None:
    weights = state()
    weights["classifier.weight"] = torch.zeros(1000, 1280)
    weights["classifier.bias"] = torch.zeros(1000)
    assert refused(network, tmp_path, weights) == "was trained for 1000 classes, not for 10"


def test_another_shape(network: Any, tmp_path: Path) -> None:
    weights = state()
    weights["conv_stem.weight"] = torch.zeros(32, 1, 3, 3)
    what = refused(network, tmp_path, weights)
    assert what == "conv_stem.weight has the shape (32, 1, 3, 3), and spnasnet_100 needs (32, 3, 3, 3)"


def test_another_type(network: Any, tmp_path: Path) -> None:
    weights = state()
    weights["conv_stem.weight"] = weights["conv_stem.weight"].to(torch.int8)
    assert "torch.int8" in refused(network, tmp_path, weights)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_none(network: Any, tmp_path: Path, value: float) -> None:
    weights = state()
    weights["bn1.bias"][3] = value
    assert "bn1.bias holds 1 numbers that are NaN or infinite, of 32" in refused(network, tmp_path, weights, "damaged")


def test_numbers_beyond_float32(network: Any, tmp_path: Path) -> None:
    weights = state()
    weights["bn1.bias"] = torch.full((32,), 1e300, dtype=torch.float64)
    assert "too large" in refused(network, tmp_path, weights, "damaged")


def test_a_negative_variance(network: Any, tmp_path: Path) -> None:
    weights = state()
    weights["bn1.running_var"][0] = -1
    assert "negative variance" in refused(network, tmp_path, weights, "damaged")


def test_unknown_architecture() -> None:
    with pytest.raises(UserError, match="has no architecture 'spnasnet_10'") as caught:
        build("spnasnet_10", CLASSES, SHAPE)
    assert "spnasnet_100" in caught.value.remedy


@pytest.mark.parametrize("name", ["hf_hub:timm/resnet18", "local-dir:/etc", "../resnet18", "", "spnasnet_100\n"])
def test_names_that_would_leave_timm(name: str) -> None:
    with pytest.raises(UserError, match="has no architecture"):
        build(name, CLASSES, SHAPE)


def test_an_input_that_is_too_small() -> None:
    with pytest.raises(UserError, match="does not take inputs of 3x7x7"):
        build("convnext_atto", CLASSES, (3, 7, 7))


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 48, 96)])
def test_other_input_shapes(shape: tuple[int, int, int]) -> None:
    with torch.inference_mode():
        assert build("resnet10t", 7, shape)(torch.zeros(3, *shape)).shape == (3, 7)


def test_an_architecture_of_fixed_size_takes_the_recipe_s() -> None:
    with torch.inference_mode():
        assert build("vit_tiny_patch16_224", 7, (3, 64, 96))(torch.zeros(3, 3, 64, 96)).shape == (3, 7)
