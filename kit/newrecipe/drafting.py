"""``kit init``: from a source and what the command line says to the draft of a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kit.data.presence import inside_errors
from kit.errors import InvalidInputError, MissingError
from kit.inside.onnx_input import GraphValue, graph_values
from kit.newrecipe.draft import Draft
from kit.newrecipe.given import add_dataset, add_weights, weights_entry
from kit.newrecipe.graphs import TASK_LINES, add_graph, graph_input, usual_preprocessing
from kit.newrecipe.scriptfolder import script_draft
from kit.newrecipe.timmconfig import preprocessing
from kit.newrecipe.wishes import Wishes, shape_of, slug
from kit.newrecipe.writtencommands import folder_model
from kit.planning.target import load_target
from kit.planning.task import TaskDraft, draft_task
from kit.storage.files import os_errors

__all__ = ["draft_of"]


def draft_of(wishes: Wishes) -> Draft:
    """What is known of the recipe.

    Raises:
        KitError: no such model, file or target; packages that are needed to look it up.
    """
    targets = dict.fromkeys(wishes.targets or ("cpu",))
    for name in targets:
        load_target(name)
    if wishes.script is not None:
        draft = draft_of_script(wishes, wishes.script)
    elif wishes.code is not None:
        draft = draft_of_code(wishes, wishes.code)
    else:
        source = wishes.source or ""
        kind, _, name = source.partition("/")
        if kind in {"timm", "torchvision"} and name and not Path(source).exists():
            draft = draft_of_library(wishes, kind, name)
        else:
            draft = draft_of_onnx(wishes, Path(source))
    draft.settings |= {"targets": targets, "bench": {"limit": 60}}
    if wishes.script is None:
        add_weights(draft, wishes)
        add_dataset(draft, wishes)
    return draft


def draft_of_library(wishes: Wishes, kind: str, name: str) -> Draft:
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
        chosen = list(shape_of(wishes.shape))
    settings = config | {"crop_pct": test_pct if wishes.test_size else crop_pct}
    height, width = chosen[1:]
    tree = preprocessing(settings, (height, width))
    if "resize" in config:
        tree["resize"] = config["resize"]
    classes = wishes.classes or config.get("num_classes") or 1000
    model = {"name": wishes.name or slug(name), "source": kind, "architecture": name, "classes": classes}
    if kind == "timm":
        remarks["preprocess.resize"] = f"input size / crop_pct {settings['crop_pct']}, rounded down"
    draft = Draft(f"{name} of {kind} {config['version']}.", {"model": model}, remarks)
    if not wishes.classes and not config.get("num_classes"):
        draft.open.append("model -> classes: 1000 is a guess, these weights are published without classes (--classes)")
    add_graph(draft, {"name": "input", "shape": chosen}, "output", tree)
    origin = config.get("hf_hub_id") or config.get("url")
    draft.lines["weights"] = [
        "path: FILE # or url: https://...",
        "sha256: DIGEST # of the file: sha256sum FILE",
        *([f"# published as {origin}"] if origin else []),
    ]
    return draft


def draft_of_code(wishes: Wishes, code: str) -> Draft:
    place, mark, function = code.partition(":")
    if not mark or not function:
        raise InvalidInputError(f"{code!r} is not FILE:FUNCTION", remedy="give for example --code my_model.py:build")
    inside = place if place.endswith(".py") else place.split(".")[0]
    if not (wishes.out / inside).exists():
        raise MissingError(
            "there is no such code next to the recipe",
            where=str(wishes.out / inside),
            remedy="give its path from there",
        )
    classes = wishes.classes or 1000
    model = {"name": wishes.name or slug(Path(inside).stem), "source": "code", "build": code, "classes": classes}
    draft = Draft(f"Own code: {code}.", {"model": model})
    shape = list(shape_of(wishes.shape)) if wishes.shape else [3, 224, 224]
    if not wishes.shape:
        draft.open.append("input -> shape: [3, 224, 224] is a guess (--shape)")
    if wishes.classes is None:
        draft.open.append("model -> classes: 1000 is a guess (--classes)")
    draft.open.append("preprocess: resize, interpolation, mean and std are ImageNet's; take those of training")
    add_graph(draft, {"name": "input", "shape": shape}, "output", usual_preprocessing(shape))
    draft.lines["weights"] = ["path: FILE", "sha256: DIGEST # of the file: sha256sum FILE"]
    return draft


def draft_of_onnx(wishes: Wishes, path: Path) -> Draft:
    if not path.is_file():
        raise MissingError(
            f"{str(path)!r} is neither timm/NAME nor torchvision/NAME nor a file", remedy="check the name or the path"
        )
    with os_errors(path), inside_errors():
        inputs, outputs = graph_values(str(path))
    first = inputs[0]
    graph = graph_input(first, wishes)
    batch = first.shape[0] if first.shape else None
    single = len(inputs) == 1 and len(graph["shape"]) == 3
    image = graph["shape"] if graph.get("layout") != "NHWC" else [graph["shape"][2], *graph["shape"][:2]]
    task, drafted = (draft_task(outputs, wishes.labels, image[1:]) if single else None) or ("", None)
    declared = drafted.classes if drafted else next((size for size in outputs[0].shape[1:2] if size), None)
    classes = wishes.classes or declared
    model = {"name": wishes.name or slug(path.stem), "source": "onnx", "classes": classes or 1000}
    draft = Draft(f"{path.name}: an ONNX file; nothing is exported, so parity does not apply.", {"model": model})
    if classes is None:
        draft.open.append("model -> classes: 1000 is a guess (--classes)")
    if declared and classes != declared:
        draft.open.append(f"model -> classes: the file declares {declared} for its output {outputs[0].name}")
    if any(size is None for size in first.shape[1:]) and not wishes.shape:
        draft.open.append(f"input -> shape: {graph['shape']} is a guess, the graph leaves sizes open (--shape)")
    names = [one.name for one in outputs]
    tree = usual_preprocessing(image)
    add_graph(draft, graph, names[0], tree)
    unread = drafted.unread if drafted else ""
    if drafted and not unread:
        _add_task(draft, task, drafted, tree)
    elif len(names) > 1:
        draft.remarks["output"] = f"of {', '.join(names)}"
    if not single or unread:
        draft.settings["inputs"] = [graph_input(one, wishes) for one in inputs]
        del draft.settings["input"], draft.settings["preprocess"]
        draft.lines["task"] = TASK_LINES
        if unread:
            del draft.settings["output"]
            draft.settings["outputs"] = names
        why = unread or "this model takes something else than one image; say how with task: script"
        draft.open.append(f"task: {why} (kit init --script FOLDER)")
    elif graph.get("dtype") == "uint8":  # pixels as they are
        for name in ("scale", "mean", "std"):
            del tree[name]
        draft.open.append("preprocess: color, resize and interpolation are a guess; take those of training")
    else:
        draft.open.append("preprocess: color, resize, interpolation, mean and std are a guess; take those of training")
    if batch or (drafted and drafted.batches):
        draft.settings["batches"] = [batch] if batch else list(drafted.batches if drafted else ())
    del draft.settings["opset"]
    draft.settings["weights"] = weights_entry(wishes.weights or path, wishes.out)
    return draft


def _add_task(draft: Draft, name: str, drafted: TaskDraft, preprocess: dict[str, Any]) -> None:
    """The task that the graph's outputs tell, and its preprocessing in the place of a classifier's."""
    preprocess |= drafted.preprocess
    for setting in [setting for setting, value in preprocess.items() if value is None]:
        del preprocess[setting]
    draft.settings["task"] = {name: drafted.settings}
    draft.open.append(f"task -> {name}: {drafted.guess}")
    if len(drafted.outputs) > 1:
        del draft.settings["output"]
        draft.settings["outputs"] = list(drafted.outputs)
    else:
        draft.settings["output"] = drafted.outputs[0]


def draft_of_script(wishes: Wishes, folder: Path) -> Draft:
    file = wishes.weights or folder_model(folder)
    inputs: list[GraphValue] = []
    outputs: list[GraphValue] = []
    if file is not None:
        with os_errors(file), inside_errors():
            inputs, outputs = graph_values(str(file))
    script = script_draft(folder, wishes.images, wishes.out, len(inputs) or 1)
    draft = Draft(
        f"The users' own scripts in {folder.name}.",
        {
            "model": {"name": wishes.name or slug(folder.resolve().name), "source": "onnx"},
            "task": {"script": script.settings},
        },
        open=script.open,
    )
    if file is None:
        several = ", ".join(sorted(path.name for path in folder.rglob("*.onnx"))[:4])
        which = f", one of {several}, a recipe has one model" if several else " and its digest"
        draft.open.append(f"weights: the ONNX model{which} (--weights)")
        draft.lines["weights"] = ["path: model.onnx", "sha256: DIGEST # of the file: sha256sum FILE"]
        draft.lines["inputs"] = ["- {name: NAME, shape: [3, 224, 224]}"]
    else:
        draft.settings["weights"] = weights_entry(file, wishes.out)
        draft.settings["inputs"] = [graph_input(one, wishes) for one in inputs]
        draft.settings["outputs"] = [one.name for one in outputs]
        dynamic = not wishes.shape and any(size is None for one in inputs for size in one.shape[1:])
        if dynamic and script.settings.get("outputs") == {"format": "npy"}:
            script.settings["shapes"] = "files"
        if script.settings.get("shapes") == "files":
            draft.open.append(
                "task -> script -> shapes: each file's own is taken; a target that compiles (a card) needs them as a"
                " list or a range: shapes: {files: [[3, 480, 640], [3, 640, 480]]}"
            )
        elif dynamic:
            guessed = ", ".join(str(one["shape"]) for one in draft.settings["inputs"])
            draft.open.append(f"inputs -> shape: {guessed} is a guess, the graph leaves sizes open (--shape)")
        open_axes = [axis for axis, size in enumerate(outputs[0].shape) if size is None]
        if len(open_axes) == 1 and open_axes[0] and inputs[0].shape[:1] == (None,) and not dynamic:
            script.settings.setdefault("outputs", {})["batch_axis"] = open_axes[0]
    add_dataset(draft, wishes, samples=script.samples)
    draft.settings["batches"] = [next((one.shape[0] for one in inputs if one.shape and one.shape[0]), 1)]
    return draft
