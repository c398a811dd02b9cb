"""From rounds of calls to the numbers of ``bench.json``: options of the protocol, and what is written of each batch."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from .arguments import positive
from .disturbance import clocks, disturbances, take
from .energy import Meter, find_meter
from .estimate import percentiles
from .pool import cores
from .protocol import progress
from .rounds import Rules, Series, measure

__all__ = ["add_rules", "measured", "rules_of", "tell"]


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the protocol."""
    parser.add_argument("--batches", type=_batches, required=True, help="images per call, such as 1,8,32")
    parser.add_argument("--threads", type=_count, default=0, help="threads of one call (0: all cores)")
    parser.add_argument("--warmup", type=_count, default=10, help="calls of warm-up, at least")
    parser.add_argument("--rounds", type=positive, default=10, help="rounds through all batches, at least")
    parser.add_argument("--seconds", type=_seconds, default=0.5, help="of each batch in each round")
    parser.add_argument("--limit", type=_seconds, default=300.0, help="seconds of all rounds together")
    parser.add_argument("--precision", type=_percent, default=1.0, help="stop at this half-width, in percent")


def rules_of(arguments: argparse.Namespace) -> Rules:
    """What these options say."""
    precision = arguments.precision / 100
    return Rules(arguments.warmup, arguments.rounds, arguments.seconds, arguments.limit, precision)


def measured(series: Sequence[Series], rules: Rules, out: str, gpu: int | None) -> dict[str, Any]:
    """Measure all series, write ``latencies-bsN.npy`` of each into ``out``, and return the entries of ``bench.json``.

    Args:
        series: one for each batch.
        rules: how long.
        out: folder of the results.
        gpu: number of the GPU whose counter gives the energy, where one computes.
    """
    machine: dict[str, Any] = {"before": _machine()}
    before = take()
    elapsed = measure(series, rules, lambda seconds: _tell(series, rules, seconds))
    shares, words = disturbances(before, take())
    machine |= {"after": _machine(), "shares": shares}
    meter = find_meter(gpu)
    return {
        "protocol": {
            "rounds": len(series[0].rounds),
            "rounds_at_least": rules.rounds,
            "seconds": rules.seconds,
            "limit": rules.limit,
            "precision": rules.precision,
            "warmup": rules.warmup,
            "elapsed": elapsed,
            "interval": "95 % of the median, from order statistics",
            "percentiles": "nearest rank over all calls of all rounds, milliseconds per call",
        },
        "batches": [_batch(one, rules, words, out, meter) for one in series],
        "cores": cores(),
        "machine": machine,
    }


def tell(result: dict[str, Any]) -> None:
    """Print the rate of each batch."""
    for one in result["batches"]:
        width = f" ±{one['half_width']:.1%}" if one["half_width"] is not None else ""
        print(f"batch {one['batch']}: {one['rate']:.1f} images/s{width}, {one['n']} calls")


def _batch(one: Series, rules: Rules, words: list[str], out: str, meter: Meter | None) -> dict[str, Any]:
    latencies = np.concatenate([np.asarray(part.calls_ns) for part in one.rounds]) / 1e6
    os.makedirs(out, exist_ok=True)
    np.save(os.path.join(out, f"latencies-bs{one.batch}.npy"), latencies)
    found = percentiles(latencies.tolist())
    return {
        "batch": one.batch,
        "rounds": [part.as_json() for part in one.rounds],
        "rate": one.rate,
        "interval": list(one.interval) if one.interval else None,
        "half_width": one.half_width,
        "spread": (max(one.rates) - min(one.rates)) / one.rate,
        "n": len(latencies),
        "mean": float(latencies.mean()),
        "latency": {**found, "n": len(latencies)} if found else None,
        "warmup": {"calls": one.warm_calls, "seconds": one.warm_seconds, "settled": one.settled},
        "unstable": _unstable(one, rules, words),
        "energy": _energy(one, meter),
    }


def _unstable(one: Series, rules: Rules, words: list[str]) -> list[str]:
    """Reasons not to rely on the rate: its interval, and what else happened on the machine."""
    reasons = []
    width = one.half_width
    if width is None:
        reasons.append(f"{len(one.rounds)} rounds are too few for an interval")
    elif width > rules.precision:
        reasons.append(f"the interval is ±{width:.1%}, wider than ±{rules.precision:.1%}")
        if not one.settled:
            reasons.append("the warm-up did not become steady")
    return [*reasons, *words]


def _energy(one: Series, meter: Meter | None) -> dict[str, Any] | None:
    if meter is None:
        return None
    images = 0

    def work() -> None:
        nonlocal images
        images = one.run(meter.seconds).images

    joules = meter.joules(work)
    return {"joules_per_image": joules / images, "method": meter.method} if joules and images else None


def _tell(series: Sequence[Series], rules: Rules, seconds: float) -> None:
    """Report the rates so far."""
    shown = ", ".join(
        f"bs{one.batch} {one.rate:.4g}" + (f" ±{one.half_width:.1%}" if one.half_width is not None else "")
        for one in series
    )
    total = max(math.ceil(rules.limit), math.ceil(seconds))
    progress(int(seconds), total, f"s at most, round {len(series[0].rounds)}: {shown}")


def _machine() -> dict[str, Any]:
    return {"load": [round(value, 2) for value in os.getloadavg()], **clocks()}


def _batches(text: str) -> list[int]:
    found = [positive(part) for part in text.split(",")]
    if len(set(found)) != len(found):
        raise argparse.ArgumentTypeError(f"{text} names a batch twice")
    return found


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is negative")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < 86400:
        raise argparse.ArgumentTypeError(f"{value} is not a length of time")
    return value


def _percent(text: str) -> float:
    value = float(text)
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError(f"{value} is not a share in percent")
    return value
