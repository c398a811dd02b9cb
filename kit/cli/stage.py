"""``kit convert``, ``kit infer`` and ``kit bench``: commands that run some stages alone, with the same options."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from kit.cli import options
from kit.results.digits import rounded

if TYPE_CHECKING:
    from kit.planning.step import Stage

__all__ = ["command_of"]


def command_of(*stages: Stage, says: str) -> Callable[..., None]:
    """The command of these stages; ``says`` is its help."""

    def command(
        recipe: options.RecipePath = Path("kit.yaml"),
        target: options.Targets = None,
        batch: options.Batches = None,
        use: options.Use = None,
        out: options.Out = None,
        simulate: options.Simulate = False,
        device: options.Device = 0,
        devices: options.Devices = None,
        shards: options.Shards = 1,
        shard: options.OneShard = None,
        runner: options.Runner = "auto",
        weights: options.WeightsPath = None,
        images: options.Images = None,
        labels: options.Labels = None,
        store: options.StorePath = Path(".kit"),
        adopt: options.Adopt = False,
        wait: options.Wait = False,
        as_json: options.Json = False,
        verbose: options.Verbose = False,
    ) -> None:
        from kit.containers.images import BuildOptions
        from kit.data.weights import weights_path
        from kit.doctor.preflight import preflight
        from kit.execution.partial import parse_given, run_stage
        from kit.execution.progress import choose
        from kit.execution.selection import Choice, Selection
        from kit.recipe.schema import load_recipe
        from kit.storage.files import os_errors
        from kit.storage.root import Root
        from kit.storage.store import Store

        choice = Choice(
            targets=tuple(target or ()),
            batches=tuple(batch or ()),
            simulate=simulate,
            device=device,
            devices=options.parse_devices(devices),
            shards=shards,
            weights=weights,
            images=images,
            labels=labels,
        )
        given = parse_given(use or ())
        kept = Store(store, adopt=adopt)
        kept.check()
        selection = Selection(load_recipe(recipe), choice)
        if out is not None:
            with os_errors(out):
                Root(out).make()  # told before the work, not after it
        preflight(selection.jobs(weights_path(selection.recipe, kept.root, weights)))
        with kept.lock(wait=wait):
            made = run_stage(
                selection,
                kept,
                stages,
                given,
                runner=runner,
                build=BuildOptions.from_environment(),
                progress=choose(as_json=as_json, verbose=verbose),
                out=out,
                shard=shard,
            )
        for record, folder in made:
            if as_json:
                files = {file.path: file.sha256 for file in record.files if "/" not in file.path}
                message = {"event": "made", "step": record.step, "folder": str(folder), "files": files}
                typer.echo(json.dumps(message | {"simulated": record.simulated}))
            else:
                typer.echo(f"{record.step}: {folder}{'  SIMULATED' if record.simulated else ''}")
                _tell(folder)

    command.__doc__ = says
    return command


def _tell(folder: Path) -> None:
    """The figures of a measurement, where there are any."""
    try:
        lines = [_figures(one) for one in json.loads((folder / "bench.json").read_bytes())["batches"]]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for line in lines:
        typer.echo(f"  {line}")


def _figures(one: dict[str, Any]) -> str:
    """One batch in a line: ``batch 8: 612 images/s (±0.8 %, median of 12 rounds), p50 13.1 ms of 118 calls``."""
    width = one["half_width"]
    text = f"batch {one['batch']}: {rounded(one['rate'], width)} images/s ("
    text += f"±{100 * width:.2g} %, " if width is not None else ""
    text += f"median of {len(one['rounds'])} rounds)"
    found = [f"{name} {value:.4g} ms" for name, value in sorted((one["latency"] or {}).items()) if name != "n"]
    text += f", {', '.join(found)} of {one['n']} calls" if found else ""
    return text + (f"; unstable: {'; '.join(one['unstable'])}" if one["unstable"] else "")
