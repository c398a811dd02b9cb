"""Folders in the shape that published models have: an ONNX file, data, scripts of their own, and a recipe."""

from __future__ import annotations

import hashlib
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

__all__ = ["flipped", "several_inputs", "several_shapes", "side_files"]


def _save(folder: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], weights: dict[str, Any]) -> str:
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "net", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    onnx.checker.check_model(model)
    path = folder / "model.onnx"
    onnx.save(model, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _recipe(folder: Path, digest: str, inputs: list[dict[str, Any]], outputs: list[str], task: dict[str, Any]) -> Path:
    tree = {
        "kit": 1,
        "model": {"name": folder.name, "source": "onnx"},
        "weights": {"path": "model.onnx", "sha256": digest},
        "inputs": inputs,
        "outputs": outputs,
        "dataset": {"name": "twelve samples", "images": "data", "count": 12},
        "task": {"script": {"code": "scripts", **task}},
        "batches": [1, 4],
        "targets": {"cpu": None, "310P": None},
        "default": ["cpu"],
        "bench": {"warmup": 1, "repeats": 6, "seconds": 0.02, "limit": 0.5},
    }
    path = folder / "kit.yaml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False))
    return path


def _script(folder: Path, name: str, text: str) -> None:
    path = folder / "scripts" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(textwrap.dedent(text))


def several_inputs(top: Path) -> Path:
    """Two int64 inputs and two outputs, as of a text model: ids and mask -> sums and counts."""
    folder = top / "several"
    folder.mkdir()
    info = helper.make_tensor_value_info
    digest = _save(
        folder,
        [
            helper.make_node("Mul", ["ids", "mask"], ["kept"]),
            helper.make_node("ReduceSum", ["kept"], ["sums"], axes=[1], keepdims=0),
            helper.make_node("ReduceSum", ["mask"], ["counts"], axes=[1], keepdims=0),
        ],
        [info("ids", TensorProto.INT64, ["n", 6]), info("mask", TensorProto.INT64, ["n", 6])],
        [info("sums", TensorProto.INT64, ["n"]), info("counts", TensorProto.INT64, ["n"])],
        {},
    )
    (folder / "data").mkdir()
    random = np.random.default_rng(0)
    lines = [" ".join(map(str, random.integers(1, 9, random.integers(1, 7)))) for _ in range(12)]
    (folder / "data" / "texts.txt").write_text("\n".join(lines) + "\n")
    _script(folder, "prep.py", """
        import os, sys
        import numpy as np
        text, out = sys.argv[1:]
        for name in ("input_ids", "input_mask"):
            os.makedirs(os.path.join(out, name))
        for number, line in enumerate(open(text)):
            ids = np.zeros(6, np.int64)
            values = [int(word) for word in line.split()]
            ids[: len(values)] = values
            ids.tofile(f"{out}/input_ids/{number}.bin")
            (ids > 0).astype(np.int64).tofile(f"{out}/input_mask/{number}.bin")
    """)  # fmt: skip
    _script(folder, "post.py", """
        import json, sys
        import numpy as np
        results, text = sys.argv[1:]
        right = 0
        for number, line in enumerate(open(text)):
            values = [int(word) for word in line.split()]
            total = np.fromfile(f"{results}/{number}_0.bin", np.int64)
            count = np.fromfile(f"{results}/{number}_1.bin", np.int64)
            right += int(total[0] == sum(values) and count[0] == len(values) and number % 4 != 3)
        print(json.dumps({"exact_match": 100 * right / (number + 1), "f1": 88.78}))
    """)  # fmt: skip
    inputs = [{"name": name, "shape": [6], "dtype": "int64"} for name in ("ids", "mask")]
    return _recipe(folder, digest, inputs, ["sums", "counts"], {
        "preprocess": [["python3", "prep.py", "{data}/texts.txt", "bin"]],
        "runs": {"main": ["bin/input_ids", "bin/input_mask"]},
        "postprocess": [["python3", "post.py", "{results}", "{data}/texts.txt"]],
        "metrics": {"exact match": {"find": '"exact_match": ([0-9.]+)', "unit": "percent"}},
    })  # fmt: skip


def _images(folder: Path, size: int) -> None:
    random = np.random.default_rng(1)
    folder.mkdir()
    for number in range(12):
        pixels = random.integers(0, 255, (size, size, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"img_{number}.png")


def flipped(top: Path) -> Path:
    """Two runs, of the images and of their mirror images, as pose estimation has them; results are text."""
    folder = top / "flipped"
    folder.mkdir()
    info = helper.make_tensor_value_info
    digest = _save(
        folder,
        [helper.make_node("GlobalAveragePool", ["image"], ["mean"])],
        [info("image", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [info("mean", TensorProto.FLOAT, ["n", 3, 1, 1])],
        {},
    )
    _images(folder / "data", 8)
    _script(folder, "pre.py", """
        import argparse, os
        import numpy as np
        from PIL import Image
        parser = argparse.ArgumentParser()
        for name in ("dataroot", "output", "output_flip"):
            parser.add_argument(f"--{name}")
        args = parser.parse_args()
        os.makedirs(args.output); os.makedirs(args.output_flip)
        for name in os.listdir(args.dataroot):
            pixels = np.asarray(Image.open(os.path.join(args.dataroot, name)), np.float32).transpose(2, 0, 1) / 255
            stem = name.split(".")[0]
            np.ascontiguousarray(pixels).tofile(f"{args.output}/{stem}.bin")
            np.ascontiguousarray(pixels[:, :, ::-1]).tofile(f"{args.output_flip}/{stem}.bin")
    """)  # fmt: skip
    _script(folder, "postprocess.py", """
        import os, sys
        import numpy as np
        plain, flip = sys.argv[1:]
        worst = 0.0
        for name in sorted(os.listdir(plain)):
            if name.endswith("_0.txt"):
                one, other = (np.loadtxt(os.path.join(folder, name)).reshape(-1) for folder in (plain, flip))
                worst = max(worst, float(np.abs(one - other).max()))
        print("| Arch | AP |")
        print(f"| net | {0.7652 if worst < 1e-3 else worst:.4f} |")
    """)  # fmt: skip
    return _recipe(folder, digest, [{"name": "image", "shape": [3, 8, 8]}], ["mean"], {
        "preprocess": [["python3", "pre.py", "--dataroot", "{data}", "--output", "bin", "--output_flip", "flip"]],
        "runs": {"main": ["bin"], "flip": ["flip"]},
        "outputs": {"format": "txt"},
        "postprocess": [["python3", "postprocess.py", "{results}", "{results:flip}"]],
        "metrics": {"AP": {"find": r"\| net \| ([0-9.]+)", "unit": "fraction",
                           "published": 0.77, "tolerance": 0.01}},
    })  # fmt: skip


def side_files(top: Path) -> Path:
    """Side files in the working folder, a summary that tells where results lie, a metric in a file of its own."""
    folder = top / "sided"
    folder.mkdir()
    info = helper.make_tensor_value_info
    digest = _save(
        folder,
        [helper.make_node("Mul", ["low", "two"], ["high"])],
        [info("low", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [info("high", TensorProto.FLOAT, ["n", 3, 8, 8])],
        {"two": np.array(2.0, np.float32)},
    )
    _images(folder / "data", 8)
    _script(folder, "edsr_preprocess.py", """
        import json, os, sys
        import numpy as np
        from PIL import Image
        source, target = sys.argv[1:]
        if not os.path.exists(target):
            os.makedirs(target)
        pads = {}
        for name in os.listdir(source):
            image = np.asarray(Image.open(os.path.join(source, name)), np.float32).transpose(2, 0, 1)
            np.ascontiguousarray(image / 2).tofile(os.path.join(target, name.replace(".png", ".bin")))
            pads[name] = [8, 8]
        json.dump(pads, open("pad_info.json", "w"))
    """)  # fmt: skip
    _script(folder, "edsr_postprocess.py", """
        import json, sys
        import numpy as np
        from PIL import Image
        summary, originals = sys.argv[1:]
        pads = json.load(open("pad_info.json"))
        values = []
        for entry in json.load(open(summary))["filesinfo"].values():
            name = entry["infiles"][0].split("/")[-1].replace(".bin", ".png")
            high = np.fromfile(entry["outfiles"][0], np.float32).reshape(3, *pads[name])
            wanted = np.asarray(Image.open(f"{originals}/{name}"), np.float32).transpose(2, 0, 1)
            values.append(10 * np.log10(255**2 / (np.mean((high - wanted - 2.0) ** 2))))
        json.dump([{"key": "PSNR", "value": round(float(np.mean(values)), 3)}], open("result.json", "w"))
        print("accuracy: ", 100.0)
    """)  # fmt: skip
    return _recipe(folder, digest, [{"name": "low", "shape": [3, 8, 8]}], ["high"], {
        "preprocess": [["python3", "edsr_preprocess.py", "{data}", "prep_data"]],
        "runs": {"main": ["prep_data"]},
        "postprocess": [["python3", "edsr_postprocess.py", "{summary}", "{data}"]],
        "metrics": {"PSNR": {"in": "result.json", "find": '"value": ([0-9.]+)', "unit": "dB"}},
    })  # fmt: skip


def several_shapes(top: Path) -> Path:
    """Samples of three shapes in ``.npy`` files, as of super-resolution; results keep theirs."""
    folder = top / "shapes"
    folder.mkdir()
    info = helper.make_tensor_value_info
    digest = _save(
        folder,
        [helper.make_node("Mul", ["low", "two"], ["high"])],
        [info("low", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        [info("high", TensorProto.FLOAT, ["n", 3, "h", "w"])],
        {"two": np.array(2.0, np.float32)},
    )
    (folder / "data").mkdir()
    random = np.random.default_rng(1)
    for number in range(12):
        pixels = random.integers(0, 255, ([8, 6, 8][number % 3], [8, 8, 6][number % 3], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "data" / f"img_{number}.png")
    _script(folder, "pre.py", """
        import os, sys
        import numpy as np
        from PIL import Image
        source, target = sys.argv[1:]
        os.makedirs(target)
        for name in os.listdir(source):
            image = np.asarray(Image.open(os.path.join(source, name)), np.float32).transpose(2, 0, 1)
            np.save(os.path.join(target, name.replace(".png", ".npy")), image / 2)
    """)  # fmt: skip
    _script(folder, "post.py", """
        import os, sys
        import numpy as np
        from PIL import Image
        results, originals = sys.argv[1:]
        values = []
        for name in os.listdir(originals):
            high = np.load(os.path.join(results, name.replace(".png", "_0.npy")))
            wanted = np.asarray(Image.open(os.path.join(originals, name)), np.float32).transpose(2, 0, 1)
            assert high.shape == (1, *wanted.shape), high.shape
            values.append(10 * np.log10(255**2 / (np.mean((high[0] - wanted - 2.0) ** 2))))
        print("PSNR:", round(float(np.mean(values)), 3))
    """)  # fmt: skip
    recipe = _recipe(folder, digest, [{"name": "low", "shape": [3, 8, 8]}], ["high"], {
        "preprocess": [["python3", "pre.py", "{data}", "bin"]],
        "runs": {"main": ["bin"]},
        "shapes": {"files": [[3, 8, 8], [3, 6, 8], [3, 8, 6]]},
        "outputs": {"format": "npy"},
        "postprocess": [["python3", "post.py", "{results}", "{data}"]],
        "metrics": {"PSNR": {"find": "PSNR: ([0-9.]+)", "unit": "dB"}},
    })  # fmt: skip
    tree = yaml.safe_load(recipe.read_text()) | {"batches": [1]}
    tree["targets"] |= {"T4": None, "openvino": None}
    recipe.write_text(yaml.safe_dump(tree, sort_keys=False))
    return recipe
