"""``kit convert``."""

from __future__ import annotations

from pathlib import Path

from kit.cli import options
from kit.cli.stage import run

__all__ = ["command"]


def command(
    recipe: options.RecipePath = Path("kit.yaml"),
    target: options.Targets = None,
    batch: options.Batches = None,
    use: options.Use = None,
    out: options.Out = None,
    simulate: options.Simulate = False,
    device: options.Device = 0,
    runner: options.Runner = options.RunnerName.AUTO,
    weights: options.WeightsPath = None,
    images: options.Images = None,
    labels: options.Labels = None,
    store: options.StorePath = Path(".kit"),
    wait: options.Wait = False,
    as_json: options.Json = False,
    verbose: options.Verbose = False,
) -> None:
    """Convert the model: checkpoint to ONNX, and ONNX to what the target runs.

    What it needs and does not find in the store is made first; --use STEP=PATH brings your own instead.

    \b
    Examples:
      kit convert --target cpu --out model             the ONNX model
      kit convert --target 310P --use export=my.onnx   ATC alone, from an ONNX model that is there
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.session import Choice
    from kit.step import Stage

    choice = Choice(
        targets=tuple(target or ()),
        batches=tuple(batch or ()),
        simulate=simulate,
        device=device,
        weights=weights,
        images=images,
        labels=labels,
    )
    stages: set[Stage] = {"export", "convert"}
    run(stages, recipe, choice, use or [], out, runner.value, store, wait=wait, as_json=as_json, verbose=verbose)
