"""Names and dimensions of an ONNX file's inputs, read from the file itself: is the batch axis dynamic?

TensorRT 7.2 ignores ``--shapes`` on a static model and on a misspelt input without an error, and measures another batch
than the one that was asked for.

Command line::

    python3 -m inside.onnx_input --model FILE --input NAME --shape 3,224,224 ... --out DIR

writes ``input.json`` (``inputs`` and ``outputs``: names, types, dimensions), or ends with what is wrong. Field
numbers: onnx/onnx.proto.
"""

from __future__ import annotations

import argparse
import os
from typing import NamedTuple

from .mistaken import refuse_mistaken
from .protocol import UserError, run, write_json
from .wire import as_bytes, fields, messages

__all__ = ["GraphValue", "check_input", "graph_values", "inputs", "main"]

_MAX = 4 << 30
#: ModelProto.graph; GraphProto.initializer, .input and .output; TensorProto.name.
_GRAPH, _INITIALIZER, _INPUT, _OUTPUT, _INITIALIZER_NAME = 7, 5, 11, 12, 8
#: ValueInfoProto.name and .type; TypeProto.tensor_type, its elem_type and shape; TensorShapeProto.dim; dim_value.
_NAME, _TYPE, _TENSOR, _ELEMENT, _SHAPE, _DIM, _VALUE = 1, 2, 1, 1, 2, 1, 1
#: TensorProto.DataType by NumPy's names.
_TYPES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}


class GraphValue(NamedTuple):
    """An input or output of a graph; a size that is not fixed is None."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]


def graph_values(path: str) -> tuple[list[GraphValue], list[GraphValue]]:
    """Inputs and outputs of an ONNX file, read from the file itself; weights listed as inputs are skipped.

    Raises:
        UserError: the file is not an ONNX model.
    """
    found: dict[int, list[GraphValue]] = {_INPUT: [], _OUTPUT: []}
    weights = set()
    try:
        with open(path, "rb") as file:
            data = memoryview(file.read(_MAX + 1))
        refuse_mistaken(bytes(data[:512]), "an ONNX model", path)
        if len(data) > _MAX:
            raise ValueError("too large")
        for graph in messages(data, _GRAPH):
            for number, value in fields(graph):
                if number == _INITIALIZER:
                    weights |= {bytes(name).decode() for name in messages(as_bytes(value), _INITIALIZER_NAME)}
                elif number in found:
                    found[number].append(_graph_value(as_bytes(value)))
        if not found[_INPUT]:
            raise ValueError("no graph")
    except (OSError, ValueError, IndexError) as error:
        raise UserError("this is not an ONNX model", "Export the model again.", path, "damaged") from error
    return [one for one in found[_INPUT] if one.name not in weights], found[_OUTPUT]


def inputs(path: str) -> dict[str, tuple[int | None, ...]]:
    """Dimensions of each input by name, as :func:`graph_values` gives them."""
    return {one.name: one.shape for one in graph_values(path)[0]}


def check_input(path: str, name: str, shape: tuple[int, ...], batch: int | None = None) -> None:
    """Refuse a model that ``--shapes`` would not reach: another input name, a static batch, another image size.

    With ``batch`` the recipe declares that it is fixed to that.

    Raises:
        UserError: one of these, or the file is not an ONNX model.
    """
    found = inputs(path)
    if name not in found:
        raise UserError(
            f"the model has no input {name!r} (it has {', '.join(found)}), so --shapes would be ignored",
            "Set input.name of the recipe to the model's own name.",
            path,
        )
    dims = found[name]
    if not dims or dims[0] != batch:
        is_ = f"fixed to {dims[0]}" if dims and dims[0] else "not fixed"
        raise UserError(
            f"the batch of input {name} is {is_}, so --shapes would be ignored",
            "Export the model with a dynamic batch axis, or declare the fixed one: input -> batch.",
            path,
        )
    if len(dims) != len(shape) + 1 or any(
        one is not None and one != other for one, other in zip(dims[1:], shape, strict=True)
    ):
        shown = "x".join("?" if one is None else str(one) for one in dims)
        raise UserError(
            f"input {name} has the shape {shown}, the recipe says ?x{'x'.join(str(one) for one in shape)}",
            "Correct input.shape of the recipe.",
            path,
        )


def _graph_value(data: memoryview) -> GraphValue:
    name, dtype = "", "unknown"
    dims: list[int | None] = []
    for number, value in fields(data):
        if number == _NAME:
            name = bytes(as_bytes(value)).decode()
        elif number == _TYPE:
            for tensor in messages(as_bytes(value), _TENSOR):
                for part, content in fields(tensor):
                    if part == _ELEMENT and isinstance(content, int):
                        dtype = _TYPES.get(content, "unknown")
                    elif part == _SHAPE:
                        dims += [_size(dim) for dim in messages(as_bytes(content), _DIM)]
    return GraphValue(name, dtype, tuple(dims))


def _size(dim: memoryview) -> int | None:
    """A dimension without a value, or with dim_param, or of 0 or less is dynamic."""
    values = [one for number, one in fields(dim) if number == _VALUE and isinstance(one, int)]
    return values[0] if values and 0 < values[0] < 1 << 31 else None


def main(argv: list[str] | None = None) -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(prog="onnx_input", description="Check the input of an ONNX model.")
    parser.add_argument("--model", required=True)
    parser.add_argument("--input", required=True, action="append", help="name that an input must have; several times")
    parser.add_argument("--shape", required=True, action="append", help="channels,height,width; one for each input")
    parser.add_argument("--batch", type=int, help="the batch that the recipe says is fixed")
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args(argv)
    for name, shape in zip(arguments.input, arguments.shape, strict=True):
        check_input(arguments.model, name, tuple(int(size) for size in shape.split(",") if size), arguments.batch)
    os.makedirs(arguments.out, exist_ok=True)
    found = [[one._asdict() for one in values] for values in graph_values(arguments.model)]
    write_json(os.path.join(arguments.out, "input.json"), {"inputs": found[0], "outputs": found[1]})
    batch = f"fixed to {arguments.batch}" if arguments.batch else "dynamic"
    print(f"the batch axis of input {', '.join(arguments.input)} is {batch}")


if __name__ == "__main__":
    run(main)
