"""The network of a recipe, as the programs in containers take it: one JSON object.

::

    {"source": "timm", "architecture": "resnet50", "classes": 1000, "create": {}, "reparameterize": false,
     "returns": null, "build": null, "set": null, "prefix": null, "scores": true,
     "inputs": [{"name": "x", "shape": [3, 224, 224], "dtype": "float32", "layout": "NCHW", "batch": null, "axes": {}}],
     "outputs": ["output1"]}
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field, fields
from typing import Any

from .protocol import UserError

__all__ = ["BATCH", "DTYPES", "InputSpec", "NetworkSpec", "parse_network"]

#: Name of the dynamic axis, the first one of inputs and outputs.
BATCH = "batch"
#: Types of inputs, by NumPy's names.
DTYPES = ("float32", "float16", "float64", "uint8", "int8", "int32", "int64", "bool")
_FORM = "Correct model, input and output of the recipe."
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,127}")


@dataclass(frozen=True)
class InputSpec:
    """One input of the graph; `shape` is that of one sample, in the order of the graph's axes."""

    name: str = "actual_input_1"
    shape: tuple[int, ...] = (3, 224, 224)
    dtype: str = "float32"
    layout: str = "NCHW"
    batch: int | None = None
    axes: dict[int, str] = field(default_factory=dict)

    @property
    def size(self) -> str:
        """For messages: ``3x224x224``."""
        return "x".join(map(str, self.shape))

    @property
    def image(self) -> tuple[int, int, int] | None:
        """(channels, height, width) of an input of images; None for one that holds none."""
        if len(self.shape) != 3:
            return None
        one, two, three = self.shape
        return (one, two, three) if self.layout == "NCHW" else (three, one, two)


@dataclass(frozen=True)
class NetworkSpec:
    """The network, what creates it, and the inputs and outputs of its graph."""

    source: str = "timm"
    architecture: str | None = None
    build: str | None = None
    create: dict[str, Any] = field(default_factory=dict)
    reparameterize: bool = False
    returns: int | str | None = None
    classes: int = 1000
    scores: bool = True
    """Whether the first output is a score per class, as the task classification takes it."""
    set: str | None = None
    prefix: str | None = None
    inputs: tuple[InputSpec, ...] = (InputSpec(),)
    outputs: tuple[str, ...] = ("output1",)

    @property
    def title(self) -> str:
        """For messages: the architecture, or the own code."""
        return self.architecture or self.build or "the model"

    def check_scores(self, output: Any, batch: int, where: str | None = None) -> None:
        """Refuse a first output that is not a score per class, where the task counts classes.

        Args:
            output: what `batch` samples gave, an array of NumPy or a tensor.
            batch: how many they are.
            where: the model.

        Raises:
            UserError: another number of scores than classes, or no row of scores.
        """
        if not self.scores:
            return
        shape = tuple(output.shape)
        found = max(shape[1:], default=0)
        what = f"output {self.outputs[0]} is {str(output.dtype).removeprefix('torch.')} {shape} for a batch of {batch}"
        if shape[:1] != (batch,) or math.prod(shape[1:]) != found or "float" not in str(output.dtype):
            remedy = "Name the output that has them, or the task that reads this one: detection, segmentation, script."
            raise UserError(f"{what}, and classification needs a score per class", remedy, where)
        if found != self.classes:
            remedy = f"Write model -> classes: {found} in the recipe, or name the output that holds the scores."
            raise UserError(f"{what}, and the recipe says {self.classes} classes", remedy, where)


def parse_network(text: str) -> NetworkSpec:
    """Check the JSON object; what it leaves out has the default of :class:`NetworkSpec`.

    Raises:
        UserError: it is none, or holds something unknown.
    """
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UserError(f"the network is not JSON: {error}", "Give one JSON object.") from None
    tree = _known(value, NetworkSpec, "network")
    if "inputs" in tree:
        tree["inputs"] = tuple(_input(one) for one in tree["inputs"])
    if "outputs" in tree:
        tree["outputs"] = tuple(tree["outputs"])
    spec = NetworkSpec(**tree)
    if spec.source not in {"timm", "torchvision", "code", "onnx"}:
        raise UserError(f"unknown source {spec.source!r}; known are timm, torchvision, code, onnx", _FORM)
    if spec.classes < 1:
        raise UserError(f"{spec.classes} is not a number of classes", "Give a positive number.")
    names = [one.name for one in spec.inputs] + list(spec.outputs)
    for name in names:
        if spec.source != "onnx" and not _NAME.fullmatch(name):
            raise UserError(f"{name!r} cannot be the name of an input or output", "Use letters, digits and _.")
        if names.count(name) > 1:
            raise UserError(f"two inputs or outputs have the same name, {name!r}", "Give them different names.")
    return spec


def _input(value: Any) -> InputSpec:
    tree = _known(value, InputSpec, "input")
    shape = tree.get("shape", InputSpec.shape)
    if not isinstance(shape, list | tuple) or any(type(size) is not int or size < 1 for size in shape):
        raise UserError(f"{shape!r} is not a shape", "Give the sizes of one sample, such as 3, 224, 224.")
    tree["shape"] = tuple(shape)
    tree["axes"] = {int(axis): str(name) for axis, name in tree.get("axes", {}).items()}
    if tree.get("dtype", "float32") not in DTYPES:
        raise UserError(f"unknown type {tree['dtype']!r}; known are {', '.join(DTYPES)}", _FORM)
    return InputSpec(**tree)


def _known(value: Any, kind: type, what: str) -> dict[str, Any]:
    names = {one.name for one in fields(kind)}
    if not isinstance(value, dict) or set(value) - names:
        odd = f": unknown key {min(set(value) - names)!r}" if isinstance(value, dict) else ""
        raise UserError(f"the {what} is not an object of {', '.join(sorted(names))}{odd}", _FORM)
    return dict(value)
