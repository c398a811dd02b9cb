"""The simulated plan: a header that says so, JSON facts, the ONNX model."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .models import packed, unpacked

__all__ = ["MAGIC", "EnginePlan", "PlanError", "read_plan", "write_plan"]

MAGIC = b"ptrtSIMULATED\0\0\0"


class PlanError(ValueError):
    """The file is not a plan of these stand-ins, or it is cut or damaged."""


@dataclass
class EnginePlan:
    """An engine: its bindings (dims with -1 where a profile decides) and the profile it was built for."""

    version: str
    fp16: bool
    inputs: list[dict[str, Any]]  # name, dims, dtype
    outputs: list[dict[str, Any]]
    profile: dict[str, list[list[int]]]  # min, opt, max of each dynamic input
    # Tactics are timed anew at each build: two plans of one model are never the same bytes.
    build: str = field(default_factory=lambda: uuid.uuid4().hex)
    onnx: bytes = b""


def write_plan(path: Path, plan: EnginePlan) -> None:
    """Write in place, as trtexec does.

    Raises:
        OSError: the file cannot be written.
    """
    body = packed(plan)
    path.write_bytes(MAGIC + hashlib.sha256(body).digest() + body)


def read_plan(data: bytes) -> EnginePlan:
    """A plan from the bytes of its file.

    Raises:
        PlanError: foreign, cut or damaged.
    """
    if not data.startswith(MAGIC):
        raise PlanError("the file is not a plan of the stand-in")
    start = len(MAGIC) + 32
    if hashlib.sha256(data[start:]).digest() != data[len(MAGIC) : start]:
        raise PlanError("the plan is cut or damaged")
    return EnginePlan(**unpacked(data[start:]))
