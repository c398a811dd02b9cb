"""``kit schema``."""

from __future__ import annotations

import json

import typer

__all__ = ["command", "schema_text"]


def schema_text() -> str:
    """The JSON Schema of a recipe, as the repository holds it for editors."""
    from kit.recipe.schema import Recipe

    return json.dumps(Recipe.model_json_schema(), indent=2, ensure_ascii=False) + "\n"


def command() -> None:
    """Print the JSON Schema of kit.yaml, for editors and other tools.

    \b
    Example:
      kit schema > kit.schema.json
    """  # noqa: D301 - \b keeps the lines of the example apart
    typer.echo(schema_text(), nl=False)
