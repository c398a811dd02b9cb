"""``kit bench``."""

from __future__ import annotations

from kit.cli.stage import command_of

__all__ = ["command"]

# \b keeps the lines of the examples apart.
command = command_of(
    "bench",
    says="""Measure throughput and latency of the model, batch by batch.

    What it needs and does not find in the store is made first; --use STEP=PATH takes a file of yours instead.

    \b
    Examples:
      kit bench --target cpu --batch 16
      kit bench --target cpu --use export=my.onnx --json
    """,
)
