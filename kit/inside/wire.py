"""The wire format of protocol buffers, as far as ONNX files need it: https://protobuf.dev/programming-guides/encoding/."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["Bytes", "as_bytes", "fields", "messages"]

Bytes = memoryview


def fields(data: Bytes) -> Iterator[tuple[int, int | Bytes]]:
    """Number and value of each field: numbers as int, everything with a length as bytes.

    Raises:
        ValueError, IndexError: the data is cut off or of another form.
    """
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in {1, 5}:
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"wire type {kind}")
        if at + size > len(data):
            raise ValueError("cut off")
        yield number, data[at : at + size]
        at += size


def messages(data: Bytes, wanted: int) -> list[Bytes]:
    """The values of all fields of that number, which have a length."""
    return [as_bytes(value) for number, value in fields(data) if number == wanted]


def as_bytes(value: int | Bytes) -> Bytes:
    """A value that must have a length.

    Raises:
        ValueError: it is a number.
    """
    if isinstance(value, int):
        raise ValueError("a number where a message should be")  # noqa: TRY004 - the file is damaged, not the call
    return value


def _varint(data: Bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("number too long")
