"""Files that a file refers to: shards of a checkpoint's index, external data of an ONNX model.

They belong to it, and are hashed, copied and mounted together with it. The host uses this module, too, so it imports
nothing heavy. Protocol buffer wire format:
https://protobuf.dev/programming-guides/encoding/; field numbers: onnx/onnx.proto.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from .protocol import UserError
from .wire import Bytes, fields, messages

__all__ = ["INDEX_SUFFIX", "companions", "read_index"]

#: How the index of a checkpoint in shards ends: model.safetensors.index.json, pytorch_model.bin.index.json.
INDEX_SUFFIX = ".index.json"
_MAX_INDEX = 64 << 20
_LARGEST_MODEL = 4 << 30
#: ModelProto.graph; GraphProto.node, .initializer and .sparse_initializer; NodeProto.attribute; AttributeProto.t, .g,
#: .tensors and .graphs; TensorProto.external_data; StringStringEntryProto.key and .value.
_GRAPH, _NODE, _INITIALIZER, _ATTRIBUTE = 7, 1, 5, 5
_T, _G, _TENSORS, _GRAPHS = 5, 6, 10, 11
_EXTERNAL, _KEY, _VALUE = 13, 1, 2
_DEEPEST = 16


def companions(path: str) -> tuple[str, ...]:
    """Paths of the files that `path` refers to, sorted, relative to its folder; none for most files.

    Raises:
        UserError: one of them is outside the folder, or the file cannot be read.
    """
    if path.endswith(INDEX_SUFFIX):
        return tuple(sorted(set(read_index(path).values())))
    if path.endswith(".onnx"):
        return tuple(sorted(_checked(name, path) for name in _external(path)))
    return ()


def read_index(path: str) -> dict[str, str]:
    """Name of each weight, and the shard that holds it.

    Raises:
        UserError: no file, or not an index.
    """
    again = "Give the .index.json of the checkpoint, as it was published next to its shards."
    try:
        with open(path, "rb") as file:
            data = file.read(_MAX_INDEX + 1)
        tree: Any = json.loads(data) if len(data) <= _MAX_INDEX else None
        weights = tree["weight_map"]
        pairs = {str(name): str(shard) for name, shard in weights.items()}
    except FileNotFoundError:
        raise UserError("there are no such weights", "Give the file of the weights.", path, "missing") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UserError("is not the index of a checkpoint in shards", again, path, "damaged") from None
    if not pairs:
        raise UserError("names no weight", again, path, "damaged")
    return {name: _checked(shard, path) for name, shard in pairs.items()}


def _checked(name: str, path: str) -> str:
    parts = name.split("/")
    if not name or name.startswith("/") or ".." in parts or "\0" in name or "\\" in name:
        remedy = "Put the files that it refers to next to it, and refer to them without a parent folder."
        raise UserError(f"refers to a file outside its folder: {name[:200]!r}", remedy, path)
    return os.path.normpath(name)


def _external(path: str) -> set[str]:
    """Locations of external data in an ONNX model; none for another file, which is refused where it is opened."""
    try:
        with open(path, "rb") as file:
            data = memoryview(file.read(_LARGEST_MODEL))
    except OSError:
        return set()
    found: set[str] = set()
    try:
        for tensor in _tensors(data):
            for entry in messages(tensor, _EXTERNAL):
                parts = {number: value for number, value in fields(entry) if isinstance(value, memoryview)}
                if bytes(parts.get(_KEY, b"")) == b"location":
                    found.add(bytes(parts.get(_VALUE, b"")).decode())
    except (ValueError, IndexError):
        return set()
    return found


def _tensors(model: Bytes) -> Iterator[Bytes]:
    pending = [(graph, 0) for graph in messages(model, _GRAPH)]
    while pending:
        graph, depth = pending.pop()
        if depth > _DEEPEST:
            raise ValueError("too deep")
        yield from messages(graph, _INITIALIZER)
        for node in messages(graph, _NODE):
            for attribute in messages(node, _ATTRIBUTE):
                for number, value in fields(attribute):
                    if number in {_T, _TENSORS} and isinstance(value, memoryview):
                        yield value
                    elif number in {_G, _GRAPHS} and isinstance(value, memoryview):
                        pending.append((value, depth + 1))
