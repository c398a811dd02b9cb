"""An ONNX model of the user instead of an export: checked against the recipe, its weights in one file.

Command line::

    python3 -m inside.adopt --model FILE --network JSON --out DIR

makes ``DIR/model.onnx`` with the outputs that the recipe names, in that order, and ``DIR/export.json``.
"""

from __future__ import annotations

import argparse
import os
import platform
from typing import Any

from .companions import companions
from .export import describe, describe_value, inputs_of
from .mistaken import refuse_mistaken
from .protocol import UserError, oneline, progress, run, write_bytes, write_json
from .specification import InputSpec, NetworkSpec, parse_network

__all__ = ["adopt", "main"]

_AGAIN = "Fetch or export the model again."
_LARGEST = (1 << 31) - (1 << 24)
_STEPS = 3


def adopt(path: str, spec: NetworkSpec) -> Any:
    """The model as an ``onnx.ModelProto``, checked.

    Raises:
        UserError: no ONNX model, data that is not next to it, unknown operators, other inputs or outputs than the
            recipe says, a batch that it cannot compute.
    """
    proto = _loaded(path)
    _check_inputs(proto, spec, path)
    _choose_outputs(proto, spec, path)
    _check_graph(proto, path)
    _try(proto, spec, path)
    return proto


def _loaded(path: str) -> Any:
    import onnx

    try:
        with open(path, "rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        raise UserError("there is no such model", "Give the ONNX file.", path, "missing") from None
    refuse_mistaken(head, "an ONNX model", path)
    if head[:2] in {b"PK", b"\x80\x02", b"\x80\x04"}:
        remedy = "Set model -> source to timm, torchvision or code: a checkpoint needs its network."
        raise UserError("is a checkpoint of PyTorch, not an ONNX model", remedy, path)
    folder = os.path.dirname(os.path.abspath(path))
    total = os.path.getsize(path)
    for name in companions(path):
        place = os.path.join(folder, name)
        if not os.path.isfile(place):
            what = f"keeps weights in {name}, which is not next to it"
            raise UserError(what, "Put that file into the folder of the model.", path, "missing")
        total += os.path.getsize(place)
    if total >= _LARGEST:
        what = f"has {total} bytes with its external data, and one ONNX file holds 2 GB"
        raise UserError(what, "Give a smaller model.", path)
    try:
        proto = onnx.load(path)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - protobuf and onnx raise errors without a common base
        what = f"is not an ONNX model: {oneline(error)}"
        raise UserError(what, _AGAIN, path, "damaged") from None
    if not proto.graph.node:
        raise UserError("is not an ONNX model, or an empty one", _AGAIN, path, "damaged")
    return proto


def _check_inputs(proto: Any, spec: NetworkSpec, path: str) -> None:
    found = {one.name: one for one in inputs_of(proto)}
    wanted = [one.name for one in spec.inputs]
    if set(found) != set(wanted):
        what = f"has the input{'s' if len(found) > 1 else ''} {', '.join(found)}, the recipe says {', '.join(wanted)}"
        raise UserError(what, "Set the names under input of the recipe, or inputs for several.", path)
    for one in spec.inputs:
        _check_input(found[one.name], one, path)


def _check_input(value: Any, one: InputSpec, path: str) -> None:
    facts = describe_value(value)
    dtype = facts["dtype"]
    if dtype != one.dtype:
        what = f"input {one.name} takes {dtype}, the recipe says {one.dtype}"
        raise UserError(what, f"Set dtype: {dtype} for this input.", path)
    sizes = [size if isinstance(size, int) and size > 0 else None for size in facts["shape"]]
    shown = " x ".join("?" if size is None else str(size) for size in sizes)
    if len(sizes) != len(one.shape) + 1 or any(
        size not in {None, wanted} for size, wanted in zip(sizes[1:], one.shape, strict=True)
    ):
        what = f"input {one.name} has the shape {shown}, the recipe says {' x '.join(('batch', *map(str, one.shape)))}"
        raise UserError(what, "Correct input -> shape (and layout) of the recipe.", path)
    if sizes[0] != one.batch:
        if sizes[0] is None:
            what, remedy = f"the batch of input {one.name} is dynamic, the recipe says {one.batch}", "Leave batch out."
        else:
            what = f"input {one.name} takes a batch of {sizes[0]} only"
            remedy = f"Set input -> batch: {sizes[0]} and batches: [{sizes[0]}], or export it with a dynamic batch."
        raise UserError(what, remedy, path)


def _choose_outputs(proto: Any, spec: NetworkSpec, path: str) -> None:
    found = {one.name: one for one in proto.graph.output}
    if odd := [name for name in spec.outputs if name not in found]:
        what = f"has no output {odd[0]!r}; it has {', '.join(found)}"
        raise UserError(what, "Correct output (or outputs) of the recipe.", path)
    kept = [type(found[name]).FromString(found[name].SerializeToString()) for name in spec.outputs]
    del proto.graph.output[:]
    proto.graph.output.extend(kept)


def _check_graph(proto: Any, path: str) -> None:
    import onnx

    try:
        onnx.checker.check_model(proto)
    except (onnx.checker.ValidationError, ValueError, RuntimeError) as error:
        what = f"is not valid ONNX: {oneline(error)}"
        raise UserError(what, "Export it again, with operators of an ONNX opset.", path) from None


def _try(proto: Any, spec: NetworkSpec, path: str) -> None:
    """Compute a batch of one and one of two, or the only one that it takes."""
    import numpy as np
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    try:
        session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - its errors have no common base but Exception
        what = f"is not a model that ONNX Runtime reads: {oneline(error)}"
        raise UserError(what, "Use operators that ONNX Runtime has.", path) from None
    axes = set(range(16))  # the batch may be another axis than the first: T x N x C of text recognisers
    for batch in (spec.inputs[0].batch,) if spec.inputs[0].batch else (1, 2):
        inputs = {one.name: np.zeros((batch, *one.shape), dtype=one.dtype) for one in spec.inputs}
        try:
            results = session.run(list(spec.outputs), inputs)
        except Exception as error:  # noqa: BLE001 - as above
            what = f"cannot compute a batch of {batch}: {oneline(error)}"
            raise UserError(what, "Correct the shapes of the recipe, or set input -> batch.", path) from None
        shape: tuple[int, ...] = getattr(results[0], "shape", ())
        axes &= {axis for axis, size in enumerate(shape) if size == batch}
        if len(shape) > 1 and not axes and spec.inputs[0].batch != 1:  # of one sample, all of it is that sample's
            what = f"gives {shape[0]} results for a batch of {batch}"
            raise UserError(what, "Its axis 0 is not the batch: set input -> batch to what it was made for.", path)
        spec.check_scores(results[0], batch, path)


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="adopt", description="Check an ONNX model that takes the place of an export.")
    parser.add_argument("--model", required=True, help="ONNX file")
    parser.add_argument("--network", required=True, help="what network it is, as JSON")
    parser.add_argument("--out", required=True, help="folder for model.onnx and export.json")
    arguments = parser.parse_args(argv)
    spec = parse_network(arguments.network)
    progress(0, _STEPS, "steps")
    proto = adopt(arguments.model, spec)
    progress(1, _STEPS, "steps")
    outside = list(companions(arguments.model))
    with open(arguments.model, "rb") as file:
        content = file.read()
    import onnx

    declared = [one.name for one in onnx.load_from_string(content).graph.output]
    if outside or declared != list(spec.outputs):
        content = proto.SerializeToString(deterministic=True)
    progress(2, _STEPS, "steps")
    os.makedirs(arguments.out, exist_ok=True)
    write_bytes(os.path.join(arguments.out, "model.onnx"), content)
    facts: dict[str, Any] = {
        "source": "onnx",
        "architecture": None,
        "classes": spec.classes,
        "external_data": outside,
        "onnx": describe(proto, content),
        "versions": {"python": platform.python_version(), "onnx": str(onnx.__version__)},
    }
    write_json(os.path.join(arguments.out, "export.json"), facts)
    progress(_STEPS, _STEPS, "steps")
    print(f"model.onnx: {len(content)} bytes, sha256 {facts['onnx']['sha256']}; used as it is, nothing was exported")


if __name__ == "__main__":
    run(main)
