"""``kit init``: what it writes is a recipe, says what is missing, and runs."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from kit.data.weights import check_weights
from kit.errors import InvalidInputError, MissingError
from kit.planning.task import task_of
from kit.recipe.schema import Weights, load_recipe
from kit.storage.digests import digest_file

onnx: Any = pytest.importorskip("onnx", reason="onnx is in the extra 'exporter'")
needs_timm = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is in the extra 'exporter'")


def model(path: Path, shape: list[int | str], outputs: list[list[int | str]], element: int = 1) -> Path:
    helper = onnx.helper
    names = [f"out{number}" for number in range(len(outputs))]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["images"], [name]) for name in names],
        "g",
        [helper.make_tensor_value_info("images", element, shape)],
        [helper.make_tensor_value_info(name, element, one) for name, one in zip(names, outputs, strict=True)],
    )
    onnx.save(helper.make_model(graph), path)
    return path


def images(folder: Path, names: list[str]) -> Path:
    for name in names:
        path = folder / "val" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder / "val"


def test_an_onnx_file_tells_names_shapes_and_types(tmp_path: Path, kit: Any) -> None:
    model(tmp_path / "net.onnx", ["n", 3, 64, 96], [["n", 10], ["n", 5]])
    images(tmp_path, ["a.jpg", "b.jpg", "._a.jpg"])
    (tmp_path / "labels.csv").write_text("image,label\na,1\nb,10\n")
    done = kit(tmp_path, "init", "net.onnx", "--images", "val", "--labels", "labels.csv")
    assert done.returncode == 0, done.stderr
    recipe = load_recipe(tmp_path)
    assert recipe.model.source == "onnx"
    assert (recipe.model.classes, recipe.input.name, recipe.input.shape) == (10, "images", (3, 64, 96))
    assert recipe.output == "out0"
    assert (recipe.dataset.count, recipe.dataset.first_label) == (2, 1)
    assert recipe.weights.sha256
    assert "preprocess: color, resize" in done.stdout
    assert "of out0, out1" in (tmp_path / "kit.yaml").read_text()
    again = kit(tmp_path, "init", "net.onnx")
    assert again.returncode == 3
    assert "there is a recipe already" in again.stderr


@pytest.mark.parametrize(
    ("labels", "code", "said"),
    [
        ("a,1\nb,12\nc,11\n", 3, "2 of 3 labels are not in 0..9, the highest is 12: b, c"),
        ("x,1\ny,2\nz,0\nw,0\n", 3, "3 of 3 images have no label: a.jpg, b.jpg, c.jpg"),
        ("a,1\nb,2\nb,3\nc,3\n", 3, "'b' has a label already"),
        ("a,1\nb,-1\nc,-1\n", 3, "2 of 3 labels are below the first, 0: 'b' has -1 in line 2, 'c' has -1 in line 3"),
        ("a,0\nb,9\nc,1\n", 0, ""),
    ],
)
def test_labels_that_do_not_fit_are_told_at_once(tmp_path: Path, kit: Any, labels: str, code: int, said: str) -> None:
    model(tmp_path / "net.onnx", ["n", 3, 64, 96], [["n", 10]])
    images(tmp_path, ["a.jpg", "b.jpg", "c.jpg"])
    (tmp_path / "labels.csv").write_text(labels)
    done = kit(tmp_path, "init", "net.onnx", "--images", "val", "--labels", "labels.csv")
    assert (done.returncode, (tmp_path / "kit.yaml").exists()) == (code, code == 0), done.stderr
    assert said in done.stderr


def test_external_data_that_is_not_there_is_told_at_once(tmp_path: Path, kit: Any) -> None:
    path = model(tmp_path / "net.onnx", ["n", 3, 64, 96], [["n", 10]])
    tree = onnx.load(path)
    tree.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(300, np.float32), "w"))
    onnx.save(tree, path, save_as_external_data=True, location="w.data", size_threshold=0)
    assert kit(tmp_path, "init", "net.onnx").returncode == 0
    (tmp_path / "w.data").unlink()
    done = kit(tmp_path, "init", "net.onnx", "--force")
    assert done.returncode == 4
    assert "net.onnx: keeps weights in w.data, which is not next to it" in done.stderr
    with pytest.raises(MissingError, match=r"keeps weights in w\.data"):
        check_weights(path, Weights(path="net.onnx", sha256=digest_file(path).sha256))


def test_annotations_and_masks_choose_the_task(tmp_path: Path, kit: Any) -> None:
    model(tmp_path / "net.onnx", ["n", 3, 64, 96], [["n", 6, 126]])
    images(tmp_path, ["a.jpg"])
    (tmp_path / "ann.json").write_text(
        json.dumps({"categories": [{"id": 1}, {"id": 4}], "images": [{"file_name": "a.jpg"}]})
    )
    done = kit(tmp_path, "init", "net.onnx", "--images", "val", "--labels", "ann.json")
    assert done.returncode == 0, done.stderr
    recipe = load_recipe(tmp_path)
    task_of(recipe).check(recipe)
    assert (recipe.model.classes, recipe.dataset.labels) == (2, "ann.json")
    assert "task -> detection: outputs, objectness and boxes are a guess" in done.stdout
    task_of(recipe).check_data(recipe, tmp_path / "val", tmp_path / "ann.json")
    others = [{"file_name": f"{name}.jpg"} for name in "axyzw"]
    (tmp_path / "ann.json").write_text(json.dumps({"categories": [{"id": 1}], "images": others}))
    with pytest.raises(
        InvalidInputError, match="4 of 5 images of the annotations are not in .*: w.jpg, x.jpg, y.jpg and 1"
    ):
        task_of(recipe).check_data(recipe, tmp_path / "val", tmp_path / "ann.json")
    (tmp_path / "ann.json").write_text("{}")
    wrong = kit(tmp_path, "init", "net.onnx", "--images", "val", "--labels", "ann.json", "--force")
    assert wrong.returncode == 3
    assert "ann.json: the annotations are not in COCO's form" in wrong.stderr
    model(tmp_path / "seg.onnx", ["n", 3, 64, 96], [["n", 5, 16, 24]])
    (tmp_path / "masks").mkdir()
    done = kit(tmp_path, "init", "seg.onnx", "--images", "val", "--labels", "masks", "--force")
    assert done.returncode == 0, done.stderr
    recipe = load_recipe(tmp_path)
    task_of(recipe).check(recipe)
    assert (recipe.model.classes, recipe.task) == (5, {"segmentation": {"ignore": 255}})


def test_an_onnx_file_of_bytes_channels_last_and_a_fixed_batch(tmp_path: Path, kit: Any) -> None:
    model(tmp_path / "net.onnx", [4, 32, 32, 3], [[4, 7]], element=2)
    images(tmp_path, ["cat/a.jpg", "dog/a.jpg"])
    assert kit(tmp_path, "init", "net.onnx", "--images", "val").returncode == 0
    recipe = load_recipe(tmp_path)
    assert (recipe.input.layout, recipe.input.dtype, recipe.input.batch) == ("NHWC", "uint8", 4)
    assert recipe.batches == (4,)
    assert (recipe.dataset.layout, recipe.dataset.labels, recipe.dataset.count) == ("folders", None, 2)


def test_own_code(tmp_path: Path, kit: Any) -> None:
    (tmp_path / "my_model.py").write_text("def build():\n    pass\n")
    (tmp_path / "w.pth").write_bytes(b"not looked at where PyTorch is not installed")
    images(tmp_path, ["a.jpg"])
    (tmp_path / "labels.txt").write_text("a.jpg 0\n")
    words = ["--code", "my_model.py:build", "--shape", "1,28,28", "--classes", "10"]
    words += ["--images", "val", "--labels", "labels.txt"]
    done = kit(tmp_path, "init", *words)
    assert done.returncode == 0, done.stderr
    assert "weights: the checkpoint and its digest" in done.stdout
    tree = yaml.safe_load((tmp_path / "kit.yaml").read_text())
    assert tree["model"] == {"name": "my_model", "source": "code", "build": "my_model.py:build", "classes": 10}
    assert tree["preprocess"]["color"] == "GRAY"
    assert kit(tmp_path, "init", "--code", "other.py:build", "--out", "x").returncode == 4
    assert kit(tmp_path, "init", "--code", "my_model.py").returncode == 3


@needs_timm
@pytest.mark.slow
def test_timm_tells_both_sizes(tmp_path: Path, kit: Any) -> None:
    shutil.copy(Path(__file__).parents[2] / "examples/digits/spnasnet_digits.pth.tar", tmp_path / "w.pth")
    images(tmp_path, ["a.jpg"])
    (tmp_path / "labels.txt").write_text("a.jpg 0\n")
    words = ["--weights", "w.pth", "--images", "val", "--labels", "labels.txt"]
    done = kit(tmp_path, "init", "timm/resnet50.a1_in1k", *words)
    assert done.returncode == 0, done.stderr
    assert "[3, 288, 288], crop_pct 1.0" in done.stdout
    assert "still to be said" not in done.stdout
    recipe = load_recipe(tmp_path)
    assert recipe.preprocess
    assert (recipe.preprocess.resize, recipe.preprocess.interpolation) == (235, "bicubic")
    assert kit(tmp_path, "init", "timm/resnet50.a1_in1k", "--size", "test", "--force", *words).returncode == 0
    recipe = load_recipe(tmp_path)
    assert recipe.preprocess
    assert (recipe.preprocess.resize, recipe.input.shape) == (288, (3, 288, 288))
    wrong = kit(tmp_path, "init", "timm/resnet5", "--out", "x")
    assert wrong.returncode == 3
    assert "timm" in wrong.stderr
    assert "Did you mean" in wrong.stderr


@needs_timm
@pytest.mark.slow
def test_torchvision(tmp_path: Path, kit: Any) -> None:
    assert kit(tmp_path, "init", "torchvision/resnet50").returncode == 0
    tree = yaml.safe_load((tmp_path / "kit.yaml").read_text())
    assert tree["model"]["source"] == "torchvision"
    assert (tree["preprocess"]["resize"], tree["preprocess"]["interpolation"]) == (232, "bilinear")


def test_an_example_is_copied(tmp_path: Path, kit: Any) -> None:
    done = kit(tmp_path, "init", "--example", "digits")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "digits/val").iterdir())) == load_recipe(tmp_path / "digits").dataset.count
    assert kit(tmp_path, "init", "--example", "digits").returncode == 3
    unknown = kit(tmp_path, "init", "--example", "letters")
    assert unknown.returncode == 4
    assert "digits" in unknown.stderr


def test_half_an_example_does_not_stay_in_the_way(tmp_path: Path, kit: Any) -> None:
    command = f'ulimit -f 20; exec "{sys.executable}" -m kit init --example digits'
    failed = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (failed.returncode, failed.stderr.splitlines()[0]) == (
        10, "error: digits: a file may not become so large here"
    )  # fmt: skip
    assert list(tmp_path.iterdir()) == []
    assert kit(tmp_path, "init", "--example", "digits").returncode == 0


def test_an_example_on_images_of_another_brings_them_and_says_what_is_not_bundled(tmp_path: Path, kit: Any) -> None:
    done = kit(tmp_path, "init", "--example", "digits_text")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "digits" / "val").is_dir()
    assert "first: put ch_PP-OCRv4_rec_infer.onnx there, as digits_text/README.md says" in done.stdout
    (tmp_path / "digits_text" / "ch_PP-OCRv4_rec_infer.onnx").touch()
    again = kit(tmp_path, "init", "--example", "digits_text", "--force")
    assert again.returncode == 0 and "first:" not in again.stdout


def test_scripts_on_a_model_of_open_sizes_ask_for_them(tmp_path: Path, kit: Any) -> None:
    (tmp_path / "net").mkdir()
    model(tmp_path / "net" / "net.onnx", ["n", 3, "h", "w"], [["n", 10]])
    for name, text in (("pre", "open(sys.argv[2])"), ("post", "print('accuracy:', 0.5)")):
        (tmp_path / "net" / f"net_{name}process.py").write_text(f"import sys\n{text}\n")
    assert "inputs -> shape: [3, 224, 224] is a guess" in kit(tmp_path, "init", "--script", "net", "-o", "o").stdout
    (tmp_path / "net" / "README.md").write_text(
        "```\npython3 net_preprocess.py data prep\n"
        "python3 -m ais_bench --model n.om --input prep --output ./ --output_dirname r --outfmt NPY\n"
        "python3 net_postprocess.py r\n```\n"
    )
    told = kit(tmp_path, "init", "--script", "net", "-o", "p").stdout
    assert "task -> script -> shapes: each file's own is taken" in told
    assert "is a guess, the graph leaves" not in told


def test_an_example_goes_through_no_link_and_honours_the_umask(tmp_path: Path, kit: Any) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "digits").mkdir()
    (tmp_path / "digits/kit.yaml").symlink_to(tmp_path / "mine")
    done = kit(tmp_path, "init", "--example", "digits", "--force")
    assert (done.returncode, (tmp_path / "mine").read_text()) == (3, "mine")
    (tmp_path / "digits/kit.yaml").unlink()
    before = os.umask(0o077)
    try:
        assert kit(tmp_path, "init", "--example", "digits", "--force", "--out", "new").returncode == 0
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "new").rglob("*")} == {0}


def test_a_folder_of_scripts(tmp_path: Path, kit: Any) -> None:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "net_preprocess.py").write_text(
        "parser.add_argument('--image_src_path', required=True)\nparser.add_argument('--bin_path', required=True)\n"
    )
    (folder / "net_postprocess.py").write_text("import sys\nres, gt = sys.argv[1], sys.argv[2]\nprint('mIoU: 0.51')\n")
    model(folder / "net.onnx", ["n", 3, 8, 8], [["n", 3, 8, 8]])
    images(tmp_path, ["a.jpg"])
    done = kit(tmp_path, "init", "--script", "scripts", "--images", "val")
    assert done.returncode == 0, done.stderr
    tree = yaml.safe_load((tmp_path / "kit.yaml").read_text())
    script = tree["task"]["script"]
    assert script["preprocess"] == [
        ["python3", "net_preprocess.py", "--image_src_path", "{data}", "--bin_path", "prep"]
    ]
    assert script["postprocess"] == [["python3", "net_postprocess.py", "{results}", "{data}"]]
    assert list(script["metrics"]) == ["mIoU"]
    assert tree["inputs"] == [{"name": "images", "shape": [3, 8, 8]}]
    (folder / "other_preprocess.py").write_text("")
    assert (
        "several scripts could be the preprocessing" in kit(tmp_path, "init", "--script", "scripts", "-o", "x").stderr
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 2),
        (["a.onnx", "--example", "digits"], 2),
        (["nowhere.onnx"], 4),
        (["lfs.onnx"], 5),
        (["--script", "nowhere"], 4),
        pytest.param(["timm/resnet18.nosuch"], 3, marks=needs_timm),
    ],
)
def test_bad_sources(tmp_path: Path, kit: Any, words: list[str], code: int) -> None:
    (tmp_path / "lfs.onnx").write_text("version https://git-lfs.github.com/spec/v1\n")
    done = kit(tmp_path, "init", *words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "kit-init-" not in done.stderr, "a temporary folder that is gone"
    if "lfs.onnx" in words:
        assert "is a Git LFS pointer" in done.stderr
    assert not (tmp_path / "kit.yaml").exists()


def test_a_model_of_several_inputs_asks_for_a_task(tmp_path: Path, kit: Any) -> None:
    helper = onnx.helper
    values = [helper.make_tensor_value_info(name, 1, ["n", 3, 8, 8]) for name in ("a", "b", "out")]
    graph = helper.make_graph([helper.make_node("Add", ["a", "b"], ["out"])], "g", values[:2], values[2:])
    onnx.save(helper.make_model(graph), tmp_path / "net.onnx")
    done = kit(tmp_path, "init", "net.onnx")
    assert done.returncode == 0, done.stderr
    assert "task: this model takes something else than one image" in done.stdout
    assert "preprocess" not in done.stdout
    assert "\n# task:\n#   script:\n" in (tmp_path / "kit.yaml").read_text()


def test_a_folder_of_shards_is_told_with_its_index(tmp_path: Path, kit: Any) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "model.safetensors.index.json").write_text("{}")
    (tmp_path / "net.py").write_text("")
    done = kit(tmp_path, "init", "--code", "net.py:build", "--weights", "w")
    assert done.returncode == 4
    assert "give the index of its shards, w/model.safetensors.index.json" in done.stderr


def test_nothing_heavy_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys, json\nfrom kit.cli import main\ntry:\n    main(['init', '--help'])\nexcept SystemExit:\n    pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert not {"torch", "timm", "onnx", np.__name__} & loaded
