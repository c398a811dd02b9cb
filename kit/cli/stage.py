"""What ``kit convert``, ``kit infer`` and ``kit bench`` share."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from kit.session import Choice
    from kit.step import Stage

__all__ = ["run"]


def run(
    stages: Collection[Stage],
    recipe: Path,
    choice: Choice,
    use: Sequence[str],
    out: Path | None,
    runner: str,
    store: Path,
    *,
    wait: bool,
    as_json: bool,
    verbose: bool,
) -> None:
    """Run a stage and say where its outputs are."""
    from kit.images import BuildOptions
    from kit.preflight import preflight
    from kit.progress import choose
    from kit.recipe import load_recipe
    from kit.session import Session
    from kit.stage import brought, run_stage
    from kit.store import Store

    given = brought(use)
    kept = Store(store)
    session = Session(load_recipe(recipe), choice, kept)
    if not choice.simulate:
        preflight(session)
    with kept.lock(wait=wait):
        made = run_stage(
            session,
            stages,
            given,
            runner=runner,
            options=BuildOptions.from_environment(),
            progress=choose(as_json=as_json, verbose=verbose),
            out=out,
        )
    for record, folder in made:
        if as_json:
            files = {file.path: file.sha256 for file in record.files if "/" not in file.path}
            message = {"event": "made", "step": record.step, "folder": str(folder), "files": files}
            typer.echo(json.dumps(message | {"simulated": record.simulated}))
        else:
            typer.echo(f"{record.step}: {folder}{'  SIMULATED' if record.simulated else ''}")
            _tell(folder)


def _tell(folder: Path) -> None:
    """The figures of a measurement, where there are any."""
    try:
        tree = json.loads((folder / "bench.json").read_bytes())
        rates = sorted(float(one["rate"]) for one in tree["repeats"])
        typer.echo(
            f"  batch {tree['batch']}: {rates[len(rates) // 2]:.1f} images/s (median of {len(rates)}, "
            f"{rates[0]:.1f} to {rates[-1]:.1f}), p50 {tree['p50']:.3f} ms, p90 {tree['p90']:.3f} ms, "
            f"p99 {tree['p99']:.3f} ms of {tree['n']} calls"
        )
    except (OSError, ValueError, KeyError, TypeError):
        return
