"""Where a network comes from: torchvision, the user's own code, an ONNX file; and how names of weights are matched."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
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

from kit.inside import export, parity  # noqa: E402 - after the skip
from kit.inside.checkpoint import read_checkpoint  # noqa: E402
from kit.inside.network import create, open_network  # noqa: E402
from kit.inside.specification import InputSpec, NetworkSpec, parse_network  # noqa: E402
from kit.inside.transfer import load_weights  # noqa: E402

TINY = """
import torch
from torch import nn

class Tiny(nn.Module):
    def __init__(self, classes=4, width=8):
        super().__init__()
        self.body = nn.Conv2d(3, width, 3, stride=2)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.body(x).relu().mean((2, 3))
        return self.head(x)

class Two(Tiny):
    def forward(self, x):
        features = self.body(x).relu()
        return {"scores": self.head(features.mean((2, 3))), "map": features}

class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(50, 6)

    def forward(self, ids, mask):
        return (self.table(ids) * mask.unsqueeze(-1)).sum(1)

def build(**arguments):
    return Tiny(**arguments)
"""


@pytest.fixture(autouse=True)
def _clean_modules() -> Iterator[None]:
    path = list(sys.path)
    yield
    for name in [name for name in sys.modules if name.split(".")[0] in {"my_model", "parts", "net"}]:
        del sys.modules[name]
    sys.path[:] = path


def own(**changes: Any) -> NetworkSpec:
    options = {"source": "code", "build": "my_model.py:build", "classes": 4, "inputs": (InputSpec("x", (3, 16, 16)),)}
    return NetworkSpec(**{**options, "outputs": ("y",), **changes})


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "my_model.py"
    path.write_text(TINY)
    return path


def saved(path: Path, content: Any) -> str:
    torch.save(content, path)
    return str(path)


def tiny_state(code: Path, build: str = "my_model.py:build") -> dict[str, Any]:
    torch.manual_seed(0)
    state: dict[str, Any] = create(own(build=build), str(code)).state_dict()
    return state


def run_both(tmp_path: Path, spec: dict[str, Any], weights: str, code: Path | None, *more: str) -> dict[str, Any]:
    """Export and parity as the steps do; returns export.json."""
    words = ["--network", json.dumps(spec), "--weights", weights, "--out", str(tmp_path / "out")]
    words += ["--code", str(code)] if code else []
    export.main([*words, "--opset", "11"])
    parity.main([*words, "--onnx", str(tmp_path / "out/model.onnx"), "--random", "--samples", "3", *more])
    facts: dict[str, Any] = json.loads((tmp_path / "out/export.json").read_bytes())
    return facts


def test_a_file_of_the_user(tmp_path: Path, code: Path) -> None:
    spec = {"source": "code", "build": "my_model.py:build", "create": {"width": 5}, "classes": 4}
    spec |= {"inputs": [{"name": "x", "shape": [3, 16, 16]}], "outputs": ["y"]}
    state = create(own(create={"width": 5}), str(code)).state_dict()
    facts = run_both(tmp_path, spec, saved(tmp_path / "w.pth", state), code)
    assert facts["architecture"] == "my_model.py:build"
    assert json.loads((tmp_path / "out/parity.json").read_bytes())["passed"]


@pytest.mark.parametrize("build", ["net:make", "net.deep:make", "src/my_model.py:build"])
def test_a_package_and_a_file_in_a_folder(tmp_path: Path, build: str) -> None:
    folder = tmp_path / build.split(":", maxsplit=1)[0].split("/", maxsplit=1)[0].split(".", maxsplit=1)[0]
    folder.mkdir()
    (folder / "parts.py").write_text(TINY)
    (folder / "my_model.py").write_text("from parts import build\n")
    (folder / "deep.py").write_text("from .parts import build as make\n")
    (folder / "__init__.py").write_text("from .deep import make\n")
    elsewhere = folder.rename(tmp_path / "code")  # in a container the folder has another name
    assert create(own(build=build), str(elsewhere)).head.out_features == 4


def test_a_result_is_chosen_by_its_key(tmp_path: Path, code: Path) -> None:
    state = saved(tmp_path / "w.pth", tiny_state(code))
    spec = {"source": "code", "build": "my_model.py:Two", "scores": False, "outputs": ["y"]}
    spec |= {"inputs": [{"name": "x", "shape": [3, 16, 16]}]}
    with pytest.raises(UserError, match="has 2 outputs, and the recipe names 1"):
        run_both(tmp_path, spec, state, code)
    run_both(tmp_path, spec | {"returns": "map"}, state, code)
    (output,) = onnx.load(tmp_path / "out/model.onnx").graph.output
    assert [dim.dim_value for dim in output.type.tensor_type.shape.dim][1] == 8
    run_both(tmp_path, spec | {"outputs": ["scores", "map"]}, state, code)
    with pytest.raises(UserError, match="has no result 'boxes': it has scores, map"):
        run_both(tmp_path, spec | {"returns": "boxes"}, state, code)


def test_wrappers_are_taken_off_and_a_result_is_chosen_by_its_attribute(tmp_path: Path, code: Path) -> None:
    code.write_text(
        f"{TINY}\nfrom types import SimpleNamespace\n\nclass Named(Tiny):\n    def forward(self, x):\n"
        "        return SimpleNamespace(logits=super().forward(x), hidden=x)\n\n\n"
        "def wrapped():\n    return nn.DataParallel(Named())\n"
    )
    assert type(create(own(build="my_model.py:wrapped", returns="logits"), str(code))).__name__ == "Named"
    with pytest.raises(UserError, match="has no result 'boxes'"):
        create(own(build="my_model.py:wrapped", returns="boxes"), str(code))


def test_a_checkpoint_of_halves_may_have_counters_of_halves(tmp_path: Path) -> None:
    norm = torch.nn.Sequential(torch.nn.BatchNorm1d(3))
    halves = {name: one.half() for name, one in norm.state_dict().items()}
    assert load_weights(norm, read_checkpoint(saved(tmp_path / "w.pth", halves)), "norm", 3).by == "name"


def test_several_inputs_of_whole_numbers_a_fixed_batch_and_a_dynamic_axis(tmp_path: Path, code: Path) -> None:
    inputs = [
        {"name": "ids", "shape": [7], "dtype": "int64", "batch": 2, "axes": {1: "length"}},
        {"name": "mask", "shape": [7], "batch": 2, "axes": {1: "length"}},
    ]
    spec = {"source": "code", "build": "my_model.py:Words", "classes": 6, "inputs": inputs, "outputs": ["sum"]}
    ids, mask = parse_network(json.dumps(spec)).inputs
    state = create(own(build="my_model.py:Words", inputs=(ids, mask), classes=6), str(code)).state_dict()
    facts = run_both(tmp_path, spec, saved(tmp_path / "w.pth", state), code)
    assert facts["onnx"]["inputs"][0] == {"name": "ids", "shape": [2, "length"], "dtype": "int64"}


def test_channels_last(tmp_path: Path, code: Path) -> None:
    spec = {"source": "code", "build": "my_model.py:build", "classes": 4, "outputs": ["y"]}
    spec |= {"inputs": [{"name": "x", "shape": [16, 20, 3], "layout": "NHWC"}]}
    facts = run_both(tmp_path, spec, saved(tmp_path / "w.pth", tiny_state(code)), code)
    assert facts["onnx"]["input"]["shape"] == ["batch", 16, 20, 3]


@pytest.mark.parametrize(
    ("text", "build", "what", "kind"),
    [
        ("import nowhere_to_be_found\n", "build", "imports 'nowhere_to_be_found', which is not there", "missing"),
        (
            "import torch\n\ndef build():\n    return torch.nn.Linear(5, 4)\n",
            "build",
            "computes inputs of 3x16x16",
            "invalid",
        ),
        (
            "from torch import nn\n\nclass A(nn.Module):\n    def forward(self, x):\n        return self.nothing(x)\n",
            "A",
            "fails while it computes inputs of 3x16x16: AttributeError",
            "invalid",
        ),
        ("from .parts import build\n", "build", "fails while it is imported: ImportError", "invalid"),
        (
            "def build():\n    return 1 / 0\n",
            "build",
            "fails while it builds the network: ZeroDivisionError",
            "invalid",
        ),
        ("def build(:\n", "build", "fails while it is imported: SyntaxError", "invalid"),
        ("def build():\n    return 5\n", "build", "gives a int, not a torch.nn.Module", "invalid"),
        (
            "from torch import nn\n\ndef build():\n    return nn.Sequential(nn.Flatten(), nn.Linear(768, 9))\n",
            "build",
            "output y is float32 (2, 9) for a batch of 2, and the recipe says 4 classes",
            "invalid",
        ),
        ("def other():\n    pass\n", "build", "has no function 'build'; it has other", "invalid"),
        ("import sys\nsys.exit(0)\n", "build", "fails while it is imported: SystemExit", "invalid"),
        (
            "import urllib.request\n\ndef build():\n    urllib.request.urlopen('http://a.invalid/w.pth')\n",
            "build",
            "needs a network while it builds the network",
            "invalid",
        ),
    ],
)
def test_own_code_that_fails_is_one_sentence(tmp_path: Path, text: str, build: str, what: str, kind: str) -> None:
    path = tmp_path / "my_model.py"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        create(own(build=f"my_model.py:{build}"), str(path))
    assert what in caught.value.what
    assert caught.value.kind == kind
    assert caught.value.remedy
    assert "my_model.py" in (caught.value.where or "my_model.py")


def test_another_network_than_the_checkpoint_s(tmp_path: Path, code: Path) -> None:
    weights = saved(
        tmp_path / "w.pth", {f"net.{name}": one for name, one in tiny_state(code).items()} | {"n": torch.ones(1)}
    )
    with pytest.raises(UserError) as caught:
        open_network(own(), weights, str(code))
    assert "lacks 4 of the 4 weights" in caught.value.what
    assert "it has net.body.weight, net.body.bias, net.head.weight and 2 more instead" in caught.value.what
    assert caught.value.remedy == "Write weights -> prefix: net. in the recipe."
    _, _, transfer = open_network(own(prefix="net."), weights, str(code))
    assert transfer.by == "name"


def test_weights_are_matched_by_order_where_all_shapes_agree(tmp_path: Path, code: Path) -> None:
    state = tiny_state(code)
    renamed = {f"stage.{number}": one for number, one in enumerate(state.values())}
    model, _, transfer = open_network(own(), saved(tmp_path / "w.pth", renamed), str(code))
    assert transfer.by == "order"
    assert transfer.renamed[0] == ("stage.0", "body.weight")
    for name, tensor in state.items():
        assert torch.equal(model.state_dict()[name], tensor)
    swapped = {"stage.1": renamed["stage.1"], "stage.0": renamed["stage.0"], **renamed}
    with pytest.raises(UserError, match="lacks 4 of the 4 weights"):
        open_network(own(), saved(tmp_path / "w.pth", swapped), str(code))


def test_counters_of_another_name_are_matched_by_order_too(tmp_path: Path) -> None:
    norm = torch.nn.BatchNorm1d(3)
    renamed = {f"p{number}": one for number, one in enumerate(norm.state_dict().values())}
    checkpoint = read_checkpoint(saved(tmp_path / "w.pth", renamed))
    assert load_weights(torch.nn.BatchNorm1d(3), checkpoint, "norm", 3).by == "order"


def test_two_sets_of_weights_are_told(tmp_path: Path, code: Path) -> None:
    state = tiny_state(code)
    average = {name: one + 1 for name, one in state.items()}
    weights = saved(tmp_path / "w.pth", {"state_dict": state, "state_dict_ema": average, "best": np.float64(0.7)})
    with pytest.raises(UserError, match="holds several sets of weights: state_dict, state_dict_ema"):
        open_network(own(), weights, str(code))
    model, _, _ = open_network(own(set="state_dict_ema"), weights, str(code))
    assert torch.equal(model.head.bias, average["head.bias"])
    with pytest.raises(UserError, match="has no set of weights 'ema'"):
        open_network(own(set="ema"), weights, str(code))


def test_numpy_values_beside_the_weights_are_read_and_never_used(tmp_path: Path, code: Path) -> None:
    extra = {"best": np.float64(71.2), "epoch": np.int64(3), "history": np.arange(3.0), "ok": np.bool_(True)}
    weights = saved(tmp_path / "w.pth", {"model": tiny_state(code), **extra})
    assert open_network(own(), weights, str(code))[1].key == "model"
    bare = saved(tmp_path / "v.pth", {"model": {"w": np.ones(3)}})
    with pytest.raises(UserError, match="holds a NumPy value at model"):
        open_network(own(), bare, str(code))


def test_a_checkpoint_in_shards(tmp_path: Path, code: Path) -> None:
    from safetensors.torch import save_file

    state = tiny_state(code)
    names = list(state)
    save_file({name: state[name] for name in names[:2]}, tmp_path / "a.safetensors")
    save_file({name: state[name] for name in names[2:]}, tmp_path / "b.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    where = {name: "a.safetensors" if name in names[:2] else "b.safetensors" for name in names}
    index.write_text(json.dumps({"metadata": {}, "weight_map": where}))
    model, _, _ = open_network(own(), str(index), str(code))
    assert torch.equal(model.head.weight, state["head.weight"])
    (tmp_path / "b.safetensors").unlink()
    with pytest.raises(UserError, match=r"names the shard b\.safetensors, which is not next to it"):
        open_network(own(), str(index), str(code))
    index.write_text(json.dumps({"weight_map": {"w": "../secret"}}))
    with pytest.raises(UserError, match="refers to a file outside its folder"):
        open_network(own(), str(index), str(code))


def test_weights_of_eight_bits_are_refused(tmp_path: Path, code: Path) -> None:
    state = {name: one.to(torch.float8_e4m3fn) for name, one in tiny_state(code).items()}
    with pytest.raises(UserError, match="is stored as float8_e4m3fn"):
        open_network(own(), saved(tmp_path / "w.pth", state), str(code))


def test_torchvision(tmp_path: Path) -> None:
    spec = {"source": "torchvision", "architecture": "squeezenet1_1", "classes": 5, "outputs": ["y"]}
    spec |= {"inputs": [{"name": "x", "shape": [3, 64, 64]}]}
    state = create(parse_network(json.dumps(spec))).state_dict()
    assert run_both(tmp_path, spec, saved(tmp_path / "w.pth", state), None)["source"] == "torchvision"
    with pytest.raises(UserError, match="torchvision .* has no model 'squeezenet'") as caught:
        create(NetworkSpec(source="torchvision", architecture="squeezenet"))
    assert "squeezenet1" in caught.value.remedy


def test_branches_are_fused(tmp_path: Path) -> None:
    spec = {
        "architecture": "repvgg_a0",
        "classes": 5,
        "inputs": [{"name": "x", "shape": [3, 32, 32]}],
        "outputs": ["y"],
    }
    weights = saved(tmp_path / "w.pth", create(parse_network(json.dumps(spec))).state_dict())
    plain = run_both(tmp_path, spec, weights, None)["onnx"]["nodes"]
    fused = run_both(tmp_path, spec | {"reparameterize": True}, weights, None)["onnx"]["nodes"]
    assert fused < plain / 2
    with pytest.raises(UserError, match="has no branches that could be fused"):
        open_network(NetworkSpec(architecture="resnet10t", classes=1000, reparameterize=True), resnet(tmp_path))


def resnet(tmp_path: Path) -> str:
    return saved(tmp_path / "r.pth", create(NetworkSpec(architecture="resnet10t")).state_dict())


def test_an_opset_that_works_is_found(tmp_path: Path) -> None:
    (tmp_path / "my_model.py").write_text(
        "from torch import nn\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.fc = nn.Linear(4, 4)\n\n    def forward(self, x):\n"
        "        x = self.fc(x)\n"
        "        return nn.functional.grid_sample(x, x[..., :2].permute(0, 2, 3, 1)[..., :2], align_corners=False)\n"
        "\n\ndef build():\n    return Net()\n"
    )
    code = tmp_path / "my_model.py"
    spec = own(inputs=(InputSpec("x", (2, 4, 4)),), scores=False)
    model = create(spec, str(code))
    with pytest.raises(UserError, match="cannot be exported with opset 11"):
        export.export_network(model, spec, 11)
    assert export.export_network(model, spec, None).opset_import[0].version == 16


def test_weight_only_subgraphs_are_computed_once(tmp_path: Path) -> None:
    spec = {
        "architecture": "eca_nfnet_l0",
        "classes": 3,
        "inputs": [{"name": "x", "shape": [3, 64, 64]}],
        "outputs": ["y"],
    }
    state = create(parse_network(json.dumps(spec))).state_dict()
    weights = saved(tmp_path / "w.pth", state)
    facts = run_both(tmp_path, spec, weights, None)
    assert facts["onnx"]["bytes"] < 1.1 * sum(one.numel() * 4 for one in state.values())
    assert "BatchNormalization" not in facts["onnx"]["operators"]
