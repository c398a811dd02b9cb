"""Throughputs from what kit's own measuring program wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from kit.errors import DamagedError
from kit.results.batches import read_json
from kit.results.measurements import Throughput

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["read_throughput"]


def read_throughput(path: Path, batches: Sequence[int]) -> tuple[Throughput, ...]:
    """The throughput of each batch, from ``bench.json``.

    Raises:
        DamagedError: missing, not of its form, or without one of the batches.
    """
    tree = read_json(path)
    try:
        found = {one["batch"]: _throughput(tree, one) for one in tree["batches"]}
        return tuple(found[batch] for batch in batches)
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise DamagedError(
            "the measurement cannot be read", where=str(path), remedy="run the step again with --force"
        ) from error


def _throughput(tree: dict[str, Any], one: dict[str, Any]) -> Throughput:
    return Throughput.model_validate(
        {
            "batch": one["batch"],
            "rate": one["rate"],
            "per": "image",
            "factor": 1,
            "mode": "dataset" if tree["data"] == "real" else "synthetic",
            "repeats": [part["rate"] for part in one["rounds"]],
            "interval": one["interval"],
            "unstable": one["unstable"],
            "conditions": tree["conditions"],
            "energy": one["energy"],
            "latency_ms": one["latency"],
            "raw": {"warm-up calls": one["warmup"]["calls"], "warm-up (s)": round(one["warmup"]["seconds"], 3)},
        }
    )
