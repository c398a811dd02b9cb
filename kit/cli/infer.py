"""``kit infer``."""

from __future__ import annotations

from kit.cli.stage import command_of

__all__ = ["command"]

# \b keeps the lines of the examples apart.
command = command_of(
    "infer",
    says="""Run the model over the data set, and keep what it says about each image.

    What it needs and does not find in the store is made first; --use STEP=PATH takes a file of yours instead.

    \b
    Examples:
      kit infer --target cpu --use export=my.onnx
      kit infer --target cpu --images photos --labels labels.txt --out predictions
    """,
)
