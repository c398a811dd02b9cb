"""``kit doctor``."""

from __future__ import annotations

from pathlib import Path

import typer

from kit.cli import options

__all__ = ["command"]


def command(
    recipe: options.RecipePath = Path("kit.yaml"),
    target: options.Targets = None,
    simulate: options.Simulate = False,
    device: options.Device = 0,
    weights: options.WeightsPath = None,
    images: options.Images = None,
    labels: options.Labels = None,
    base: options.Base = None,
    store: options.StorePath = Path(".kit"),
    adopt: options.Adopt = False,
    as_json: options.Json = False,
) -> None:
    """Check engine, memory, disk, images, weights and data, and what each target needs: driver, nodes, packages.

    Nothing is changed, built or downloaded. Every finding says what to do, and which message of the vendor's tools it
    prevents. The exit code is 0, or that of the first failure (8: an accelerator or its driver).

    \b
    Examples:
      kit doctor                                   the machine, and the recipe's default targets
      kit doctor --target 310P                     also the chip, its driver, nodes, permissions and packages
      kit doctor --target T4 --device 1 --json     for machines
      kit doctor --recipe examples/digits          for the bundled example
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.doctor import show
    from kit.doctor.machine import bare, examine

    if not target and not recipe.exists():
        sections = bare()
    else:
        from kit.containers.images import BuildOptions
        from kit.execution.selection import Choice, Selection
        from kit.recipe.schema import load_recipe
        from kit.storage.store import Store

        parsed = load_recipe(recipe)
        chosen = tuple(target or ()) or parsed.default or tuple(parsed.targets)
        choice = Choice(targets=chosen, simulate=simulate, device=device, weights=weights, images=images, labels=labels)
        sections = examine(Selection(parsed, choice), Store(store, adopt=adopt), BuildOptions.from_environment(base))
    typer.echo(show.as_json(sections) if as_json else show.as_text(sections))
    code = show.exit_code(sections)
    if code:
        raise typer.Exit(int(code))
