"""A link of the chain from raw outputs to the report: one thing that a verification looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Link", "State"]

#: ok: it is what it must be. wrong: it is not. unproven: nobody can tell on this machine. absent: a file that no number
#: was read from is not here, and its digest is known from a record that is proven.
State = Literal["ok", "absent", "unproven", "wrong"]


@dataclass(frozen=True)
class Link:
    """What was looked at, how it is, and why."""

    subject: str  # "weights", "cpu: cpu/infer/predictions.npy", "results/cpu.json: throughput[0].rate", "README.md"
    state: State
    message: str
    path: str = ""
