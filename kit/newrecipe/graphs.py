"""Input, output and preprocessing of a new recipe, as they are most often."""

from __future__ import annotations

from typing import Any

from kit.inside.onnx_input import GraphValue
from kit.newrecipe.draft import Draft
from kit.newrecipe.timmconfig import preprocessing
from kit.newrecipe.wishes import Wishes, shape_of

__all__ = ["TASK_LINES", "add_graph", "graph_input", "usual_preprocessing"]

_BATCHES = [1, 4, 8, 16, 32, 64]
#: What a task of own scripts needs, as an example: docs/tasks.md.
TASK_LINES = [
    "script:",
    "  code: scripts # folder of the programs",
    '  preprocess: [[python3, pre.py, --src, "{data}", --out, bin]]',
    "  runs: {main: [bin]} # a folder for each input",
    '  postprocess: [[python3, post.py, --results, "{results}"]]',
    '  metrics: {accuracy: {find: "accuracy: ([0-9.]+)", unit: percent}}',
]


def add_graph(draft: Draft, graph: dict[str, Any], output: str, tree: dict[str, Any]) -> None:
    """Input `graph`, output name and preprocessing `tree` of a model that takes one image."""
    draft.settings |= {"input": graph, "output": output, "opset": "auto", "preprocess": tree, "batches": _BATCHES}
    draft.remarks["opset"] = "11, which published toolchains read, or the next that works; the run says which"


def usual_preprocessing(shape: list[int]) -> dict[str, Any]:
    """Preprocessing as it is most often with ImageNet."""
    channels, height, width = shape if len(shape) == 3 else (3, 224, 224)
    return preprocessing({"mean": [0.5], "std": [0.5]} if channels == 1 else {}, (height, width))


def graph_input(value: GraphValue, wishes: Wishes) -> dict[str, Any]:
    """An entry of ``inputs``; sizes that the graph leaves open are those of ImageNet, or 1."""
    sizes = list(value.shape[1:])
    last = len(sizes) == 3 and sizes[2] in {1, 3} and sizes[0] not in {1, 3}
    usual = [224, 224, 3] if last else [3, 224, 224]
    if wishes.shape:
        shape = list(shape_of(wishes.shape))
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
