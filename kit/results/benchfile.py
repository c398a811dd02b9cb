"""Throughputs from what kit's own measuring program wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from kit.errors import DamagedError
from kit.results.evidence import measurement
from kit.results.measurements import Throughput
from kit.results.outputs import Output

__all__ = ["read_throughput"]


def read_throughput(output: Output, batches: Sequence[int]) -> tuple[Throughput, ...]:
    """The throughput of each batch, from ``bench.json``.

    Raises:
        DamagedError: missing, not of its form, or without one of the batches.
    """
    tree = output.tree
    try:
        found = {one["batch"]: _throughput(output, index, one) for index, one in enumerate(tree["batches"])}
        return tuple(found[batch] for batch in batches)
    except (KeyError, TypeError, ValueError, ValidationError) as error:
        raise DamagedError(
            "the measurement cannot be read", where=str(output.path), remedy="run the step again with --force"
        ) from error


def _throughput(output: Output, index: int, one: dict[str, Any]) -> Throughput:
    at = ("batches", index)
    return measurement(
        Throughput,
        batch=one["batch"],
        rate=output.key(*at, "rate"),
        per="image",
        factor=1,
        mode="dataset" if output.tree["data"] == "real" else "synthetic",
        repeats=[output.key(*at, "rounds", number, "rate") for number in range(len(one["rounds"]))],
        interval=[output.key(*at, "interval", end) for end in (0, 1)] if one["interval"] else None,
        unstable=one["unstable"],
        conditions=output.keys("conditions"),
        energy=output.keys(*at, "energy") if one["energy"] else None,
        latency_ms=output.keys(*at, "latency") if one["latency"] else None,
        raw={
            "warm-up calls": output.key(*at, "warmup", "calls"),
            "warm-up (s)": output.key(*at, "warmup", "seconds"),
        },
    )
