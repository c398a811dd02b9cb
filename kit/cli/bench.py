"""``kit bench``."""

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
    """Measure throughput and latency of the model, batch by batch.

    What it needs and does not find in the store is made first; --use STEP=PATH brings your own instead.

    \b
    Examples:
      kit bench --target cpu --batch 16
      kit bench --target cpu --use export=my.onnx --json
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
    run({"bench"}, recipe, choice, use or [], out, runner.value, store, wait=wait, as_json=as_json, verbose=verbose)
