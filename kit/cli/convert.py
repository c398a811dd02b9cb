"""``kit convert``."""

from __future__ import annotations

from kit.cli.stage import command_of

__all__ = ["command"]

# \b keeps the lines of the examples apart.
command = command_of(
    "export",
    "convert",
    says="""Convert the model: checkpoint to ONNX, and ONNX to what the target runs.

    What it needs and does not find in the store is made first; --use STEP=PATH takes a file of yours instead.

    \b
    Examples:
      kit convert --target cpu --out model             the ONNX model
      kit convert --target 310P --use export=my.onnx   ATC alone, from an ONNX model that is there
    """,
)
