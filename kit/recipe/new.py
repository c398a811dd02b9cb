"""``kit init``: from a source and what the command line says to the draft of a recipe, and the file."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.data.presence import inside_errors
from kit.errors import InvalidInputError, MissingError
from kit.inside.labelforms import ClassNames, folder_labels, labels_of, read_classes
from kit.inside.labels import list_images
from kit.inside.onnx_input import GraphValue, graph_values
from kit.recipe.init import Draft, recipe_text
from kit.recipe.init_script import script_settings_of
from kit.recipe.init_timm import preprocessing
from kit.resources import resource
from kit.storage.digests import digest_file
from kit.storage.files import os_errors, write_atomically

__all__ = ["Wishes", "copy_example", "draft_of", "write_recipe"]

_BATCHES = [1, 4, 8, 16, 32, 64]
_IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "interpolation": "bilinear"}


@dataclass(frozen=True)
class Wishes:
    """What the command line says."""

    source: str | None
    code: str | None
    script: Path | None
    weights: Path | None
    images: Path | None
    labels: Path | None
    class_names: Path | None
    classes: int | None
    shape: str | None
    test_size: bool
    name: str | None
    out: Path


def copy_example(name: str, out: Path, *, force: bool = False) -> Path:
    """Copy a bundled example into the folder ``out``/``name``; returns it.

    Raises:
        MissingError: no such example; names those that there are.
        InvalidInputError: something is there already.
    """
    examples = resource("examples")
    known = sorted(path.parent.name for path in examples.glob("*/kit.yaml"))
    if name not in known:
        raise MissingError(f"there is no example {name!r}", remedy=f"choose one of {', '.join(known)}")
    target = out / name
    if target.exists() and not force:
        raise InvalidInputError(
            "there is something of that name already", where=str(target), remedy="choose another folder with --out"
        )
    with os_errors(target):
        ignore = shutil.ignore_patterns("__pycache__", ".kit", ".*_cache")
        shutil.copytree(examples / name, target, dirs_exist_ok=force, ignore=ignore)
    return target


def write_recipe(draft: Draft, out: Path, *, force: bool = False) -> Path:
    """Write ``kit.yaml`` into ``out``; returns its path.

    Raises:
        InvalidInputError: there is one already.
    """
    path = out / "kit.yaml"
    if path.exists() and not force:
        raise InvalidInputError(
            "there is a recipe already", where=str(path), remedy="choose another folder with --out, or use --force"
        )
    with os_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    write_atomically(path, recipe_text(draft).encode())
    return path


def draft_of(wishes: Wishes) -> Draft:
    """What is known of the recipe.

    Raises:
        KitError: no such model or file; packages that are needed to look it up.
    """
    if wishes.script is not None:
        return _of_script(wishes, wishes.script)
    if wishes.code is not None:
        draft = _of_code(wishes, wishes.code)
    else:
        source = wishes.source or ""
        kind, _, name = source.partition("/")
        if kind in {"timm", "torchvision"} and name and not Path(source).exists():
            draft = _of_library(wishes, kind, name)
        else:
            draft = _of_onnx(wishes, Path(source))
    _add_weights(draft, wishes)
    _add_dataset(draft, wishes)
    return draft


def _of_library(wishes: Wishes, kind: str, name: str) -> Draft:
    from kit.containers.images import BuildOptions
    from kit.execution.lookup import look_up
    from kit.execution.progress import choose

    config = look_up((f"--{kind}", name), None, BuildOptions.from_environment(), choose(as_json=False, verbose=False))
    native, tested = config["input_size"], config.get("test_input_size") or config["input_size"]
    chosen = tested if wishes.test_size else native
    crop_pct = config.get("crop_pct")
    test_pct = config.get("test_crop_pct") or crop_pct
    remarks = {}
    if tested != native or test_pct != crop_pct:
        other, pct = (native, crop_pct) if wishes.test_size else (tested, test_pct)
        flag = "native" if wishes.test_size else "test"
        use = "training" if wishes.test_size else "its tests"
        remarks["input.shape"] = f"or {other}, crop_pct {pct}, the size of {use}: kit init ... --size {flag}"
    if wishes.shape:
        chosen = list(_shape(wishes.shape))
    settings = config | {"crop_pct": test_pct if wishes.test_size else crop_pct}
    height, width = chosen[1:]
    tree = preprocessing(settings, (height, width))
    if "resize" in config:
        tree["resize"] = config["resize"]
    classes = wishes.classes or config.get("num_classes") or 1000
    model = {"name": wishes.name or _slug(name), "source": kind, "architecture": name, "classes": classes}
    if kind == "timm":
        remarks["preprocess.resize"] = f"input size / crop_pct {settings['crop_pct']}, rounded down"
    draft = Draft(f"{name} of {kind} {config['version']}.", {"model": model}, remarks)
    _add_graph(draft, {"name": "input", "shape": chosen}, "output", tree)
    origin = config.get("hf_hub_id") or config.get("url")
    draft.lines["weights"] = [
        "path: FILE # or url: https://...",
        "sha256: DIGEST # of the file: sha256sum FILE",
        *([f"# published as {origin}"] if origin else []),
    ]
    return draft


def _of_code(wishes: Wishes, code: str) -> Draft:
    place, mark, function = code.partition(":")
    if not mark or not function:
        raise InvalidInputError(f"{code!r} is not FILE:FUNCTION", remedy="give for example --code my_model.py:build")
    inside = place if place.endswith(".py") else place.split(".")[0]
    if not (wishes.out / inside).exists():
        raise MissingError(
            "there is no such code beside the recipe", where=str(wishes.out / inside), remedy="give its path from there"
        )
    classes = wishes.classes or 1000
    model = {"name": wishes.name or _slug(function if place.endswith(".py") else place), "source": "code"}
    model["name"] = wishes.name or _slug(Path(inside).stem)
    draft = Draft(f"Own code: {code}.", {"model": {**model, "build": code, "classes": classes}})
    shape = list(_shape(wishes.shape)) if wishes.shape else [3, 224, 224]
    if not wishes.shape:
        draft.open.append("input -> shape: [3, 224, 224] is a guess (--shape)")
    if wishes.classes is None:
        draft.open.append("model -> classes: 1000 is a guess (--classes)")
    draft.open.append("preprocess: resize, interpolation, mean and std are ImageNet's; take those of training")
    _add_graph(draft, {"name": "input", "shape": shape}, "output", _usual(shape))
    draft.lines["weights"] = ["path: FILE", "sha256: DIGEST # of the file: sha256sum FILE"]
    return draft


def _usual(shape: list[int]) -> dict[str, Any]:
    """Preprocessing as it is most often with ImageNet."""
    channels, height, width = shape if len(shape) == 3 else (3, 224, 224)
    config: dict[str, Any] = {**_IMAGENET, "crop_pct": 0.875}
    if channels == 1:
        config |= {"mean": [0.5], "std": [0.5]}
    return preprocessing(config, (height, width))


def _of_onnx(wishes: Wishes, path: Path) -> Draft:
    if not path.is_file():
        raise MissingError(
            f"{str(path)!r} is neither timm/NAME nor torchvision/NAME nor a file", remedy="check the name or the path"
        )
    with os_errors(path), inside_errors():
        inputs, outputs = graph_values(str(path))
    first = inputs[0]
    graph = _graph_input(first, wishes)
    batch = first.shape[0] if first.shape else None
    classes = wishes.classes or next((size for size in outputs[0].shape[1:2] if size), None)
    model = {"name": wishes.name or _slug(path.stem), "source": "onnx", "classes": classes or 1000}
    draft = Draft(f"{path.name}: an ONNX file; nothing is exported, so parity does not apply.", {"model": model})
    if classes is None:
        draft.open.append("model -> classes: 1000 is a guess (--classes)")
    if any(size is None for size in first.shape[1:]) and not wishes.shape:
        draft.open.append(f"input -> shape: {graph['shape']} is a guess, the graph leaves sizes open (--shape)")
    names = [one.name for one in outputs]
    image = graph["shape"] if graph.get("layout") != "NHWC" else [graph["shape"][2], *graph["shape"][:2]]
    tree = _usual(image)
    _add_graph(draft, graph, names[0], tree)
    if len(names) > 1:
        draft.remarks["output"] = f"of {', '.join(names)}"
    if graph.get("dtype") in {None, "float32", "float16", "float64"}:
        draft.open.append("preprocess: color, resize, interpolation, mean and std are a guess; take those of training")
    if len(inputs) > 1 or len(graph["shape"]) != 3:
        draft.settings["inputs"] = [_graph_input(one, wishes) for one in inputs]
        del draft.settings["input"], draft.settings["preprocess"]
        draft.open.append("task: this model takes something else than one image; say how with task: script")
    if batch:
        draft.settings["batches"] = [batch]
    del draft.settings["opset"]
    draft.settings["weights"] = _weights_entry(wishes.weights or path, wishes.out)
    return draft


def _graph_input(value: GraphValue, wishes: Wishes) -> dict[str, Any]:
    sizes = list(value.shape[1:]) or [1]
    last = len(sizes) == 3 and sizes[2] in {1, 3} and sizes[0] not in {1, 3}
    usual = [224, 224, 3] if last else [3, 224, 224]
    if wishes.shape:
        shape = list(_shape(wishes.shape))
    elif len(sizes) == 3:
        shape = [size or other for size, other in zip(sizes, usual, strict=True)]
    else:
        shape = [size or 1 for size in sizes]
    graph: dict[str, Any] = {"name": value.name, "shape": shape}
    if value.dtype != "float32":
        graph["dtype"] = value.dtype
    if last:
        graph["layout"] = "NHWC"
    if value.shape and value.shape[0]:
        graph["batch"] = value.shape[0]
    return graph


def _of_script(wishes: Wishes, folder: Path) -> Draft:
    settings, remaining, model = script_settings_of(folder, wishes.out)
    draft = Draft(
        f"The users' own scripts in {folder.name}.",
        {
            "model": {"name": wishes.name or _slug(folder.resolve().name), "source": "onnx"},
            "task": {"script": settings},
        },
        open=remaining,
    )
    file = wishes.weights or model
    if file is None:
        draft.open.append("weights: the ONNX model and its digest (--weights)")
        draft.lines["weights"] = ["path: model.onnx", "sha256: DIGEST # of the file: sha256sum FILE"]
        draft.lines["inputs"] = ["- {name: NAME, shape: [3, 224, 224]}"]
    else:
        with os_errors(file), inside_errors():
            inputs, outputs = graph_values(str(file))
        draft.settings["weights"] = _weights_entry(file, wishes.out)
        draft.settings["inputs"] = [_graph_input(one, wishes) for one in inputs]
        draft.settings["outputs"] = [one.name for one in outputs]
    _add_dataset(draft, wishes, scripts=True)
    draft.settings["batches"] = [1]
    draft.settings["targets"] = {"cpu": None}
    return draft


def _add_graph(draft: Draft, graph: dict[str, Any], output: str, tree: dict[str, Any]) -> None:
    draft.settings |= {
        "input": graph,
        "output": output,
        "opset": "auto",
        "preprocess": tree,
        "batches": _BATCHES,
        "targets": {"cpu": None},
    }
    draft.remarks["opset"] = "11, which published toolchains read, or the next that works; the run says which"


def _add_weights(draft: Draft, wishes: Wishes) -> None:
    if "weights" in draft.settings:
        return
    if wishes.weights is None:
        draft.open.append("weights: the checkpoint and its digest (--weights FILE computes it)")
        return
    entry = _weights_entry(wishes.weights, wishes.out)
    for one in _sets(wishes.weights):
        entry.setdefault("set", one)
    sets = _sets(wishes.weights)
    if len(sets) > 1:
        draft.remarks["weights.set"] = f"of {', '.join(sets)}"
        draft.open.append(f"weights -> set: {sets[0]} is the first of {', '.join(sets)}")
    else:
        entry.pop("set", None)
    draft.settings["weights"] = entry


def _sets(weights: Path) -> list[str]:
    """Sets of weights in a checkpoint, where PyTorch is installed here to read it; otherwise none."""
    from importlib.util import find_spec

    if find_spec("torch") is None or find_spec("timm") is None:
        return []
    from kit.containers.images import BuildOptions
    from kit.execution.lookup import look_up
    from kit.execution.progress import choose

    progress = choose(as_json=False, verbose=False)
    return list(look_up(("--weights", "{in:weights}"), weights, BuildOptions(), progress)["sets"])


def _weights_entry(path: Path, out: Path) -> dict[str, Any]:
    if not path.is_file():
        raise MissingError("there are no weights", where=str(path), remedy="check the path")
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(b"version https://git-lfs") or head.lstrip()[:1] == b"<":
        kind = "a pointer of Git LFS" if head.startswith(b"version") else "a web page"
        raise InvalidInputError(f"this is {kind}, not the file itself", where=str(path), remedy="fetch the file itself")
    return {"path": _relative(path, out), "sha256": digest_file(path, md5=False).sha256}


def _add_dataset(draft: Draft, wishes: Wishes, *, scripts: bool = False) -> None:
    if wishes.images is None:
        draft.open.append("dataset: images, labels and their number (--images DIR --labels FILE)")
        draft.lines["dataset"] = [
            "name: NAME",
            "images: DIR",
            *([] if scripts else ["labels: FILE # lines of `name label`, CSV, ...: docs/first-model.md"]),
            "count: 1000 # images that a complete run has",
        ]
        return
    if scripts:
        count = sum(len(files) for _, _, files in os.walk(wishes.images))
        entry: dict[str, Any] = {"name": wishes.images.resolve().name, "images": _relative(wishes.images, wishes.out)}
        draft.settings["dataset"] = entry | {"count": max(1, count)}
        draft.remarks["dataset.count"] = "files in the folder; samples of a complete run"
        return
    _add_images(draft, wishes, wishes.images)


def _add_images(draft: Draft, wishes: Wishes, images: Path) -> None:
    try:
        with os_errors(images), inside_errors():
            names, layout = list_images(str(images)), "flat"
    except MissingError:
        raise
    except InvalidInputError:
        with inside_errors():
            names, layout = list_images(str(images), "folders"), "folders"
    entry: dict[str, Any] = {"name": images.resolve().name, "images": _relative(images, wishes.out)}
    if layout == "folders":
        entry["layout"] = layout
    classes: ClassNames | None = None
    if wishes.class_names:
        with inside_errors():
            classes = read_classes(str(wishes.class_names))
        entry["classes"] = str(wishes.class_names.resolve())
    if wishes.labels:
        entry["labels"] = _relative(wishes.labels, wishes.out)
        with os_errors(wishes.labels), inside_errors():
            found = labels_of(str(wishes.labels), names, classes=classes)
        if min(found.values()) >= 1 and max(found.values()) == draft.settings["model"]["classes"]:
            entry["first_label"] = 1
            draft.remarks["dataset.first_label"] = "no label is 0, so the file seems to count from 1"
    elif layout == "folders":
        with inside_errors():
            found = folder_labels(names, classes, str(images))
        known = len(set(found.values()))
        if known > draft.settings["model"]["classes"]:
            draft.open.append(f"model -> classes: there are {known} folders of classes")
    else:
        draft.open.append("dataset -> labels: the label file (--labels)")
    draft.settings["dataset"] = entry | {"count": len(names)}


def _shape(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"[1-9][0-9]{0,5}(,[1-9][0-9]{0,5}){0,6}", text):
        raise InvalidInputError(f"{text!r} is not a shape", remedy="give channels, height and width, such as 3,224,224")
    return tuple(int(part) for part in text.split(","))


def _relative(path: Path, out: Path) -> str:
    """From the recipe's folder, where it lies below; otherwise absolute."""
    try:
        return path.resolve().relative_to(out.resolve()).as_posix()
    except ValueError:
        return str(path.resolve())


def _slug(name: str) -> str:
    slug = re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("-._")[:64]
    return slug if slug[:1].isalnum() else hashlib.sha256(name.encode()).hexdigest()[:8]
