"""A step is a value: image, argv, inputs, devices, limits. It has a fingerprint; it never runs itself.

Words in ``argv``, ``environment``, ``workdir`` and ``links`` may hold placeholders that a runner fills in:
``{in:NAME}`` is the place of an input, ``{out}`` the folder for what the step makes, ``{code}`` the folder that holds
the package ``inside``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

__all__ = [
    "Devices",
    "External",
    "Input",
    "Limits",
    "Made",
    "Outcome",
    "Stage",
    "Step",
    "canonical",
    "fill",
    "fingerprint_of",
    "fingerprint_parts",
]

Stage = Literal["export", "parity", "convert", "preprocess", "infer", "metrics", "bench", "query"]

GIB = 1 << 30


@dataclass(frozen=True)
class External:
    """An input that the user gave: a file or folder of the host, known by its content."""

    path: Path


@dataclass(frozen=True)
class Made:
    """An input that another step made: its output folder, or one file in it."""

    step: str
    file: str | None = None


Input = External | Made


@dataclass(frozen=True)
class Limits:
    """What a container may use at most."""

    memory_bytes: int = 4 * GIB
    pids: int = 256
    shm_bytes: int = GIB // 4
    network: bool = False
    seconds: int = 24 * 3600  # of the whole step
    silence_s: int = 600  # without progress or output, for programs of kit


@dataclass(frozen=True)
class Devices:
    """What of the host's hardware a step needs; empty for a step that needs none.

    A node or file is a path, or ``source:target`` where the container sees it under another path.
    """

    nodes: tuple[str, ...] = ()
    gpus: tuple[str, ...] = ()  # UUIDs or indexes, for the engine's GPU driver
    files: tuple[str, ...] = ()  # driver files and folders, mounted read-only
    groups: tuple[int, ...] = ()  # groups of the nodes
    runtime: str | None = None  # container runtime, where the engine has the vendor's
    leases: tuple[str, ...] = ()  # names of devices that nobody else may use at the same time


@dataclass(frozen=True)
class Step:
    """One program in one container.

    ``name`` is unique in a plan and is also the folder name of its artifacts; two targets that plan an equal step
    share it. A ``timed`` step measures: its fingerprint holds the host's identity, and nothing runs in parallel.
    """

    name: str
    stage: Stage
    title: str
    image: str
    argv: tuple[str, ...]
    outputs: tuple[str, ...]
    inputs: Mapping[str, Input] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    devices: Devices = Devices()
    limits: Limits = Limits()
    code: tuple[str, ...] = ()  # modules of kit/inside that the program uses; () for a vendor's tool
    workdir: str = "{out}"  # where the program starts; vendors' tools leave files there
    links: Mapping[str, str] = field(default_factory=dict)  # name in {out} -> an input's place, for paths inside files
    batch: int | None = None
    timed: bool = False
    simulated: bool = False
    keep_output: bool = False  # stdout.txt and stderr.txt are artifacts, because they hold the result
    root: bool = False  # a vendor's tool that refuses other users
    shard: int = 0  # number of the part of the data set; 0: all of it
    private: bool = False  # one that refuses inputs of another owner, and a working folder that others may read

    @property
    def after(self) -> tuple[str, ...]:
        """Names of the steps that must be done before."""
        return tuple(dict.fromkeys(source.step for source in self.inputs.values() if isinstance(source, Made)))


@dataclass(frozen=True)
class Outcome:
    """What a run of a step left: its exit code, its output folder, its streams."""

    exit_code: int
    folder: Path
    stdout: Path
    stderr: Path
    seconds: float
    oom: bool = False


_PLACEHOLDER = re.compile(r"\{(in:([A-Za-z0-9_-]+)|out|code)\}")


def fill(text: str, *, inputs: Callable[[str], str], out: str, code: str) -> str:
    """``text`` with its placeholders replaced."""

    def place(match: re.Match[str]) -> str:
        if match[1] == "out":
            return out
        return code if match[1] == "code" else inputs(match[2])

    return _PLACEHOLDER.sub(place, text)


def canonical(value: Any) -> bytes:
    """Canonical JSON: sorted keys, no blanks, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _speed(limits: Limits) -> dict[str, object]:
    """Those limits that may change how fast a step is."""
    return {name: value for name, value in asdict(limits).items() if name not in {"seconds", "silence_s"}}


def fingerprint_parts(
    step: Step, *, image: str, inputs: Mapping[str, str], code: str, host: str | None = None
) -> dict[str, Any]:
    """Everything that decides what a step makes, as JSON data: a record holds it, so that anybody can compute it again.

    Args:
        step: the step.
        image: id of the image that it runs in.
        inputs: digest of each input, by name.
        code: digest of the programs in ``inside`` that it uses.
        host: identity of the machine, for a timed step.
    """
    content = {
        "image": image,
        "argv": step.argv,
        "environment": dict(step.environment),
        "inputs": dict(inputs),
        "workdir": step.workdir,
        "links": dict(step.links),
        "code": code,
        "devices": asdict(step.devices),
        "outputs": step.outputs,
        "limits": _speed(step.limits) if step.timed else None,  # limits change speed, not content
        "host": host if step.timed else None,
        "simulated": step.simulated,
        "root": step.root,
        "keep_output": step.keep_output,
        **({"private": True} if step.private else {}),
    }
    parts: dict[str, Any] = json.loads(canonical(content))
    return parts


def fingerprint_of(parts: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of the parts."""
    return hashlib.sha256(canonical(parts)).hexdigest()
