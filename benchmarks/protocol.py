"""What the measuring protocol costs: seconds against the width of the interval, round by round."""

from __future__ import annotations

import json

from benchmarks.engines import BATCHES
from benchmarks.model import model
from benchmarks.table import Row, Settings
from kit.inside.estimate import half_width

__all__ = ["measure"]

PART = "Cost of the measuring protocol"
#: Rounds after which the interval is looked at.
LOOKS = (6, 10, 20, 40, 80)


def measure(settings: Settings) -> list[Row]:
    """The widest of the batches' intervals after some rounds of one long measurement of ONNX Runtime."""
    batches = ",".join(map(str, BATCHES))
    found = json.loads(
        settings.python_module(
            "benchmarks.peers", "protocol", model(settings), batches, settings.cores, 45 * settings.seconds
        ).splitlines()[-1]
    )
    rows = []
    for rounds in LOOKS:
        if rounds > len(found["seconds"]):
            break
        widths = [half_width(rates[:rounds]) or 0.0 for rates in found["rates"].values()]
        what = f"{rounds} rounds of {found['length']:g} s through batches {batches}"
        seconds = f"{found['seconds'][rounds - 1]:.1f} s"
        rows.append(Row(PART, what, seconds, "half of the 95 % interval, widest batch", f"±{100 * max(widths):.2f} %"))
    return rows
