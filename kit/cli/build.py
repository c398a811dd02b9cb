"""``kit build``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from kit.cli import options
from kit.cli.usage import argument, option

__all__ = ["command"]


def command(
    image: Annotated[list[str] | None, argument(None, "Images to build; without a name, exporter and runtime.")] = None,
    recipe: options.RecipePath = Path("kit.yaml"),
    target: options.Targets = None,
    simulate: options.Simulate = False,
    base: options.Base = None,
    wheelhouse: options.Wheelhouse = None,
    no_cache: Annotated[bool, option("--no-cache", "Build every layer again.")] = False,
    store: options.StorePath = Path(".kit"),
    adopt: options.Adopt = False,
    verbose: options.Verbose = False,
) -> None:
    """Build container images; one that is up to date is not built again.

    The builder uses the proxy of this environment (http_proxy, https_proxy, no_proxy), its package mirror
    (PIP_INDEX_URL), its private CA (KIT_CA_BUNDLE, or the one of PIP_CERT), and wheels from a wheelhouse.

    \b
    Examples:
      kit build                                exporter and runtime
      kit build exporter --wheelhouse wheels   without an index
      kit build --target 310P                  also the images of a target
      kit build --base debian-with-python:12   from another base image
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.containers.images import STANDARD, BuildOptions, Images
    from kit.data.weights import weights_path
    from kit.execution.selection import Choice, Selection, image_specs
    from kit.storage.store import Store

    kept = Store(store, adopt=adopt)
    kept.check()
    specs = []
    if target:
        from kit.recipe.schema import load_recipe

        parsed = load_recipe(recipe)
        selection = Selection(parsed, Choice(targets=tuple(target), simulate=simulate))
        specs = image_specs(selection.jobs(weights_path(parsed, kept.root, None)))
    build = BuildOptions.from_environment(base, tuple(wheelhouse or ()), no_cache=no_cache)

    def log(text: str) -> None:
        if verbose or text.startswith(("Step ", "pulling ")):
            typer.echo(text, err=True)

    images = Images(specs, kept.root, build, log)
    with kept.lock():
        for name in image or [*(spec.name for spec in STANDARD), *(spec.name for spec in specs)]:
            started = time.monotonic()
            identity = images.build(name)
            typer.echo(f"{images.tag(name)}  {identity}  {time.monotonic() - started:.1f} s")
