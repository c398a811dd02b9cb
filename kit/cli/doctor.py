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

    The last lines say what will work here today; without a recipe, of all targets that the bundled example has.
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
    from kit.doctor.machine import bare, examine, look_at_targets
    from kit.execution.selection import Choice, Selection
    from kit.recipe.schema import load_recipe
    from kit.resources import resource

    if not target and options.unnamed(recipe):
        example = load_recipe(resource("examples") / "digits")
        chosen = tuple(example.targets)
        sections = bare()
        looked = sections | look_at_targets(Selection(example, Choice(targets=chosen)), example.folder)
    else:
        from kit.containers.images import BuildOptions
        from kit.storage.store import Store

        parsed = load_recipe(recipe)
        chosen = tuple(target or ()) or parsed.default or tuple(parsed.targets)
        choice = Choice(targets=chosen, simulate=simulate, device=device, weights=weights, images=images, labels=labels)
        looked = sections = examine(
            Selection(parsed, choice), Store(store, adopt=adopt), BuildOptions.from_environment(base)
        )
    today = show.outlook(looked, chosen)
    typer.echo(show.as_json(sections, today) if as_json else show.as_text(sections, today))
    code = show.exit_code(sections)
    if code:
        raise typer.Exit(int(code))
