"""Checkpoint to ONNX: dynamic batch, BatchNorm folded, the same bytes for the same weights on every machine.

Command line::

    python3 -m inside.export --weights FILE --network JSON [--code PATH] --opset 11|auto --out DIR

makes ``DIR/model.onnx`` and ``DIR/export.json``, which says what was exported from what, with which versions. The JSON
is described in :mod:`.specification`.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import platform
import warnings
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .folding import fold_weights
from .network import example_inputs, nchw, open_network, results_of
from .protocol import UserError, oneline, progress, run, write_bytes, write_json
from .specification import BATCH, NetworkSpec, parse_network

if TYPE_CHECKING:
    from torch.nn import Module

    from .checkpoint import Checkpoint

__all__ = ["LOWEST_OPSET", "describe", "describe_value", "export_network", "inputs_of", "main", "to_onnx"]

#: What the published toolchains read; an opset of "auto" begins here and ends at the newest that the exporter writes.
LOWEST_OPSET = 11
_HIGHEST_OPSET = 20
#: A protocol buffer holds at most 2 GiB, some of which the graph itself needs.
_LARGEST = (1 << 31) - (1 << 24)
_STEPS = 4


def to_onnx(model: Module, spec: NetworkSpec, opset: int) -> Any:
    """Export a network in evaluation mode to an ``onnx.ModelProto``, checked; the batch is dynamic unless it is fixed.

    Raises:
        UserError: an opset that the exporter does not write, an operator that it does not have.
    """
    import onnx
    import torch

    if sum(parameter.numel() for parameter in model.parameters()) * 4 >= _LARGEST:
        raise UserError(
            "the model has more than 2 GB, which one ONNX file cannot hold", "Choose a smaller architecture."
        )
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings():
            # torch warns that this exporter is the older one; the newer one writes opset 18 or higher, vendors read 11.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                _graph(model, spec),
                example_inputs(spec),
                buffer,
                input_names=[one.name for one in spec.inputs],
                output_names=list(spec.outputs),
                dynamic_axes=_dynamic_axes(spec),
                opset_version=opset,
                dynamo=False,
            )
    except MemoryError:
        raise
    except (RuntimeError, ValueError, TypeError) as error:  # torch.onnx.errors are RuntimeErrors and ValueErrors
        if "allocate memory" in str(error):
            raise MemoryError(str(error)) from None
        what = f"cannot be exported with opset {opset}: {oneline(error)}"
        raise UserError(what, "Write opset: auto in the recipe, or one that the toolchain reads.") from error
    proto = onnx.load_from_string(buffer.getvalue())
    fold_weights(proto)
    _tidy(proto)
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise UserError(
            f"the exported model is not valid ONNX: {oneline(error)}",
            "Choose other names of input and output, or another opset.",
        ) from error
    return proto


def _dynamic_axes(spec: NetworkSpec) -> dict[str, dict[int, str]]:
    batch = {0: BATCH} if spec.inputs[0].batch is None else {}
    axes = {one.name: batch | one.axes for one in spec.inputs} | {name: dict(batch) for name in spec.outputs}
    return {name: numbers for name, numbers in axes.items() if numbers}


def _graph(model: Module, spec: NetworkSpec) -> Module:
    """The network with the inputs and results of the graph: images channels last, or one of several results."""
    import torch

    plain = spec.returns is None and all(one.layout == "NCHW" for one in spec.inputs)
    if plain:
        return model

    class TracedGraph(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: Any) -> Any:
            results = results_of(self.model(*nchw(inputs, spec)), spec)
            return results[0] if len(results) == 1 else tuple(results)

    return TracedGraph().eval()


def export_network(model: Module, spec: NetworkSpec, opset: int | None) -> Any:
    """:func:`to_onnx` at an opset, or, for None, at the lowest from 11 on that works.

    Raises:
        UserError: none works, with the exporter's error for the last one.
    """
    if opset is not None:
        return to_onnx(model, spec, opset)
    for number in range(LOWEST_OPSET, _HIGHEST_OPSET):
        try:
            return to_onnx(model, spec, number)
        except UserError:
            continue
    try:
        return to_onnx(model, spec, _HIGHEST_OPSET)
    except UserError as error:
        fixed = " Some operators need input -> batch: 1 for that." if spec.inputs[0].batch is None else ""
        remedy = f"No opset from {LOWEST_OPSET} on works.{fixed} Else export it yourself: kit init model.onnx."
        raise UserError(error.what, remedy, error.where, error.kind) from error


def _tidy(proto: Any) -> None:
    """Remove what describes where the model was exported."""
    proto.doc_string = proto.graph.doc_string = ""
    for node in proto.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del proto.metadata_props[:]


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="export", description="Checkpoint to ONNX with a dynamic batch axis.")
    parser.add_argument("--weights", required=True, help="checkpoint of PyTorch, or safetensors")
    parser.add_argument("--network", required=True, help="what network it is, as JSON")
    parser.add_argument("--code", help="file or folder of the user's own code")
    parser.add_argument("--opset", required=True, help="a number, or auto")
    parser.add_argument("--out", required=True, help="folder for model.onnx and export.json")
    arguments = parser.parse_args(argv)
    spec = parse_network(arguments.network)
    opset = _opset(arguments.opset)

    progress(0, _STEPS, "steps")
    model, checkpoint, transfer = open_network(spec, arguments.weights, arguments.code)
    progress(2, _STEPS, "steps")
    proto = export_network(model, spec, opset)
    progress(3, _STEPS, "steps")
    content = proto.SerializeToString(deterministic=True)
    os.makedirs(arguments.out, exist_ok=True)
    write_bytes(os.path.join(arguments.out, "model.onnx"), content)
    facts = {
        "source": spec.source,
        "architecture": spec.title,
        "classes": spec.classes,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "reparameterized": spec.reparameterize,
        "weights": _weights(checkpoint) | {"matched": asdict(transfer)},
        "onnx": describe(proto, content),
        "versions": _versions(),
    }
    write_json(os.path.join(arguments.out, "export.json"), facts)
    progress(_STEPS, _STEPS, "steps")
    if transfer.by == "order":
        pairs = ", ".join(f"{old} -> {new}" for old, new in transfer.renamed)
        print(f"weights were matched by order, as all shapes agree: {pairs}, ...")
    if opset is None:
        print(f"opset {facts['onnx']['opset']} is the lowest from {LOWEST_OPSET} on that works")
    print(f"model.onnx: {len(content)} bytes, sha256 {facts['onnx']['sha256']}")


def _opset(text: str) -> int | None:
    if text == "auto":
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 4:
        raise UserError(f"{text!r} is not an opset", "Give a number such as 11, or auto.")
    return int(text)


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


def describe(proto: Any, content: bytes) -> dict[str, Any]:
    """What an ONNX model is: size, digest, opset, inputs and outputs with shapes and types, operators."""
    inputs, outputs = list(map(describe_value, inputs_of(proto))), list(map(describe_value, proto.graph.output))
    opset = next((one.version for one in proto.opset_import if one.domain in {"", "ai.onnx"}), 0)
    return {
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "opset": opset,
        "ir_version": proto.ir_version,
        "input": inputs[0] if inputs else None,
        "output": outputs[0] if outputs else None,
        "inputs": inputs,
        "outputs": outputs,
        "dynamic_axis": inputs[0]["shape"][0] if inputs and inputs[0]["shape"] else None,
        "nodes": len(proto.graph.node),
        "operators": dict(sorted(Counter(node.op_type for node in proto.graph.node).items())),
    }


def inputs_of(proto: Any) -> list[Any]:
    """The inputs of the graph without weights, which older exporters list as inputs, too."""
    weights = {one.name for one in proto.graph.initializer}
    return [value for value in proto.graph.input if value.name not in weights]


def describe_value(value: Any) -> dict[str, Any]:
    """Name, shape (a name or None for a dynamic size) and NumPy type of an input or output."""
    import onnx

    kind = value.type.tensor_type
    try:
        dtype = str(onnx.helper.tensor_dtype_to_np_dtype(kind.elem_type))
    except (KeyError, TypeError, ValueError):
        dtype = "unknown"
    shape = [dim.dim_param or dim.dim_value or None for dim in kind.shape.dim]
    return {"name": value.name, "shape": shape, "dtype": dtype}


def _versions() -> dict[str, str]:
    import onnx
    import torch

    from .network import import_timm, import_torchvision

    modules = {"torch": torch, "torchvision": import_torchvision(), "timm": import_timm(), "onnx": onnx}
    return {"python": platform.python_version(), **{name: str(m.__version__) for name, m in modules.items()}}


if __name__ == "__main__":
    run(main)
