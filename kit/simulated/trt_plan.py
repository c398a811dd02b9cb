"""The simulated plan: a header that says so, JSON facts, the ONNX model."""

from __future__ import annotations

import hashlib
import json
import os
import struct
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["MAGIC", "Plan", "PlanError", "is_simulated", "read_plan", "write_plan"]

MAGIC = b"ptrtSIMULATED\0\0\0"


class PlanError(ValueError):
    """The file is no plan of these stand-ins."""


@dataclass
class Plan:
    """An engine: its bindings (dims with -1 where a profile decides) and the profile it was built for."""

    version: str
    compute: str
    fp16: bool
    inputs: list[dict[str, Any]]  # name, dims, dtype
    outputs: list[str]
    profile: dict[str, list[list[int]]]  # min, opt, max of each dynamic input
    layers: list[str] = field(default_factory=list)
    # Tactics are timed anew at each build: two plans of one model are never the same bytes.
    build: str = field(default_factory=lambda: uuid.uuid4().hex)
    onnx: bytes = b""


def write_plan(path: Path, plan: Plan) -> None:
    """Write in place, as trtexec does.

    Raises:
        OSError: the file cannot be written.
    """
    facts = asdict(plan)
    del facts["onnx"]
    text = json.dumps(facts, sort_keys=True).encode()
    with path.open("wb") as stream:
        body = struct.pack("<I", len(text)) + text + plan.onnx
        stream.write(MAGIC + hashlib.sha256(body).digest() + body)


def read_plan(path: Path) -> Plan:
    """Read a plan.

    Raises:
        PlanError: foreign or cut.
        OSError: the file cannot be read.
    """
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        raise PlanError("the file is not a plan of the stand-in")
    start = len(MAGIC) + 32
    if hashlib.sha256(data[start:]).digest() != data[len(MAGIC) : start]:
        raise PlanError("the plan is cut or damaged")
    try:
        (size,) = struct.unpack_from("<I", data, start)
        start += 4
        return Plan(onnx=data[start + size :], **json.loads(data[start : start + size]))
    except (ValueError, TypeError, struct.error) as error:
        raise PlanError("the plan is cut or damaged") from error


def is_simulated(path: Path) -> bool:
    """Whether a plan was made by the stand-in."""
    with os.fdopen(os.open(path, os.O_RDONLY), "rb") as stream:
        return stream.read(len(MAGIC)) == MAGIC
