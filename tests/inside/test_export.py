"""Checkpoint to ONNX: what comes out, that it always comes out the same, and that it computes what PyTorch computes."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from kit.inside import protocol
from kit.inside.protocol import UserError

np: Any = pytest.importorskip("numpy", reason="numpy is in the extra 'runtime'")
onnx: Any = pytest.importorskip("onnx", reason="onnx is in the extra 'exporter'")
torch: Any = pytest.importorskip("torch", reason="torch is in the extra 'exporter'")
pytestmark = pytest.mark.slow
if importlib.util.find_spec("timm") is None:  # not imported here: kit.inside.network knows how
    pytest.skip("timm is in the extra 'exporter'", allow_module_level=True)

from kit.inside.export import main, to_onnx  # noqa: E402 - after the skip
from kit.inside.network import build, create  # noqa: E402
from kit.inside.specification import BATCH, InputSpec, NetworkSpec  # noqa: E402

ROOT = Path(__file__).parents[2]
DIGITS = ROOT / "examples/digits/spnasnet_digits.pth.tar"


def arguments(out: Path, **changes: Any) -> list[str]:
    options: dict[str, Any] = {
        "architecture": "spnasnet_100",
        "classes": 10,
        "inputs": [{"name": "actual_input_1", "shape": [3, 64, 64]}],
        "outputs": ["output1"],
        "weights": DIGITS,
        "opset": 11,
        "out": out,
    } | changes
    words: dict[str, Any] = {name: options.pop(name) for name in ("weights", "opset", "out", "code") if name in options}
    words["network"] = json.dumps(options)
    return [word for name, value in words.items() for word in (f"--{name}", str(value))]


def shaped(shape: Any, name: str = "actual_input_1") -> list[dict[str, Any]]:
    return [{"name": name, "shape": shape}]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("export") / "not" / "there" / "yet"
    main(arguments(out))
    return out


def test_names_and_axes_are_the_recipe_s(made: Path) -> None:
    proto = onnx.load(made / "model.onnx")
    onnx.checker.check_model(proto, full_check=True)
    (source,), (result,) = proto.graph.input, proto.graph.output
    assert (source.name, result.name) == ("actual_input_1", "output1")
    assert [d.dim_param or d.dim_value for d in source.type.tensor_type.shape.dim] == [BATCH, 3, 64, 64]
    assert [d.dim_param or d.dim_value for d in result.type.tensor_type.shape.dim] == [BATCH, 10]
    assert [(one.domain, one.version) for one in proto.opset_import] == [("", 11)]


def test_batch_normalization_is_folded_and_nothing_foreign_is_left(made: Path) -> None:
    proto = onnx.load(made / "model.onnx")
    operators = {node.op_type for node in proto.graph.node}
    assert operators <= {"Conv", "Relu", "Add", "Gemm", "GlobalAveragePool", "Flatten", "Identity"}
    assert all(not node.domain for node in proto.graph.node)


def test_no_trace_of_the_place_where_it_was_made(made: Path) -> None:
    content = (made / "model.onnx").read_bytes()
    for trace in (str(ROOT), str(made), sys.prefix, "site-packages"):
        assert trace.encode() not in content


def test_the_record_says_what_was_made_from_what(made: Path) -> None:
    facts = json.loads((made / "export.json").read_bytes())
    content = (made / "model.onnx").read_bytes()
    weights = DIGITS.read_bytes()
    assert facts["onnx"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert facts["onnx"]["bytes"] == len(content)
    assert facts["onnx"]["input"] == {"name": "actual_input_1", "shape": [BATCH, 3, 64, 64], "dtype": "float32"}
    assert facts["onnx"]["nodes"] == len(onnx.load_from_string(content).graph.node)
    assert facts["weights"]["sha256"] == hashlib.sha256(weights).hexdigest()
    assert facts["weights"]["md5"] == hashlib.md5(weights).hexdigest()
    assert facts["weights"]["key"] == "state_dict"
    assert facts["parameters"] == 3_153_426
    assert facts["versions"]["torch"] == torch.__version__


def test_the_same_bytes_from_another_process_folder_file_name_and_number_of_threads(made: Path, tmp_path: Path) -> None:
    weights = tmp_path / "other.name"
    shutil.copy(DIGITS, weights)
    out = tmp_path / "other folder ü"
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}
    done = subprocess.run(
        [sys.executable, "-m", "inside.export", *arguments(out, weights=weights)],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(ROOT / "kit"), "OMP_NUM_THREADS": "3", "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    for name in ("model.onnx", "export.json"):
        assert (out / name).read_bytes() == (made / name).read_bytes()
    said = [line for line in done.stdout.decode().splitlines() if line.startswith(protocol.MARK)]
    assert json.loads(said[-1].removeprefix(protocol.MARK)) == {"progress": [4, 4], "unit": "steps"}


def test_weights_stored_in_another_way_give_the_same_model(made: Path, tmp_path: Path) -> None:
    state = torch.load(DIGITS, weights_only=True)["state_dict"]
    wide = {f"module.{name}": t.double() if t.is_floating_point() else t for name, t in state.items()}
    torch.save({"model": wide}, tmp_path / "w.pth", _use_new_zipfile_serialization=False)
    main(arguments(tmp_path / "out", weights=tmp_path / "w.pth"))
    assert (tmp_path / "out/model.onnx").read_bytes() == (made / "model.onnx").read_bytes()


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_it_computes_what_pytorch_computes(made: Path, batch: int) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is in the extra 'runtime'")
    session = onnxruntime.InferenceSession(made / "model.onnx", providers=["CPUExecutionProvider"])
    model = build("spnasnet_100", 10, (3, 64, 64))
    state = torch.load(DIGITS, weights_only=True)["state_dict"]
    model.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in state.items()})
    inputs = np.random.default_rng(batch).standard_normal((batch, 3, 64, 64), dtype=np.float32)
    with torch.inference_mode():
        expected = model(torch.from_numpy(inputs)).numpy()
    (got,) = session.run(["output1"], {"actual_input_1": inputs})
    assert np.abs(got - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize(
    ("architecture", "shape", "opset"),
    [("resnet10t", (3, 32, 48), 11), ("resnet10t", (1, 32, 32), 13), ("vit_tiny_patch16_224", (3, 32, 32), 11)],
)
def test_other_networks(architecture: str, shape: tuple[int, int, int], opset: int) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is in the extra 'runtime'")
    torch.manual_seed(1)
    spec = NetworkSpec(architecture=architecture, classes=7, inputs=(InputSpec("in", shape),), outputs=("out",))
    model = create(spec)
    content = to_onnx(model, spec, opset).SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    for batch in (1, 3):
        inputs = np.random.default_rng(0).standard_normal((batch, *shape), dtype=np.float32)
        with torch.inference_mode():
            expected = model(torch.from_numpy(inputs)).numpy()
        (got,) = session.run(["out"], {"in": inputs})
        assert got.shape == (batch, 7)
        assert np.abs(got - expected).max() < 1e-4 * max(1, np.abs(expected).max())


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"opset": 3}, "opset 3"),
        ({"opset": 999}, "opset 999"),
        ({"opset": "new"}, "is not an opset"),
        ({"inputs": shaped([3, 64, 64], "")}, "cannot be the name"),
        ({"inputs": shaped([3, 64, 64], "a b")}, "cannot be the name"),
        ({"inputs": shaped([3, 64, 64], "output1")}, "the same name"),
        ({"classes": 0}, "not a number of classes"),
        ({"classes": 11}, "was trained for 10 classes, not for 11"),
        ({"inputs": shaped([3, -64])}, "is not a shape"),
        ({"inputs": shaped([3, 64])}, "takes images"),
        ({"inputs": shaped([1, 64, 64])}, "conv_stem.weight has the shape"),
        ({"architecture": "spnasnet"}, "has no architecture"),
        ({"architecture": "resnet10t"}, "lacks"),
        ({"weights": "/nowhere"}, "no such weights"),
    ],
)
def test_what_cannot_be_exported_leaves_nothing(tmp_path: Path, changes: dict[str, object], what: str) -> None:
    with pytest.raises(UserError) as caught:
        main(arguments(tmp_path / "out", **changes))
    assert what in caught.value.what
    assert caught.value.remedy
    assert not (tmp_path / "out").exists()


def test_names_that_the_network_uses_itself(tmp_path: Path) -> None:
    """Whatever the names are: a valid model with them, or one sentence; never a broken model."""
    for name in ("conv_stem.weight", "classifier.bias", "onnx::Conv_0"):
        try:
            main(arguments(tmp_path, inputs=shaped([3, 64, 64], name)))
        except UserError:
            continue
        proto = onnx.load(tmp_path / "model.onnx")
        onnx.checker.check_model(proto, full_check=True)
        assert proto.graph.input[0].name == name


def test_help_needs_no_torch() -> None:
    code = "import sys; sys.modules['torch'] = None; from inside.export import main; main(['--help'])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT / "kit")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "--network" in done.stdout
