"""``kit worker``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from kit.cli import options
from kit.cli.usage import option

__all__ = ["command"]


def command(
    recipe: options.RecipePath = Path("kit.yaml"),
    resources: Annotated[bool, option("--resources", "Print the line that offers this host to a Ray cluster.")] = False,
    address: Annotated[
        str | None,
        option("--address ADDRESS", "HEAD:6379 of the cluster to join; without it this host becomes the head."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Say what this host can do for `kit reproduce --on`: its accelerators, as doctor finds them, and its quiet.

    A timed step takes kit_quiet, of which a host has one: two measurements never share a host.

    \b
    Examples:
      kit worker --resources                       on the head
      kit worker --resources --address HEAD:6379   on every other host
    """  # noqa: D301 - \b keeps the lines of the examples apart
    if not resources:
        raise typer.BadParameter("is what this command does: give it", param_hint="--resources")
    from kit.fleet.offer import offered, start_line
    from kit.recipe.schema import load_recipe
    from kit.resources import resource

    parsed = load_recipe(resource("examples") / "digits" if options.unnamed(recipe) else recipe)
    found = offered(parsed)
    typer.echo(json.dumps(found) if as_json else start_line(found, address))
