"""Checkpoint to ONNX: dynamic batch, BatchNorm folded, the same bytes for the same weights wherever it runs.

Command line::

    python3 -m inside.export --weights FILE --architecture spnasnet_100 --classes 1000 --input-name actual_input_1
        --output-name output1 --shape 3,224,224 --opset 11 --out DIR

makes ``DIR/model.onnx`` and ``DIR/export.json``, which says what was exported from what, with which versions.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import platform
import re
import warnings
from collections import Counter
from typing import TYPE_CHECKING, Any

from .checkpoint import Checkpoint, read_checkpoint
from .network import build, image_shape, load_weights
from .protocol import UserError, progress, run, write_bytes, write_json

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["BATCH", "main", "to_onnx"]

#: Name of the dynamic axis, the first one of input and output.
BATCH = "batch"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/-]{0,127}")
#: Protocol buffers end at 2 GiB; the graph itself needs some of it.
_LARGEST = (1 << 31) - (1 << 24)
_STEPS = 4


def to_onnx(model: Module, shape: tuple[int, int, int], input_name: str, output_name: str, opset: int) -> Any:
    """Export a network in evaluation mode to an ``onnx.ModelProto`` with a dynamic first axis, checked.

    Raises:
        UserError: an opset that the exporter does not write, an operator that it does not have.
    """
    import onnx
    import torch

    for name in (input_name, output_name):
        if not _NAME.fullmatch(name):
            raise UserError(f"{name!r} cannot be the name of an input or output", "Use letters, digits and _.")
    if sum(parameter.numel() for parameter in model.parameters()) * 4 >= _LARGEST:
        raise UserError(
            "the model has more than 2 GB, which one ONNX file cannot hold", "Choose a smaller architecture."
        )
    if input_name == output_name:
        raise UserError(f"input and output have the same name, {input_name!r}", "Give them different names.")
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings():
            # That this exporter is the older one of two: the newer one writes opset 18 and higher, vendors read 11.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model,
                (torch.zeros(2, *shape),),  # two, so that no operator takes a batch of one for a missing axis
                buffer,
                input_names=[input_name],
                output_names=[output_name],
                dynamic_axes={input_name: {0: BATCH}, output_name: {0: BATCH}},
                opset_version=opset,
                dynamo=False,
            )
    except MemoryError:
        raise
    except (RuntimeError, ValueError, TypeError) as error:  # torch.onnx.errors are RuntimeErrors and ValueErrors
        text = " ".join(str(error).split())
        if "allocate memory" in text:
            raise MemoryError(text) from None
        what = f"cannot be exported with opset {opset}: {text[:200]}"
        raise UserError(what, "Choose another opset in the recipe, if the toolchain reads it.") from error
    proto = onnx.load_from_string(buffer.getvalue())
    _tidy(proto)
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise UserError(
            f"the exported model is not valid ONNX: {' '.join(str(error).split())[:200]}",
            "Choose other names of input and output, or another opset.",
        ) from error
    return proto


def _tidy(proto: Any) -> None:
    """Leave out what tells of the place where it was made, not of the model."""
    proto.doc_string = proto.graph.doc_string = ""
    for node in proto.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del proto.metadata_props[:]


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="export", description="Checkpoint to ONNX with a dynamic batch axis.")
    parser.add_argument("--weights", required=True, help="checkpoint of PyTorch, or safetensors")
    parser.add_argument("--architecture", required=True, help="name in timm")
    parser.add_argument("--classes", required=True, type=int, help="number of classes")
    parser.add_argument("--input-name", required=True)
    parser.add_argument("--output-name", required=True)
    parser.add_argument("--shape", required=True, help="channels,height,width")
    parser.add_argument("--opset", required=True, type=int)
    parser.add_argument("--out", required=True, help="folder for model.onnx and export.json")
    arguments = parser.parse_args(argv)
    if arguments.classes < 1:
        raise UserError(f"{arguments.classes} is no number of classes", "Give a positive number.")
    shape = image_shape(arguments.shape)

    progress(0, _STEPS, "steps")
    checkpoint = read_checkpoint(arguments.weights)
    progress(1, _STEPS, "steps")
    model = build(arguments.architecture, arguments.classes, shape)
    load_weights(model, checkpoint, arguments.architecture, arguments.classes)
    progress(2, _STEPS, "steps")
    proto = to_onnx(model, shape, arguments.input_name, arguments.output_name, arguments.opset)
    progress(3, _STEPS, "steps")
    content = proto.SerializeToString(deterministic=True)
    os.makedirs(arguments.out, exist_ok=True)
    write_bytes(os.path.join(arguments.out, "model.onnx"), content)
    facts = {
        "architecture": arguments.architecture,
        "classes": arguments.classes,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "weights": _weights(checkpoint),
        "onnx": _describe(proto, content),
        "versions": _versions(),
    }
    write_json(os.path.join(arguments.out, "export.json"), facts)
    progress(_STEPS, _STEPS, "steps")
    print(f"model.onnx: {len(content)} bytes, sha256 {facts['onnx']['sha256']}")


def _weights(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "bytes": checkpoint.size,
        "md5": checkpoint.md5,
        "sha256": checkpoint.sha256,
        "key": checkpoint.key,
        "unused": list(checkpoint.others),
        "stored_as": checkpoint.dtypes,
        "names": sorted(checkpoint.tensors),
    }


def _describe(proto: Any, content: bytes) -> dict[str, Any]:
    def tensor(value: Any) -> dict[str, Any]:
        dimensions = value.type.tensor_type.shape.dim
        return {"name": value.name, "shape": [dim.dim_param or dim.dim_value for dim in dimensions]}

    return {
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "opset": proto.opset_import[0].version,
        "ir_version": proto.ir_version,
        "input": tensor(proto.graph.input[0]),
        "output": tensor(proto.graph.output[0]),
        "dynamic_axis": BATCH,
        "nodes": len(proto.graph.node),
        "operators": dict(sorted(Counter(node.op_type for node in proto.graph.node).items())),
    }


def _versions() -> dict[str, str]:
    import onnx
    import timm
    import torch
    import torchvision

    modules = {"torch": torch, "torchvision": torchvision, "timm": timm, "onnx": onnx}
    return {"python": platform.python_version(), **{name: str(m.__version__) for name, m in modules.items()}}


if __name__ == "__main__":
    run(main)
