"""``kit infer``."""

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
    """Run the model over the data set, and keep what it says about each image.

    What it needs and does not find in the store is made first; --use STEP=PATH brings your own instead.

    \b
    Examples:
      kit infer --target cpu --use export=my.onnx
      kit infer --target cpu --images photos --labels labels.txt --out predictions
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.session import Choice

    choice = Choice(
        targets=tuple(target or ()),
        batches=tuple(batch or ()),
        simulate=simulate,
        device=device,
        weights=weights,
        images=images,
        labels=labels,
    )
    run({"infer"}, recipe, choice, use or [], out, runner.value, store, wait=wait, as_json=as_json, verbose=verbose)
