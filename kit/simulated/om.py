"""The simulated ``.om``: the vendor's 256-byte IMOD header, then JSON facts, then the ONNX model.

Header layout: graphengine ``inc/framework/common/types.h`` (ModelFileHeader). The platform version says SIMULATED: the
vendor's own tools would refuse the file, and kit can tell it from a real one.
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .models import packed, unpacked

__all__ = ["HEAD_SIZE", "Om", "OmError", "read_om", "write_om"]

HEADER = struct.Struct("<4sII64sI4B32sI32sII20sB75s")
MAGIC, PLATFORM = b"IMOD", b"SIMULATED"
HEAD_SIZE = HEADER.size


class OmError(ValueError):
    """Not an om file of these stand-ins: foreign, cut or damaged."""


@dataclass
class Om:
    """What a compiled model says of itself; dims of inputs are as compiled, -1 where a gear decides."""

    name: str
    soc_version: str
    inputs: list[dict[str, Any]]  # name, dims, dtype (numpy name)
    outputs: list[str]
    batches: list[int] = field(default_factory=list)  # gears of --dynamic_batch_size
    sizes: list[list[int]] = field(default_factory=list)  # gears of --dynamic_image_size or --dynamic_dims
    ranges: dict[str, list[list[int]]] = field(default_factory=dict)  # input -> least and most of each of its axes
    fp16: bool = True
    output_type: str = ""
    aipp: dict[str, Any] | None = None
    atc_version: str = ""
    command: str = ""
    onnx: bytes = b""

    @property
    def batch(self) -> int:
        """The batch that a caller must use: the compiled one, or the largest gear."""
        if self.batches:
            return max(self.batches)
        dims = self.inputs[0]["dims"] if self.inputs else []
        return int(dims[0]) if dims else 1

    @property
    def static_aipp(self) -> dict[str, Any] | None:
        """The AIPP configuration that is compiled in."""
        return self.aipp if self.aipp and self.aipp.get("aipp_mode") == "static" else None


def digest(body: bytes) -> bytes:
    """What the header's 64 bytes of checksum hold: SHA-256 in hexadecimal."""
    return hashlib.sha256(body).hexdigest().encode()


def write_om(path: Path, om: Om, *, cut: bool = False) -> None:
    """Write with mode 0600, as atc does; ``cut`` leaves the half of it, as a killed compiler would."""
    body = packed(om)
    name = om.name.encode()[:31]
    numbers = (0, 1, 0, 0)  # is_encrypt, is_checksum, modeltype, genmode
    header = HEADER.pack(
        MAGIC, HEAD_SIZE, 0x20000000, digest(body), len(body), *numbers, name, 0, b"", 0, 1, PLATFORM, 0, b""
    )
    data = header + body
    if cut:
        data = data[: len(data) // 2]
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".om-")
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
    Path(partial).replace(path)


def read_om(path: Path) -> Om:
    """Read an om.

    Raises:
        OmError: the magic, the length or the body is wrong, or a real compiler made it.
        OSError: the file cannot be read.
    """
    data = path.read_bytes()
    if len(data) < HEAD_SIZE or data[:4] != MAGIC:
        raise OmError("the file does not start with IMOD")
    values = HEADER.unpack_from(data)
    if not values[14].startswith(PLATFORM):
        raise OmError("this om was compiled by the vendor's atc; a stand-in cannot run it")
    if len(data) != HEAD_SIZE + values[4] or values[3] != digest(data[HEAD_SIZE:]):
        raise OmError("the file is cut or damaged")
    return Om(**unpacked(data[HEAD_SIZE:]))
