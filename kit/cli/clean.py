"""``kit clean``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kit.cli import options
from kit.cli.usage import option

__all__ = ["command"]


def command(
    store: options.StorePath = Path(".kit"),
    adopt: options.Adopt = False,
    dry_run: Annotated[bool, option("--dry-run -n", "Only list.")] = False,
) -> None:
    """List and remove what dead runs left behind: containers, partial folders, artifacts without a record.

    Finished artifacts, downloads that can be resumed and entries set aside as damaged are kept.

    \b
    Examples:
      kit clean --dry-run
      kit clean
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.containers.client import available
    from kit.containers.docker import MARKER, leftovers
    from kit.storage.store import Store

    kept = Store(store, adopt=adopt)
    if not kept.check():
        typer.echo(f"nothing to clean: there is no store in {kept.root}")
        return
    with kept.lock():
        places = kept.leftovers() if dry_run else kept.sweep()
        for path in places:
            typer.echo(f"{'would remove' if dry_run else 'removed'} {path}")
        count = len(places)
        marked = (kept.root / MARKER).is_file()  # there were containers once
        reason = available() if marked else None
        if reason:
            typer.echo(f"note: containers were not looked for: {reason}", err=True)
        elif marked:
            for container in leftovers(kept.root):
                count += 1
                typer.echo(f"{'would remove' if dry_run else 'removed'} container {container.name}")
                if not dry_run:
                    container.remove(force=True, v=True)
    if not count:
        typer.echo("nothing to clean")
