"""As much of an ONNX file as the stand-ins need, read straight from the protobuf wire: the runtime image has no onnx.

Field numbers are those of onnx.proto3. Only what is looked at is decoded; a file is edited by copying every other
field's bytes unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Model", "Node", "Port", "WireError", "read_model", "round_to_half", "with_input_shapes", "with_outputs"]

FLOAT, FLOAT16 = 1, 10
ITEM_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8}  # by TensorProto.DataType
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """The bytes are not an ONNX model, or the file is cut."""


@dataclass(frozen=True)
class Port:
    """An input or output of the graph; a dimension that is not fixed is -1."""

    name: str
    elem_type: int
    dims: tuple[int, ...]

    @property
    def dynamic(self) -> bool:
        return any(size < 0 for size in self.dims)


@dataclass(frozen=True)
class Node:
    name: str
    op: str
    domain: str
    outputs: tuple[str, ...]


@dataclass
class Model:
    ir_version: int = 0
    producer_name: str = ""
    producer_version: str = ""
    domain: str = ""
    model_version: int = 0
    doc: str = ""
    opset: int = 0
    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    weights: set[str] = field(default_factory=set)
    int64_weights: bool = False
    external: bool = False


def varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise WireError("the file is cut or is not protobuf")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data: memoryview) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield (field number, wire type, value or 0, start, end) of every field; start..end is the payload."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise WireError("the file is not protobuf")
        value = 0
        start = at
        if wire == VARINT:
            value, end = varint(data, at)
        elif wire == BYTES:
            size, start = varint(data, at)
            end = start + size
        elif wire in {FIXED64, FIXED32}:
            end = at + (8 if wire == FIXED64 else 4)
        else:
            raise WireError("the file is not protobuf")
        if end > len(data):
            raise WireError("the file is cut")
        yield number, wire, value, start, end
        at = end


def text(data: memoryview) -> str:
    return bytes(data).decode("utf-8", "replace")


def signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def read_port(data: memoryview) -> Port:
    name, elem, dims = "", 0, []
    for number, _, _, start, end in fields(data):
        if number == 1:
            name = text(data[start:end])
        elif number == 2:
            kind = data[start:end]
            for sub, wire, _, first, last in fields(kind):
                if sub != 1 or wire != BYTES:
                    continue
                tensor = kind[first:last]
                for part, _, value, begin, stop in fields(tensor):
                    if part == 1:
                        elem = value
                    elif part == 2:
                        shape = tensor[begin:stop]
                        for which, _, _, one, two in fields(shape):
                            if which == 1:
                                dims.append(read_dim(shape[one:two]))
    return Port(name, elem, tuple(dims))


def read_dim(data: memoryview) -> int:
    for number, _, value, _, _ in fields(data):
        if number == 1:
            size = signed(value)
            return size if size > 0 else -1
    return -1


def read_node(data: memoryview) -> Node:
    name = op = domain = ""
    outputs = []
    for number, _, _, start, end in fields(data):
        if number == 2:
            outputs.append(text(data[start:end]))
        elif number == 3:
            name = text(data[start:end])
        elif number == 4:
            op = text(data[start:end])
        elif number == 7:
            domain = text(data[start:end])
    return Node(name, op, domain, tuple(outputs))


def read_graph(data: memoryview, model: Model) -> None:
    for number, _, _, start, end in fields(data):
        part = data[start:end]
        if number == 1:
            model.nodes.append(read_node(part))
        elif number == 5:
            for sub, _, value, first, last in fields(part):
                if sub == 8:
                    model.weights.add(text(part[first:last]))
                elif sub == 2 and value == 7:
                    model.int64_weights = True
                elif sub == 14 and value == 1:
                    model.external = True
        elif number == 11:
            model.inputs.append(read_port(part))
        elif number == 12:
            model.outputs.append(read_port(part))


def read_model(data: bytes) -> Model:
    """Read what the tools show and check.

    Raises:
        WireError: the bytes are not an ONNX model.
    """
    view = memoryview(data)
    model = Model()
    graph = False
    for number, wire, value, start, end in fields(view):
        part = view[start:end]
        if number == 1:
            model.ir_version = value
        elif number == 2:
            model.producer_name = text(part)
        elif number == 3:
            model.producer_version = text(part)
        elif number == 4:
            model.domain = text(part)
        elif number == 5:
            model.model_version = signed(value)
        elif number == 6:
            model.doc = text(part)
        elif number == 7 and wire == BYTES:
            graph = True
            read_graph(part, model)
        elif number == 8:
            domain, version = "", 0
            for sub, _, amount, first, last in fields(part):
                if sub == 1:
                    domain = text(part[first:last])
                elif sub == 2:
                    version = amount
            if domain in {"", "ai.onnx"}:
                model.opset = version
    if not graph or not model.nodes:
        raise WireError("there is no graph in the file")
    model.inputs = [port for port in model.inputs if port.name not in model.weights]
    return model


def half(values: np.ndarray) -> np.ndarray:
    """Round float32 to float16 and back; what is out of range becomes the largest half, as the cards saturate."""
    finite = np.isfinite(values)
    limited = np.where(finite, np.clip(values, -65504.0, 65504.0), values)
    return limited.astype(np.float16).astype(np.float32)


def round_to_half(data: bytes) -> bytes:
    """The same model with every float32 weight and constant rounded to fp16; sizes do not change, so it is in place."""
    out = bytearray(data)
    view = memoryview(data)

    def tensor(start: int, end: int) -> None:
        spans = []
        kind = 0
        for number, wire, value, first, last in fields(view[start:end]):
            if number == 2:
                kind = value
            elif number in {4, 9} and wire in {BYTES, FIXED32}:
                spans.append((start + first, start + last))
        if kind != FLOAT:
            return
        for first, last in spans:
            if (last - first) % 4 == 0:
                out[first:last] = half(np.frombuffer(view[first:last], "<f4")).astype("<f4").tobytes()

    def graph(start: int, end: int) -> None:
        for number, wire, _, first, last in fields(view[start:end]):
            if wire != BYTES:
                continue
            if number == 5:
                tensor(start + first, start + last)
            elif number == 1:
                node(start + first, start + last)

    def node(start: int, end: int) -> None:
        for number, wire, _, first, last in fields(view[start:end]):
            if number == 5 and wire == BYTES:
                base = start + first
                for sub, kind, _, one, two in fields(view[base : start + last]):
                    if sub == 5 and kind == BYTES:
                        tensor(base + one, base + two)
                    elif sub == 6 and kind == BYTES:
                        graph(base + one, base + two)

    for number, wire, _, first, last in fields(view):
        if number == 7 and wire == BYTES:
            graph(first, last)
    return bytes(out)


def put_varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def put(number: int, payload: bytes) -> bytes:
    return put_varint(number << 3 | BYTES) + put_varint(len(payload)) + payload


def put_port(port: Port) -> bytes:
    dims = b"".join(put(1, b"\x08" + put_varint(size) if size > 0 else b"") for size in port.dims)
    tensor = b"\x08" + put_varint(port.elem_type) + put(2, dims)
    return put(1, port.name.encode()) + put(2, put(1, tensor))


def edit_graph(data: bytes, change: Mapping[int, list[bytes]], replace: Mapping[str, Port]) -> bytes:
    """Rewrite the graph: fields in ``change`` are replaced by the given ones, inputs in ``replace`` get new types."""
    view = memoryview(data)
    out = bytearray()
    last_end = 0
    for number, wire, _, start, end in fields(view):
        if number != 7 or wire != BYTES:
            out += view[last_end:end]
            last_end = end
            continue
        graph = view[start:end]
        body = bytearray()
        done = 0
        for sub, _, _, first, last in fields(graph):
            if sub in change:
                pass
            elif sub == 11 and (port := replace.get(read_port(graph[first:last]).name)):
                body += put(11, put_port(port))
            else:
                body += graph[done:last]
            done = last
        for sub, payloads in change.items():
            for payload in payloads:
                body += put(sub, payload)
        out += put(7, bytes(body))
        last_end = end
    return bytes(out)


def with_input_shapes(data: bytes, shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    """The same model with fixed input shapes; stored shapes of inner tensors are dropped, they are inferred anew."""
    ports = {port.name: port for port in read_model(data).inputs}
    replace = {name: Port(name, ports[name].elem_type, dims) for name, dims in shapes.items() if name in ports}
    return edit_graph(data, {13: []}, replace)


def with_outputs(data: bytes, ports: list[Port]) -> bytes:
    """The same model with other graph outputs (inner tensors); their shape is left open."""
    return edit_graph(data, {12: [put(1, port.name.encode()) + put_type(port.elem_type) for port in ports]}, {})


def put_type(elem_type: int) -> bytes:
    return put(2, put(1, b"\x08" + put_varint(elem_type)))
