"""An ONNX file of the user is taken over, or refused in one sentence."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from kit.inside.protocol import UserError

np: Any = pytest.importorskip("numpy", reason="numpy is in the extra 'runtime'")
onnx: Any = pytest.importorskip("onnx", reason="onnx is in the extra 'exporter'")
torch: Any = pytest.importorskip("torch", reason="torch is in the extra 'exporter'")
onnxruntime: Any = pytest.importorskip("onnxruntime", reason="onnxruntime is in the extra 'runtime'")
pytestmark = pytest.mark.slow
if importlib.util.find_spec("timm") is None:
    pytest.skip("timm is in the extra 'exporter'", allow_module_level=True)

from kit.inside import adopt  # noqa: E402 - after the skip
from kit.inside.network import open_network  # noqa: E402
from kit.inside.specification import NetworkSpec  # noqa: E402


def model_file(path: Path, *, external: bool = False, batch: int | str = "n", outputs: int = 2) -> Path:
    helper = onnx.helper
    weight = np.random.default_rng(0).standard_normal((48, 4)).astype(np.float32)
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "w"], ["y"]),
        helper.make_node("Relu", ["y"], ["z"]),
    ]
    values = [helper.make_tensor_value_info(name, 1, [batch, 4]) for name in ("y", "z")]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", 1, [batch, 3, 4, 4])],
        values[:outputs],
        [onnx.numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, path, save_as_external_data=external, location="w.data" if external else None, size_threshold=0)
    return path


ONNX = {"source": "onnx", "classes": 4, "inputs": [{"name": "x", "shape": [3, 4, 4]}], "outputs": ["z"]}


def adopted(path: Path, out: Path, **changes: Any) -> dict[str, Any]:
    adopt.main(["--model", str(path), "--network", json.dumps({**ONNX, **changes}), "--out", str(out)])
    facts: dict[str, Any] = json.loads((out / "export.json").read_bytes())
    return facts


def test_an_onnx_file_is_taken_over_with_its_external_data(tmp_path: Path) -> None:
    facts = adopted(model_file(tmp_path / "m.onnx", external=True), tmp_path / "out")
    assert facts["external_data"] == ["w.data"]
    assert [one["name"] for one in facts["onnx"]["outputs"]] == ["z"]
    (tmp_path / "w.data").unlink()
    session = onnxruntime.InferenceSession(tmp_path / "out/model.onnx", providers=["CPUExecutionProvider"])
    assert session.run(None, {"x": np.zeros((3, 3, 4, 4), np.float32)})[0].shape == (3, 4)
    with pytest.raises(UserError, match=r"keeps weights in w\.data, which is not next to it"):
        adopted(tmp_path / "m.onnx", tmp_path / "out")


def test_an_onnx_file_that_fits_keeps_its_bytes(tmp_path: Path) -> None:
    path = model_file(tmp_path / "m.onnx", outputs=1)
    adopted(path, tmp_path / "out", outputs=["y"])
    assert (tmp_path / "out/model.onnx").read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"inputs": [{"name": "images", "shape": [3, 4, 4]}]}, "has the input x, the recipe says images"),
        ({"inputs": [{"name": "x", "shape": [3, 5, 5]}]}, "has the shape ? x 3 x 4 x 4, the recipe says batch x 3 x 5"),
        ({"inputs": [{"name": "x", "shape": [3, 4, 4], "dtype": "uint8"}]}, "takes float32, the recipe says uint8"),
        ({"inputs": [{"name": "x", "shape": [3, 4, 4], "batch": 2}]}, "is dynamic, the recipe says 2"),
        ({"outputs": ["scores"]}, "has no output 'scores'; it has y, z"),
    ],
)
def test_an_onnx_file_of_another_form(tmp_path: Path, changes: dict[str, Any], what: str) -> None:
    with pytest.raises(UserError) as caught:
        adopted(model_file(tmp_path / "m.onnx"), tmp_path / "out", **changes)
    assert what in caught.value.what


def test_the_batch_may_be_another_axis_than_the_first(tmp_path: Path) -> None:
    """T x N x C, as text recognisers give it; a result that has the batch in no axis is refused."""
    for kept in ([3, -1, 16], [3, 4, -1]):
        graph = onnx.helper.make_graph(
            [
                onnx.helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2, 3]),
                onnx.helper.make_node("Reshape", ["t", "shape"], ["z"]),
            ],
            "g",
            [onnx.helper.make_tensor_value_info("x", 1, ["n", 3, 4, 4])],
            [onnx.helper.make_tensor_value_info("z", 1, [None] * len(kept))],
            [onnx.numpy_helper.from_array(np.array(kept), "shape")],
        )
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
        onnx.save(model, tmp_path / "m.onnx")
        if kept[1] == -1:
            assert adopted(tmp_path / "m.onnx", tmp_path / "out", scores=False)["onnx"]["outputs"]
            with pytest.raises(UserError, match="and classification needs a score per class"):
                adopted(tmp_path / "m.onnx", tmp_path / "refused")
        else:
            with pytest.raises(UserError, match="gives 3 results for a batch of 1"):
                adopted(tmp_path / "m.onnx", tmp_path / "refused")


def test_an_input_may_be_one_number_for_each_sample(tmp_path: Path) -> None:
    """The lengths of a speech model."""
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["lengths"], ["z"])],
        "g",
        [onnx.helper.make_tensor_value_info("lengths", onnx.TensorProto.INT32, ["n"])],
        [onnx.helper.make_tensor_value_info("z", onnx.TensorProto.INT32, ["n"])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "m.onnx")
    lengths = [{"name": "lengths", "shape": [], "dtype": "int32"}]
    facts = adopted(tmp_path / "m.onnx", tmp_path / "out", inputs=lengths, scores=False)
    assert [one["name"] for one in facts["onnx"]["outputs"]] == ["z"]


def test_another_number_of_scores_than_classes_is_told_whatever_the_file_declares(tmp_path: Path) -> None:
    path = model_file(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.graph.output[1].type.tensor_type.shape.dim[1].dim_value = 1000
    onnx.save(model, path)
    with pytest.raises(
        UserError, match=r"output z is float32 \(1, 4\) for a batch of 1, and the recipe says 1000"
    ) as caught:
        adopted(path, tmp_path / "out", classes=1000)
    assert caught.value.remedy.startswith("Write model -> classes: 4 in the recipe")
    assert adopted(path, tmp_path / "out")["classes"] == 4


def test_a_fixed_batch_is_told(tmp_path: Path) -> None:
    path = model_file(tmp_path / "m.onnx", batch=3)
    with pytest.raises(UserError, match="takes a batch of 3 only"):
        adopted(path, tmp_path / "out")
    adopted(path, tmp_path / "out", inputs=[{"name": "x", "shape": [3, 4, 4], "batch": 3}])


def test_damage_and_foreign_files(tmp_path: Path) -> None:
    path = model_file(tmp_path / "m.onnx")
    whole = path.read_bytes()
    for content, what in (
        (whole[: len(whole) // 2], "is not an ONNX model"),
        (b"<html>not found</html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer"),
        (b"PK\x03\x04" + bytes(40), "is a checkpoint of PyTorch"),
        (whole.replace(b"MatMul", b"MatMux"), "is not valid ONNX"),
    ):
        path.write_bytes(content)
        with pytest.raises(UserError) as caught:
            adopted(path, tmp_path / "out")
        assert what in caught.value.what
    with pytest.raises(UserError, match="is an ONNX model, not a checkpoint") as caught:
        open_network(NetworkSpec(architecture="resnet10t"), str(model_file(path)))
    assert "source: onnx" in caught.value.remedy
