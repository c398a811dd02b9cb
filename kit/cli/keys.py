"""``kit keys``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from kit.cli.usage import argument

__all__ = ["command"]


def command(
    action: Annotated[Literal["new", "show"], argument(None, "new: make a pair; show: print the id of a public key.")],
    path: Annotated[Path, argument("FILE", "The private key; the public one is FILE.pub.")] = Path("kit.key"),
) -> None:
    """Make a key for signing archives: Ed25519, without a password, readable by you alone.

    Keep FILE to yourself, and give FILE.pub to those who are to trust it, by a way that they trust already. The id may
    stand in the recipe's `signatures`.

    \b
    Examples:
      kit keys new release.key
      kit keys show release.key.pub
      kit archive digits.tar --sign release.key
      kit verify digits.tar --trust release.key.pub
    """  # noqa: D301 - \b keeps the lines of the examples apart
    from kit.archive.signing import new_key, public_key

    if action == "new":
        public, keyid = new_key(path)
        typer.echo(f"private: {path}\npublic: {public}\nid: {keyid}")
    else:
        typer.echo(public_key(path).keyid)
